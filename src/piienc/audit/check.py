"""Checks all logs of a state folder against signatures, heads and witnesses kept elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from piienc.audit import head as heads
from piienc.audit import segments
from piienc.audit.access import unreadable
from piienc.audit.head import LogPosition
from piienc.audit.standing import misfit, standing
from piienc.audit.walk import Damage, LogWalk
from piienc.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from piienc.audit.head import SignedHead
    from piienc.audit.keys import AuditPublicKey
    from piienc.audit.walk import Kind, WalkState, Witnessed

Signature = Literal["good", "unchecked", "none"]

__all__ = ["AuditReport", "Damage", "LogReport", "check", "noted"]


class LogReport(Struct, frozen=True):
    """The result of checking one log.

    Attributes:
        path: its folder, or its file, from the state folder.
        lines: how many lines there are.
        segments: how many files they are in.
        signature: good; unchecked where the public key is missing; none where nothing is
            signed.
        key: the fingerprint of the key, or as much of it as is known.
        cut: how many lines a crash has cut off.
        last: when the last line was written, as the head tells it.
        damages: what is wrong, in order.
    """

    path: str
    lines: int
    segments: int
    signature: Signature
    key: str | None = None
    cut: int = 0
    last: str | None = None
    damages: tuple[Damage, ...] = ()


class AuditReport(Struct, frozen=True):
    """What was found of all logs of a state folder; that of the key folder's key comes first."""

    logs: tuple[LogReport, ...]

    @property
    def damages(self) -> list[Damage]:
        """What is wrong, in order."""
        return [damage for log in self.logs for damage in log.damages]

    @property
    def unchecked(self) -> list[LogReport]:
        """The signed logs whose key is missing."""
        return [log for log in self.logs if log.signature == "unchecked"]

    @property
    def proves_nothing(self) -> bool:
        """Whether there are signed logs, and no signature was checked."""
        return bool(self.unchecked) and all(log.signature != "good" for log in self.logs)


class _LogSnapshot(Struct, frozen=True):
    """A log as it was at one moment, while its lock was held."""

    folder: Path
    sizes: dict[int, int]
    head: SignedHead | None
    reason: str | None
    misnamed: tuple[str, ...] = ()


def check(
    state: Path, key: AuditPublicKey | None, witnesses: Iterable[LogPosition] = ()
) -> AuditReport:
    """Check all logs of a state folder; each is read once, as a stream.

    Raises:
        ConfigError: the system does not let it be read: nothing is said of the log.
    """
    witnessed: dict[tuple[str, int], set[str]] = {}
    for witness in witnesses:
        witnessed.setdefault((witness.log, witness.lines), set()).add(witness.head)
    own_folder = segments.folder_of(state, key.fingerprint) if key else None
    with segments.still(state):
        snapshots = [_seen(folder) for folder in segments.folders(state)]
    snapshots.sort(key=lambda one: one.folder != own_folder)
    logs, walks = [], []
    for one in snapshots:
        verifier = key if one.folder == own_folder else None
        walked = LogWalk(one.folder, verifier, witnessed).through(one.sizes, one.misnamed)
        logs.append(_checked(state, one, walked, verifier, witnessed))
        walks.append(walked)
    if (
        key
        and own_folder
        and own_folder not in {one.folder for one in snapshots}
        and key.begun(state)
    ):
        reason = "the log that the key has begun here is gone"
        path = own_folder.relative_to(state).as_posix()
        logs.insert(0, _missing(path, reason, "good", key.fingerprint))
    ids = {walked.begun for walked in walks}
    for log in sorted({log for log, _ in witnessed} - ids):
        reason = f"a witness tells of the log {log}, which is not here"
        logs.append(_missing(segments.FOLDER, reason, "none"))
    return AuditReport(tuple(logs))


def noted(state: Path, key: AuditPublicKey | None) -> LogPosition | None:
    """Return the place that the log of a key has come to, or what is unsigned; None before that.

    Raises:
        AuthenticationError: the log does not end as it was written.
        ConfigError: the system does not let it be read.
    """
    folder = segments.folder_of(state, key.fingerprint if key else None)
    with segments.still(state):
        place = standing(folder, key, key.begun(state) if key else None)
    if place.broken:
        raise AuthenticationError(
            f"{folder / place.broken.file}: {place.broken.reason}", hint="see 'piienc audit verify'"
        )
    return LogPosition(place.line, place.head, place.log) if place.line else None


def _seen(folder: Path) -> _LogSnapshot:
    if folder.is_symlink() or not folder.is_dir():
        return _LogSnapshot(folder, {}, None, "it is not a folder")
    sizes = {}
    for number in segments.numbers_of(folder):
        path = segments.path_of(folder, number)
        try:
            sizes[number] = path.lstat().st_size
        except PermissionError as error:
            raise unreadable(path, error) from error
    misnamed = tuple(segments.misnamed(folder))
    try:
        return _LogSnapshot(folder, sizes, heads.read(folder), None, misnamed)
    except ValueError as error:
        return _LogSnapshot(folder, sizes, None, str(error), misnamed)


def _checked(
    state: Path,
    snapshot: _LogSnapshot,
    walked: WalkState,
    key: AuditPublicKey | None,
    witnessed: Witnessed,
) -> LogReport:
    """Check a log that was read against its head, its key and witnesses."""
    name = snapshot.folder.relative_to(state).as_posix()
    head, damages = snapshot.head, list(walked.damages)
    if reason := snapshot.reason or (_reason(state, snapshot, walked, key) if key else None):
        damages.append(Damage(f"{name}/{heads.FILE}", None, "head", reason))
    elif head and key and walked.known and (found := _misfit(head, walked)):
        kind: Kind = "cut-off" if walked.line < head.lines else "head"
        line = walked.line + 1 if kind == "cut-off" else None
        damages.append(Damage(name, line, kind, found))
    missing = [
        line for log, line in witnessed if log == walked.begun and (log, line) not in walked.met
    ]
    if missing and not damages:
        reason = f"the log was cut off behind line {walked.line}: a witness tells of line "
        damages.append(Damage(name, walked.line + 1, "cut-off", f"{reason}{max(missing)}"))
    # Of a folder that is empty, as a crash can leave it, the name proves nothing.
    unsigned = snapshot.folder.name == segments.UNSIGNED or not (walked.lines or head or damages)
    return LogReport(
        name,
        walked.lines,
        len(snapshot.sizes),
        "none" if unsigned else "good" if key else "unchecked",
        None if unsigned else key.fingerprint if key else snapshot.folder.name,
        walked.cut,
        head.time if head else None,
        tuple(damages),
    )


def _reason(
    state: Path, snapshot: _LogSnapshot, walked: WalkState, key: AuditPublicKey
) -> str | None:
    """Return what is wrong with the head by itself, and with the log as a whole."""
    begun = key.begun(state)
    if snapshot.head is None:
        return "the head is gone" if walked.lines or begun else None
    if not snapshot.head.is_signed_by(key):
        return "the signature of the head is not good"
    ids = {begun, walked.begun} - {None}
    return None if ids <= {snapshot.head.log} else "it is not the log that the key has begun here"


def _misfit(head: SignedHead, walked: WalkState) -> str | None:
    if walked.link is not None:
        return misfit(head, walked.link, walked.head, walked.end)
    return f"the log was cut off: its head tells of line {head.lines}" if head.lines else None


def _missing(path: str, reason: str, signature: Signature, key: str | None = None) -> LogReport:
    damage = Damage(path, None, "removed", reason)
    return LogReport(path, 0, 0, signature, key, damages=(damage,))
