"""A local file on its way: hashed beside the sending, and not to be changed meanwhile."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Self

from msgspec import Struct

from piienc.base.files import reading
from piienc.errors import InputError
from piienc.storage.hashing import FollowedFile

if TYPE_CHECKING:
    from pathlib import Path


Stamp = tuple[int, int, int]
"""What changes with a file: its size, and when it and its facts were written, in nanoseconds."""


class KnownFile(Struct, frozen=True):
    """The known hash of a file that was just written, valid while the file is unchanged.

    Attributes:
        sha256: its hash, in hex.
        stamp: identifies the file's state; the hash holds only for this stamp.
    """

    sha256: str
    stamp: Stamp

    @classmethod
    def at(cls, path: Path, sha256: str) -> Self:
        """Return the known hash of a file that is not being written to.

        Raises:
            OSError: the file is missing.
        """
        return cls(sha256, _stamp(path.stat()))


class UploadFile:
    """A local file that is delivered; it must stay as it is meanwhile. Close it at the end.

    Attributes:
        path: where it is.
        file: opened for reading.
        size: in bytes.
    """

    def __init__(self, path: Path, file: BinaryIO, known: KnownFile | None = None) -> None:
        self.path, self.file = path, file
        self._identity = self._look()
        self._known = known.sha256 if known and known.stamp == self._identity else None
        self.size = self._identity[0]

    @cached_property
    def _followed(self) -> FollowedFile:
        return FollowedFile(self.file.fileno())

    def close(self) -> None:
        """End the thread that hashes, if there is one."""
        if "_followed" in self.__dict__:
            self._followed.close()

    def begin_hashing(self) -> None:
        """Let the file be hashed beside other work."""
        if not self._known:
            _ = self._followed

    @property
    def sha256(self) -> str:
        """The hash of the file, in hex.

        Raises:
            InputError: it cannot be read.
        """
        with reading(self.path, "check the disk that it is on"):
            return self._known or self._followed.end()[1]

    def require_unchanged(self) -> None:
        """Refuse a file that was written to since it was opened.

        Raises:
            InputError: it was.
        """
        if self._look() != self._identity:
            raise InputError(
                f"{self.path} has changed while it was sent",
                hint="send it when it is finished: write it under another name, then rename it",
            )

    def _look(self) -> Stamp:
        return _stamp(os.fstat(self.file.fileno()))


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
