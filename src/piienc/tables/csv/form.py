"""How a CSV file is written."""

from __future__ import annotations

from msgspec import Struct

from piienc.base.charsets import canonical, is_in_place
from piienc.core import Dialect


class CsvFormat(Struct, frozen=True):
    """How a CSV file is written.

    Attributes:
        delimiter: between fields, text of one to four bytes of UTF-8.
        quote: around fields, one ASCII character, doubled inside; empty: there are none.
        encoding: of `piienc.base.charsets`, by any of Python's names for it.
        line_end: what ends a record.
        byte_order_mark: whether the file begins with one.
        header: whether the first record names the columns.
        nulls: the texts that are null where they stand without quotes.
        escape: before a character that is data whatever it is; empty: there is none.
        comment: what a line begins with that is no record; empty: there are none.
        skip_rows: how many lines stand before the first record.
        lenient: whether quotes may stand inside of fields.
        names: of the columns, where no header names them; without, they are numbered.
        trailing: whether one more delimiter may stand behind a record's last field.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    line_end: str = "\n"
    byte_order_mark: bool = False
    header: bool = True
    nulls: tuple[str, ...] = ("",)
    escape: str = ""
    comment: str = ""
    skip_rows: int = 0
    lenient: bool = False
    names: tuple[str, ...] = ()
    trailing: bool = False

    @property
    def charset(self) -> str:
        """The encoding of records: the file's, or UTF-8 where it has to be decoded before."""
        codec = canonical(self.encoding) or self.encoding
        marks = self.delimiter + self.quote + self.escape + self.comment
        return codec if is_in_place(codec, marks, "".join(self.nulls)) else "utf-8"

    @property
    def mark(self) -> bytes:
        """The byte order mark that the file begins with, as it stands before its records."""
        return "\ufeff".encode(self.charset, "ignore") if self.byte_order_mark else b""

    @property
    def dialect(self) -> Dialect:
        """How records are written, in bytes of `charset`.

        Raises:
            ConfigError: the characters exclude each other.
        """
        charset = self.charset
        return Dialect(
            self.delimiter.encode(charset),
            self.quote.encode(),
            self.escape.encode(),
            self.comment.encode(charset),
            nulls=tuple(null.encode(charset) for null in self.nulls),
            line_end=self.line_end.encode(),
            lenient=self.lenient,
            trailing=self.trailing,
        )

    def lines(self, data: bytes, end: int) -> int:
        """Count the line ends before a place."""
        count = data.count(b"\n", 0, end)
        if self.line_end == "\r":
            count += data.count(b"\r", 0, end) - data.count(b"\r\n", 0, end)
        return count

    def is_line_end(self, data: bytes, end: int) -> bool:
        """Tell whether a line ends at a place of some data."""
        if self.line_end == "\r" and data.endswith(b"\r", 0, end):
            return not data.startswith(b"\n", end)
        return data.endswith(b"\n", 0, end)
