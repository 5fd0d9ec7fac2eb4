"""Streams that a step looks into on their way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.errors import InputError
from piienc.storage.hashing import HashingReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from typing_extensions import Buffer

    from piienc.storage.hashing import HashingWriter, Readable
    from piienc.storage.places import Place

    Report = Callable[[int, int, float | None], None]

HEAD = 1 << 20
"""Bytes at the beginning of a message: all that stands before the data of one for thousands."""


class PeekedStream:
    """A stream whose beginning was looked at before it is read.

    Attributes:
        head: its first bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._at = file, 0
        self.head = self._read(size)

    def fileno(self) -> int:
        """Return the descriptor of the file below."""
        return self._file.fileno()

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        if self._at < len(self.head):
            piece = self.head[self._at :] if size < 0 else self.head[self._at : self._at + size]
            self._at += len(piece)
            return piece
        return self._read(size)

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise InputError(
                f"the input cannot be read: {os.strerror(error.errno or 0)}",
                hint="check the disk that it is on",
            ) from error


class ObservedStream(HashingReader):
    """A stream that is counted and hashed, and whose progress is told."""

    def __init__(self, file: Readable, source: Place, progress: Report | None) -> None:
        super().__init__(file)
        self._progress = progress
        self._size = source.stat().st_size if isinstance(source, Path) else 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        data = super().read(size)
        if self._progress:
            share = min(1.0, self.count / self._size) if self._size else None
            self._progress(0, self.count, share)
        return data


class HeadWriter:
    """What is written, handed on; its beginning is kept.

    Attributes:
        bytes: the first of what was written.
    """

    def __init__(self, writer: HashingWriter) -> None:
        self._writer = writer
        self.bytes = b""

    def write(self, data: Buffer) -> None:
        """Write all of `data`."""
        if len(self.bytes) < HEAD:
            self.bytes += bytes(memoryview(data)[: HEAD - len(self.bytes)])
        self._writer.write(data)
