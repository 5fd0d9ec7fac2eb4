"""How a CSV file is written."""

from __future__ import annotations

from msgspec import Struct


class CsvFormat(Struct, frozen=True):
    """How a CSV file is written.

    Attributes:
        delimiter: between fields, one ASCII character.
        quote: around fields, one ASCII character; doubled inside.
        encoding: of `piienc.base.charsets`, by any of Python's names for it.
        line_end: what ends a record.
        byte_order_mark: whether the file begins with one.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    line_end: str = "\n"
    byte_order_mark: bool = False
