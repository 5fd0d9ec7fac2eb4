"""Lines are appended: chained, signed, and on the disk, under a signed head."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from piienc.audit import head as heads
from piienc.audit import segments
from piienc.audit.access import unkept
from piienc.audit.head import LogPosition, SignedHead
from piienc.audit.line import LineLink, hash_of, made, now
from piienc.audit.standing import standing
from piienc.base.files import keep_names, make_folder, translated
from piienc.base.trust import require_private
from piienc.errors import ConfigError, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from piienc.audit.keys import AuditKey
    from piienc.audit.standing import LogState


class AuditLog:
    """The logs of a state folder, one for each key; several processes may append at once."""

    def __init__(
        self,
        folder: Path,
        signer: Callable[[], AuditKey | None],
        on_warning: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Say where the logs are, and who signs: asked at each append, while they are held."""
        self.folder = folder
        self._signer = signer
        self._on_warning = on_warning

    def append(self, facts: dict[str, Any]) -> LogPosition:
        """Append a line and replace the head; both are on disk when this returns.

        A log that is not as it was written stays unchanged, and continues in a new segment.

        Returns:
            The position of the new line.

        Raises:
            ConfigError: the state folder cannot be used.
            KeyAccessError: others than their owner may read the log, or the signing key.
            IncompleteError: the disk is full, or the line or the head cannot be written.
        """
        with self._held():
            signer = self._signer()
            folder = segments.folder_of(self.folder, signer.fingerprint if signer else None)
            _make(folder)
            begun = signer.begun(self.folder) if signer else None
            place = standing(folder, signer, begun)
            if signer and not place.headed and not place.broken:
                # Before the first line, so that lines without a head are never a crash's; and
                # before the next, so that a crash leaves no more than one behind the head.
                heads.write(folder, _head(place.log, place.line, place.head, place.place, signer))
            if signer:
                signer.remember(self.folder, place.log)
            position = self._write(folder, place, facts, signer)
        if place.broken:
            self._on_warning(
                f"the audit log {folder / place.broken.file} is not as it was written: "
                f"{place.broken.reason}; it goes on in a new segment that says so: see 'piienc "
                "audit verify'"
            )
        return position

    def _write(
        self, folder: Path, place: LogState, facts: dict[str, Any], signer: AuditKey | None
    ) -> LogPosition:
        link = LineLink(
            place.line + 1,
            place.head,
            place.log,
            place.segment,
            signer.fingerprint if signer else None,
            place.torn,
            place.broken,
        )
        line = made(link, facts, signer)
        if len(line) >= segments.LONGEST:
            raise IncompleteError(
                f"the line of the audit log has {len(line):,} bytes, and may have less than "
                f"{segments.LONGEST:,}",
                hint="take fewer files in one run",
            )
        _append(segments.path_of(folder, place.segment), line + b"\n", place.end)
        position = LogPosition(link.line, hash_of(line), place.log)
        if signer:
            at = (place.segment, place.end + len(line) + 1)
            try:
                heads.write(folder, _head(place.log, position.lines, position.head, at, signer))
            except IncompleteError as error:
                later = "is in the log, and the next command signs the head that tells of it"
                raise IncompleteError(
                    f"{error}; line {position.lines} {later}", hint=error.hint
                ) from error
        return position

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Wait until no other process appends to a log of the folder."""
        folder = self.folder / segments.FOLDER
        try:
            _make(self.folder, is_link_good=True)
            _make(folder)
            with segments.held(self.folder):
                yield
        except OSError as error:
            raise unkept(folder, error) from error


def _head(log: str, line: int, digest: str, place: tuple[int, int], signer: AuditKey) -> SignedHead:
    segment, end = place
    return SignedHead(log, segment, line, end, digest, now(), signer.fingerprint).signed(signer)


def _append(path: Path, data: bytes, size: int) -> None:
    """Write all of it to the end of a segment and to the disk, or nothing."""
    descriptor = segments.opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        require_private(path)
        with translated(path):
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            if size == 0:
                keep_names(path.parent)
    finally:
        os.close(descriptor)


def _make(folder: Path, *, is_link_good: bool = False) -> None:
    """Make a private folder, or check the one that is there.

    A link in its place could lead to another log.
    """
    make_folder(folder)
    require_private(folder)
    if folder.is_symlink() and not is_link_good:
        raise ConfigError(
            f"{folder} is a symbolic link",
            hint="put the folder itself there, or name the state folder that is meant: --state DIR",
        )
