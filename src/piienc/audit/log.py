"""Lines are appended: chained, signed, and on the disk, under a signed head."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from piienc.audit import head as heads
from piienc.audit import segments
from piienc.audit.head import LogPosition, SignedHead
from piienc.audit.line import LineLink, hash_of, made, now
from piienc.audit.standing import standing
from piienc.base.files import NO_ROOM, keep_names, make_private_folder, translated
from piienc.base.trust import require_private
from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from piienc.audit.line import Signer
    from piienc.audit.standing import LogState


class AuditLog:
    """The logs of a state folder, one for each key; several processes may append at once."""

    def __init__(
        self,
        folder: Path,
        signer: Callable[[], Signer | None],
        on_broken: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Say where the logs are, and who signs: asked at each append, while they are held.

        Args:
            folder: the state folder.
            signer: returns the key that signs, if there is one.
            on_broken: called with a sentence, if the log is not as it was written.
        """
        self.folder = folder
        self._signer = signer
        self._on_broken = on_broken

    def append(self, facts: dict[str, Any]) -> LogPosition:
        """Append a line and replace the head; both are on the disk when this returns.

        A log that is not as it was written is left as it is, and goes on in a new segment.

        Args:
            facts: what the line says, beside its place and the time.

        Returns:
            The place that the log has come to.

        Raises:
            ConfigError: the state folder cannot be used.
            KeyAccessError: others than their owner may read the log, or the signing key.
            IncompleteError: the line or the head cannot be written.
        """
        with self._held():
            signer = self._signer()
            folder = segments.folder_of(self.folder, signer.fingerprint if signer else None)
            make_private_folder(folder)
            _require_real(folder)
            begun = signer.begun(self.folder) if signer else None
            place = standing(folder, signer, begun)
            if signer and not place.headed and not place.broken:
                # Before the first line, so that lines without a head are never a crash's; and
                # before the next, so that a crash leaves no more than one behind the head.
                heads.write(folder, _head(place.log, place.line, place.head, place.place, signer))
            if signer and begun is None:
                signer.remember(self.folder, place.log)
            mark = self._write(folder, place, facts, signer)
        if place.broken:
            self._on_broken(
                f"the audit log {folder / place.broken.file} is not as it was written: "
                f"{place.broken.reason}; it goes on in a new segment that says so: see 'piienc "
                "audit verify'"
            )
        return mark

    def _write(
        self, folder: Path, place: LogState, facts: dict[str, Any], signer: Signer | None
    ) -> LogPosition:
        closed = None
        if place.line == 0 and (self.folder / segments.FORMER).exists():
            from piienc.audit.former import closed_former  # noqa: PLC0415  # start-up

            closed = closed_former(self.folder, signer, new=signer is None or signer.new)
        link = LineLink(
            place.line + 1,
            place.head,
            place.log,
            place.segment,
            signer.fingerprint if signer else None,
            place.torn,
            place.broken,
            closed,
        )
        line = made(link, facts, signer)
        _append(segments.path_of(folder, place.segment), line + b"\n", place.end)
        mark = LogPosition(link.line, hash_of(line), place.log)
        if signer:
            at = (place.segment, place.end + len(line) + 1)
            heads.write(folder, _head(place.log, mark.lines, mark.head, at, signer))
        return mark

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Wait until no other process appends to a log of the folder."""
        folder = self.folder / segments.FOLDER
        try:
            make_private_folder(self.folder)
            make_private_folder(folder)
            _require_real(folder)
            with segments.held(self.folder):
                yield
        except (OSError, ConfigError) as error:
            number = error.errno if isinstance(error, OSError) else None
            remedy = "name a folder that may be written to: --state DIR or PIIENC_STATE"
            if number in NO_ROOM:
                remedy = "make room on its disk"
            raise ConfigError(
                f"cannot keep the audit log {folder}: {os.strerror(number) if number else error}",
                hint=f"without it no key is used and no file is touched; {remedy}",
            ) from error


def _head(log: str, line: int, digest: str, place: tuple[int, int], signer: Signer) -> SignedHead:
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


def _require_real(folder: Path) -> None:
    """Refuse a link in the place of a folder: it could lead to another log."""
    if folder.is_symlink():
        raise ConfigError(f"{folder} is a symbolic link")
