"""Byte streams that are hashed on their way, and compressed by the file name's suffix."""

from __future__ import annotations

import hashlib
import io
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from piienc.errors import InputError
from piienc.files import begin_writing_out

if TYPE_CHECKING:
    from typing_extensions import Buffer

# A hazard of Linux: what is written in larger pieces gets larger folios in the page cache, which
# are dear to come by. In a virtual machine, pieces of a mebibyte took four times as long.
_PIECE = 256 << 10  # bytes
_WRITE_BEHIND = 4 << 20  # bytes handed to the disk at a time, while the next are made
_CODECS = {".gz": "gzip", ".zst": "zstd"}


class HashingReader(io.RawIOBase):
    """Reads a file once, from its beginning to its end, and hashes what it reads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        data = self._file.read(-1 if size is None else size)
        self._hash.update(data)
        self.count += len(data)
        return data

    def sha256(self) -> str:
        """Return the hash of the whole file: what nobody wanted to read is read now."""
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


class HashingWriter(io.RawIOBase):
    """Writes a file from its beginning to its end, and hashes what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._sent = 0
        self._abandoned = False
        self.count = 0

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of `data`."""
        whole = memoryview(data).cast("B")
        size = len(whole)
        if self._abandoned:
            return size
        for begin in range(0, size, _PIECE):
            piece = whole[begin : begin + _PIECE]
            self._file.write(piece)
            self._hash.update(piece)
        self.count += size
        if self.count - self._sent >= _WRITE_BEHIND:
            begin_writing_out(self._file, self._sent, self.count - self._sent)
            self._sent = self.count
        return size

    def flush(self) -> None:
        """Leave flushing to the file's owner."""

    def abandon(self) -> None:
        """Swallow what is still written: Arrow's writers close themselves, and cannot be told."""
        self._abandoned = True

    def sha256(self) -> str:
        """Return the hash of what was written so far."""
        return self._hash.hexdigest()


def codec_of(name: str) -> str | None:
    """Return the compression that a file's name tells: gzip, zstd or none."""
    return _CODECS.get(PurePath(name).suffix.lower())


class Decompressed:
    """The bytes of a stream, decompressed where its name says that it is compressed."""

    def __init__(self, stream: HashingReader, name: str) -> None:
        self._name = name
        codec = codec_of(name)
        self._codec = codec
        self._read = stream.read
        if codec:
            self._read = pa.CompressedInputStream(pa.PythonFile(stream, "r"), codec).read

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; nothing at the end.

        Raises:
            InputError: the compressed data is damaged or cut off, or the disk fails.
        """
        try:
            return self._read(size)
        except (OSError, pa.ArrowException) as error:
            what = f"damaged or cut-off {self._codec} data" if self._codec else str(error)
            raise InputError(
                f"{self._name}: cannot be read: {what}",
                hint="fetch the file again; its name's suffix tells how it is compressed",
            ) from error


class Compressed:
    """A stream to write to, compressed where its name says so."""

    def __init__(self, stream: HashingWriter, name: str) -> None:
        codec = codec_of(name)
        self._outer = (
            pa.CompressedOutputStream(pa.PythonFile(stream, "w"), codec) if codec else None
        )
        self._stream = stream

    def write(self, data: Buffer) -> None:
        """Write all of `data`."""
        if self._outer is None:
            self._stream.write(data)
        else:
            self._outer.write(data)

    def close(self) -> None:
        """Write the compressed stream's end; the file below stays open."""
        if self._outer is not None:
            self._outer.close()
