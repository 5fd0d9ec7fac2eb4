"""The list of a server's folder: its names, within bounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from piienc.errors import IncompleteError
from piienc.remote.sftp import protocol
from piienc.remote.sftp.calls import closing
from piienc.remote.sftp.protocol import string
from piienc.remote.sftp.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.remote.remote import FileAttributes
    from piienc.remote.sftp.session import Answer, Session

_ASKED_AHEAD = 8  # requests for the next part of a listing
MOST_NAMES, MOST_BYTES, MOST_EMPTY = 500_000, 128 << 20, 100  # of one list
_ENDS = frozenset({protocol.NO_SUCH_FILE, protocol.FAILURE, protocol.BAD_MESSAGE})


class _Bounds:
    """The size of a list so far, and its limits."""

    def __init__(self, seconds: float) -> None:
        self.names = 0
        self._bytes = self._empty = 0
        self._until = time.monotonic() + seconds

    def require(self, names: int, size: int) -> None:
        """Count an answer.

        Raises:
            IncompleteError: it is one too many.
        """
        self.names += names
        self._bytes += size
        self._empty += not names
        if (
            self.names > MOST_NAMES
            or self._bytes > MOST_BYTES
            or self._empty > MOST_EMPTY
            or time.monotonic() > self._until
        ):
            raise IncompleteError(
                f"cannot list the folder: its list does not end within {self.names:,} names and "
                f"{self._bytes:,} bytes",
                hint="have old files removed there, or name a file instead of a pattern",
            )


def listing(session: Session, folder: str) -> Iterator[tuple[str, FileAttributes]]:
    """Yield all names of a folder, unchecked, with the attributes of each.

    Raises:
        IncompleteError: the server refuses, or the list goes beyond all bounds.
    """
    doing = "list the folder"
    answer = session.call(protocol.OPENDIR, string(folder))
    with closing(session, answer, doing) as file:
        handle, more, bounds = string(file.handle), True, _Bounds(10 * session.stall)
        while more:
            answers = [session.ask(protocol.READDIR, handle) for _ in range(_ASKED_AHEAD)]
            for part in answers:
                code = session.wait(part).code
                # Behind the last name, some servers give another error than EOF.
                if code == protocol.EOF or (code in _ENDS and bounds.names):
                    more = False
                elif code != protocol.OK:
                    raise refusal(part, doing)
                elif more:
                    yield from _names(part, bounds)


def _names(answer: Answer, bounds: _Bounds) -> Iterator[tuple[str, FileAttributes]]:
    fields = answer.fields(protocol.NAME)
    count = fields.u32()
    bounds.require(count, len(answer.body))
    for _ in range(count):
        name = fields.text()
        fields.string()
        yield name, fields.facts()
