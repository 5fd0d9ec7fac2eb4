"""Streams that a step looks into on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from piienc.storage.hashing import HashingReader, HashingWriter, ReadAhead

    Report = Callable[[int, int, float | None], None]

HEAD = 1 << 20
"""Bytes at the beginning of a message: all that stands before the data of one for thousands."""


class ObservedStream(Struct, frozen=True):
    """A stream whose progress is told.

    Attributes:
        reader: counts what is read.
        told: called with the bytes that were read.
    """

    reader: HashingReader | ReadAhead
    told: Callable[[int], None]

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        data = self.reader.read(size)
        self.told(self.reader.count)
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
