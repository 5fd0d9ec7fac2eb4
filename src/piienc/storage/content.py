"""Detects what a file is, by its first bytes and not by its name.

Only beginnings that no CSV file has count: where a few letters could also begin a header, binary
bytes must follow.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

Compression = Literal["gzip", "zstd", "bzip2", "xz"]

HEAD = 64 << 10
"""Bytes at a file's beginning that are enough to tell what it is."""

_PARQUET = b"PAR1"
_PARQUET_ENCRYPTED = b"PARE"  # the footer is ciphertext: parquet-format, Encryption.md, 5.1

_MAGIC: dict[Compression, tuple[bytes, ...]] = {
    "gzip": (b"\x1f\x8b",),
    # A skippable frame comes first in what pzstd writes: RFC 8878, 3.1.2.
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))),
    # Behind the level stands a block, or the end of an empty stream: pi, or its square root.
    "bzip2": tuple(
        b"BZh%d" % level + begin
        for level in range(1, 10)
        for begin in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
    ),
    "xz": (b"\xfd7zXZ\x00",),
}
_BY_SUFFIX: dict[str, Compression] = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
}

COMPRESSED = frozenset(_BY_SUFFIX)
"""The suffixes of what is compressed."""

# Of two that begin alike, the longer one comes first.
_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_CONTROLS = frozenset({*range(32), 127} - set(b"\t\n\v\f\r\x1a\x1b"))


class ForeignFormat(Struct, frozen=True):
    """What is neither CSV nor Parquet.

    Attributes:
        what: it is, with an article.
        remedy: what makes a table of it that can be read.
    """

    what: str
    remedy: str


def is_parquet(start: bytes) -> bool:
    """Return whether a file that begins so is readable Parquet."""
    return start.startswith(_PARQUET) and _is_binary_behind(start, len(_PARQUET))


def compression_of(start: bytes) -> Compression | None:
    """Return how a file that begins so is compressed, of the kinds that are read."""
    return next((kind for kind, magics in _MAGIC.items() if start.startswith(magics)), None)


def is_cut_off(start: bytes, kind: Compression) -> bool:
    """Return whether a file has only the first bytes of a compression's magic number."""
    return any(magic.startswith(start) for magic in _MAGIC[kind])


def promised_compression(name: str) -> Compression | None:
    """Return the compression that a file's name promises."""
    return _BY_SUFFIX.get(PurePath(name).suffix.lower())


def byte_order_mark(start: bytes) -> str | None:
    """Return the encoding of a byte order mark."""
    marks = _BYTE_ORDER_MARKS.items()
    return next((encoding for mark, encoding in marks if start.startswith(mark)), None)


def unmarked_wide(start: bytes) -> str | None:
    """Return the encoding of text that has a zero byte beside nearly every letter."""
    for width in (4, 2):
        units = start[: len(start) // width * width]
        if not units:
            continue
        zeros = [units[at::width].count(0) * width / len(units) for at in range(width)]
        # Delimiters, digits and most headers are ASCII, whatever the language.
        for order, letter in (("le", 0), ("be", width - 1)):
            others = [share for at, share in enumerate(zeros) if at != letter]
            # Some letters end in a zero byte, too, as halves of emoji do.
            if min(others) > 1 / 4 and zeros[letter] < min(others) / 4:
                return f"utf-{8 * width}-{order}"
    return None


def foreign(start: bytes) -> ForeignFormat | None:
    """Return the kind of a file that begins so, if it is known and unsupported."""
    kinds = (ForeignFormat(what, remedy) for tells, what, remedy in _FOREIGN if tells(start))
    return next(kinds, None)


def _is_binary_behind(start: bytes, size: int) -> bool:
    """Return whether binary data follows a magic number of letters."""
    return bool(_CONTROLS.intersection(start[size : size + 64])) or len(start) == size


def _begins(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(magics)


def _binary(*magics: bytes) -> Callable[[bytes], bool]:
    """Return a test for a magic of letters, that CSV could begin with, before binary bytes."""
    return lambda start: any(
        start.startswith(magic) and _is_binary_behind(start, len(magic)) for magic in magics
    )


def _at(offset: int, *magics: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(magics, offset)


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(rb"(?:\xef\xbb\xbf)?\s*" + pattern, re.IGNORECASE)
    return lambda start: compiled.match(start) is not None


def _zip_with(*names: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(b"PK\x03\x04") and any(name in start for name in names)


_AS_CSV = "save it as CSV (UTF-8)"
_UNPACK = "unpack it, and name the file that was in it"
_BY_PANDAS = "write its table as CSV or Parquet, with pandas, say"
_BY_PYARROW = "write its table as Parquet, with pyarrow, say"
_BY_COPY = "export its table: COPY ... CSV HEADER"
_UNWRAP = "unwrap it: piienc unwrap-file FILE OUTPUT"
# What a message begins with: a packet with a session key, its length in 1 or 2 octets and its
# version. See RFC 9580, sections 4.2, 5.1 and 5.3.
_SESSION_KEY = re.compile(
    rb"(?:[\x84\x8c].|[\x85\x8d]..|[\xc1\xc3](?:[\x00-\xbf]|[\xc0-\xdf].))[\x02-\x06]", re.DOTALL
)
_FOREIGN: list[tuple[Callable[[bytes], bool], str, str]] = [
    (
        _begins(_PARQUET_ENCRYPTED),
        "a Parquet file with an encrypted footer (Parquet Modular Encryption)",
        "decrypt it with the tool and the keys that wrote it, and write it without",
    ),
    (_zip_with(b"xl/"), "an Excel workbook", _AS_CSV),
    (
        _zip_with(b"application/vnd.oasis.opendocument", b"Index/Document.iwa"),
        "an office document (OpenDocument, Numbers)",
        _AS_CSV,
    ),
    (_zip_with(b"word/", b"ppt/"), "an office document", _AS_CSV),
    (_begins(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"), "a zip archive", _UNPACK),
    (_at(257, b"ustar\0", b"ustar  \0"), "a tar archive", _UNPACK),
    (_begins(b"7z\xbc\xaf\x27\x1c"), "a 7-Zip archive", _UNPACK),
    (_begins(b"Rar!\x1a\x07"), "a RAR archive", _UNPACK),
    (_begins(b"\x04\x22\x4d\x18"), "compressed by LZ4", "decompress it: lz4 -d"),
    (_begins(b"\x1f\x9d"), "compressed by compress", "decompress it: gzip -d"),
    (_begins(b"LZIP\x01"), "compressed by lzip", "decompress it: lzip -d"),
    (_begins(b"]\x00\x00"), "compressed by the old LZMA", "decompress it: xz -d"),
    (_begins(b"\xff\x06\x00\x00sNaPpY"), "compressed by Snappy", "decompress it"),
    (
        _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "an old Excel workbook, or another office document",
        _AS_CSV,
    ),
    (_binary(b"ARROW1", b"FEA1"), "an Arrow IPC (Feather) file", _BY_PYARROW),
    (
        # The stream's continuation marker and the size of its schema's message.
        lambda start: start.startswith(b"\xff\xff\xff\xff") and start[6:8] == b"\x00\x00",
        "an Arrow IPC stream",
        _BY_PYARROW,
    ),
    (_begins(b"Obj\x01"), "an Avro file", "write its records as Parquet or CSV"),
    (_binary(b"ORC"), "an ORC file", "write its table as Parquet"),
    (
        _begins(b"SQLite format 3\x00"),
        "an SQLite database",
        "export its table: sqlite3 -header -csv FILE 'SELECT ...'",
    ),
    (
        lambda start: start.startswith(b"DUCK", 8) and b"\0" in start[12:20],
        "a DuckDB database",
        "export its table: COPY ... TO 'x.parquet'",
    ),
    (_begins(b"%PDF-"), "a PDF document", "ask for the table itself, as CSV"),
    (_matches(rb"-----BEGIN PGP "), "an OpenPGP message", _UNWRAP),
    (lambda start: _SESSION_KEY.match(start) is not None, "an OpenPGP message", _UNWRAP),
    (
        _begins(b"age-encryption.org/", b"-----BEGIN AGE ", b"Salted__"),
        "encrypted by age or OpenSSL",
        "decrypt it",
    ),
    (_begins(b"\x89HDF\r\n\x1a\n"), "an HDF5 file", _BY_PANDAS),
    (
        _begins(b"\x93NUMPY", b"\x80\x03", b"\x80\x04\x95", b"\x80\x05\x95"),
        "a NumPy array or a Python pickle",
        _BY_PANDAS,
    ),
    (_begins(b"$FL2@(#)", b"$FL3@(#)"), "an SPSS file", _BY_PANDAS),
    (_begins(b"<stata_dta>"), "a Stata file", _BY_PANDAS),
    (_matches(rb"[\x69-\x73][\x01\x02]\x01\x00"), "a Stata file", _BY_PANDAS),
    (_begins(b"\x00" * 12 + b"\xc2\xea\x81\x60"), "a SAS data set", _BY_PANDAS),
    (_binary(b"PGDMP"), "a dump of PostgreSQL", _BY_COPY),
    (_begins(b"PGCOPY\n\xff\r\n"), "PostgreSQL's binary COPY", _BY_COPY),
    (
        _begins(b"version https://git-lfs.github.com/"),
        "a pointer of Git LFS, and not the file",
        "fetch the file: git lfs pull",
    ),
    (
        _matches(rb"(?:<!doctype|<html|<\?xml|<table)\b"),
        "HTML or XML, and no CSV",
        "open it: it is an error page, or a table that a spreadsheet can save as CSV",
    ),
    (
        _matches(rb"(?:\[\s*)?\{\s*(?:\"|\})|\[\s*\["),
        "JSON",
        "write its records as CSV or Parquet, with DuckDB or pandas, say",
    ),
    (_begins(b"{\\rtf"), "an RTF document", _AS_CSV),
]
"""What tells a format by how its files begin, what it is, and what to do with it."""
