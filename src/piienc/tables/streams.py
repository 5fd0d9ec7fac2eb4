"""Byte streams, compressed or not: by content when reading, by name when writing."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Protocol

from piienc.errors import InputError
from piienc.lazy import module
from piienc.storage.content import (
    HEAD,
    compression_of,
    foreign,
    is_cut_off,
    is_parquet,
    promised_compression,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from typing_extensions import Buffer

    from piienc.storage.content import Compression
    from piienc.storage.hashing import HashingReader, Readable, Writable

    class _Compressor(Protocol):
        def compress(self, data: Buffer, /) -> bytes: ...

        def flush(self) -> bytes: ...

else:
    pa = module("pyarrow")

_PIECE = 1 << 20  # compressed bytes read at a time
_XZ_MEMORY = 256 << 20  # bytes; xz -9 needs a quarter
_GZIP = 16  # added to zlib's window bits: with gzip's header and trailer
_XZ_PRESET = 1  # base64 of ciphertext hardly shrinks, however long one tries


class Decompressed:
    """The bytes of a stream, decompressed if their content is compressed.

    Attributes:
        name: its name in error messages.
        compression: the compression; None if there is none.
    """

    def __init__(self, stream: HashingReader, name: str) -> None:
        """Look at the beginning.

        Raises:
            InputError: it is of a kind that is not read here, or the disk fails.
        """
        self.name = name
        self.compression: Compression | None = None
        self._broken: type[Exception] = OSError  # what damaged data raises, beside the usual ones
        start = self._refused(stream.peek, HEAD)
        self.compression = compression_of(start)
        promised = promised_compression(name)
        if promised and not self.compression and is_cut_off(start, promised):
            raise self._damaged(promised)
        self._read: Callable[[int], bytes] = stream.read
        if self.compression == "zstd":
            self._broken = pa.ArrowException
            self._read = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd").read
        elif self.compression:
            self._read = _Members(stream, _BEGIN[self.compression]).read
        self._left = b""
        self._refuse_foreign(self.peek(HEAD))

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; nothing at the end.

        Raises:
            InputError: the compressed data is damaged or cut off, or the disk fails.
        """
        if self._left:
            data, self._left = self._left[:size], self._left[size:]
            return data + self._refused(self._read, size - len(data)) if len(data) < size else data
        return self._refused(self._read, size)

    def peek(self, size: int) -> bytes:
        """Look at up to `size` bytes that come next; fewer at the end alone."""
        while len(self._left) < size:
            more = self._refused(self._read, size - len(self._left))
            if not more:
                break
            self._left += more
        return self._left[:size]

    def put_back(self, data: bytes) -> None:
        """Have what was read last come again."""
        self._left = data + self._left

    def _refused(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except (self._broken, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
            if self.compression:
                raise self._damaged(self.compression) from error
            raise InputError(
                f"{self.name}: cannot be read: {error}", hint="check the disk that it is on"
            ) from error

    def _damaged(self, compression: Compression) -> InputError:
        return InputError(
            f"{self.name}: cannot be read: damaged or cut-off {compression} data",
            hint="fetch the file again, or have it written again",
        )

    def _refuse_foreign(self, start: bytes) -> None:
        """Refuse what is no text, by a name for it."""
        by = f", compressed by {self.compression}" if self.compression else ""
        if self.compression and is_parquet(start):
            raise InputError(
                f"{self.name} is a Parquet file{by}",
                hint="decompress it: Parquet compresses its columns itself",
            )
        if twice := self.compression and compression_of(start):
            raise InputError(
                f"{self.name} is compressed twice: by {self.compression}, and {twice} inside",
                hint="decompress it once",
            )
        if kind := foreign(start):
            raise InputError(f"{self.name} is {kind.what}{by}", hint=kind.remedy)


def not_parquet(name: str) -> InputError:
    """Return the error for what is called Parquet and cannot be read as such."""
    return InputError(
        f"{name}: not a Parquet file, or a damaged one",
        hint="fetch or write the file again; a CSV file must not be named .parquet",
    )


class _Gunzip:
    """`zlib` with the face of `bz2` and `lzma`."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | _GZIP)
        self.unused_data = b""
        self.eof, self.needs_input = False, True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take in data, and give out some."""
        tail = self._inner.unconsumed_tail
        out = self._inner.decompress(tail + data if tail else data, max_length)
        self.eof, self.unused_data = self._inner.eof, self._inner.unused_data
        self.needs_input = not self._inner.unconsumed_tail and len(out) < max_length
        return out


_Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor | _Gunzip
_BEGIN: dict[Compression, Callable[[], _Decompressor]] = {
    "gzip": _Gunzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY),
}


class _Members:
    """The members of a compressed file, one behind the other; zeros behind one are padding."""

    def __init__(self, stream: Readable, begin: Callable[[], _Decompressor]) -> None:
        self._stream, self._begin = stream, begin
        self._member: _Decompressor | None = begin()
        self._input = b""

    def read(self, size: int) -> bytes:
        """Read `size` bytes; fewer at the end alone.

        Raises:
            EOFError: the last member has no end.
        """
        parts: list[bytes] = []
        left = size
        while left and self._member:
            if self._member.eof:
                self._next(self._member.unused_data)
                continue
            if not self._input and self._member.needs_input:
                self._input = self._stream.read(_PIECE)
                if not self._input:
                    raise EOFError
            data, self._input = self._input, b""
            parts.append(self._member.decompress(data, left))
            left -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next(self, behind: bytes) -> None:
        """Begin the next member, if there is one."""
        while not (behind := behind.lstrip(b"\0")):
            behind = self._stream.read(_PIECE)
            if not behind:
                self._member = None
                return
        self._member, self._input = self._begin(), behind


_COMPRESS: dict[Compression, Callable[[], _Compressor]] = {
    "gzip": lambda: zlib.compressobj(wbits=zlib.MAX_WBITS | _GZIP),
    "bzip2": bz2.BZ2Compressor,
    "xz": lambda: lzma.LZMACompressor(lzma.FORMAT_XZ, preset=_XZ_PRESET),
}


class Compressed:
    """A stream to write to, compressed where its name says so."""

    def __init__(self, stream: Writable, name: str) -> None:
        self._stream = stream
        self._write: Callable[[Buffer], object] = stream.write
        self._end: Callable[[], object] = lambda: None
        compression = promised_compression(name)
        if compression == "zstd":
            outer = pa.CompressedOutputStream(pa.PythonFile(stream, "w"), compression)
            self._write, self._end = outer.write, outer.close
        elif compression:
            compressor = _COMPRESS[compression]()
            self._write = lambda data: stream.write(compressor.compress(data))
            self._end = lambda: stream.write(compressor.flush())

    def write(self, data: Buffer) -> None:
        """Write all of `data`."""
        self._write(data)

    def close(self) -> None:
        """Write the compressed stream's end; the file below stays open."""
        self._end()
