"""What a server's refusal means; servers give a code, and seldom the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import IncompleteError, NameTakenError, OutOfOrderError
from piienc.remote.sftp import protocol

if TYPE_CHECKING:
    from piienc.errors import PiiencError
    from piienc.remote.sftp.session import Answer

_FULL = "make room at the destination, and run the same command again"
_MEANINGS = {
    protocol.NO_SUCH_FILE: ("it is not there", "check the name and the destination's folder"),
    protocol.PERMISSION_DENIED: (
        "permission denied",
        "ask the server's owner whether this account may do that in this folder",
    ),
    protocol.UNSUPPORTED: ("the server cannot do that", "ask the server's owner for another way"),
    protocol.WRITE_PROTECT: ("it is write-protected", "ask the server's owner"),
    protocol.NO_SPACE: ("the disk is full", _FULL),
    protocol.QUOTA: ("the quota is used up", _FULL),
}
_ORDER = frozenset(
    {protocol.PERMISSION_DENIED, protocol.FAILURE, protocol.BAD_MESSAGE, protocol.UNSUPPORTED}
)
_NO_REASON = (
    "ask the server's owner: this may be a quota, a limit on the size of files or on their "
    "names, a file system that is read-only, or a disk that fails"
)
_CONNECTION = frozenset({protocol.NO_CONNECTION, protocol.CONNECTION_LOST})


def refusal(answer: Answer, doing: str) -> PiiencError:
    """Return the error for a status.

    Args:
        answer: a status that is not `OK`.
        doing: the refused operation, as in "cannot DOING: permission denied".
    """
    code = answer.code
    if code in _CONNECTION:
        return IncompleteError(
            f"cannot {doing}: the server has lost its storage",
            hint="run the same command again later",
            transient=True,
        )
    if code in _MEANINGS:
        meaning, hint = _MEANINGS[code]
        return IncompleteError(f"cannot {doing}: {meaning}", hint=hint)
    message = answer.message()
    reason = (
        f"the server gives no reason but '{message}'" if message else "the server gives no reason"
    )
    return IncompleteError(f"cannot {doing}: {reason}", hint=_NO_REASON)


def require_ok(answer: Answer, doing: str) -> None:
    """Raise the error for a status that is not `OK`."""
    if answer.code != protocol.OK:
        raise refusal(answer, doing)


def order_refusal(answer: Answer, doing: str) -> PiiencError:
    """Return the error for a refusal that the order of writes may have caused."""
    error = refusal(answer, doing)
    if answer.code not in _ORDER:
        return error
    return OutOfOrderError(str(error), hint=error.hint)


def hidden_refusal(error: PiiencError) -> PiiencError:
    """Add to a refusal what helps where a server allows no renames, or no hidden names."""
    if not error.transient and not isinstance(error, NameTakenError):
        error.hint = (
            f"{error.hint}; if renames or hidden names are not allowed there, say rename = false "
            "for the destination in piienc.toml"
        )
    return error


def disk_full(doing: str, room: int) -> PiiencError:
    """Return the error for a full disk, which the server reports only on request."""
    return IncompleteError(
        f"cannot {doing}: the disk at the destination is full, with room for {room} bytes left",
        hint=_FULL,
    )
