"""Byte streams, compressed by the file name's suffix."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from piienc.hashing import HashingReader, ReadAhead, Writable

_CODECS = {".gz": "gzip", ".zst": "zstd"}


def codec_of(name: str) -> str | None:
    """Return the compression that a file's name tells: gzip, zstd or none."""
    return _CODECS.get(PurePath(name).suffix.lower())


class Decompressed:
    """The bytes of a stream, decompressed where its name says that it is compressed."""

    def __init__(self, stream: HashingReader | ReadAhead, name: str) -> None:
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

    def __init__(self, stream: Writable, name: str) -> None:
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
