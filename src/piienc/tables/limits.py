"""How large the units of a table are, and what is too large for a table to be."""

from __future__ import annotations

from msgspec import Struct


class UnitSize(Struct, frozen=True):
    """How large the units are that a table is cut into; 0 is a size that pays.

    Attributes:
        csv_bytes: bytes of a block.
        parquet_rows: rows of a slice.
        parquet_bytes: bytes that the rows of a slice have in memory; a single row may have more.
        longest: bytes of the longest record, in what is read and in what is written.
        row_group: bytes of a row group in memory; what grows beyond is written as several.
        decoded: bytes that all rows of a row group may have together.
    """

    csv_bytes: int = 0
    parquet_rows: int = 0
    parquet_bytes: int = 20 << 20
    longest: int = 64 << 20
    row_group: int = 384 << 20
    decoded: int = 8 << 30


def in_words(size: int) -> str:
    """Return a number of bytes as messages tell it."""
    for unit, name in ((30, "GiB"), (20, "MiB")):
        if size >= 1 << unit:
            return f"{size / (1 << unit):.4g} {name}"
    return f"{size:,} bytes"
