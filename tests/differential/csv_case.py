"""A CSV file as a model: what its cells are, and how they are written."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from differential.case import Column, Run, schema_of

if TYPE_CHECKING:
    from pathlib import Path

BOM = "\ufeff"
IN_TWO_ORDERS = ("utf-16", "utf-32")


class Field(NamedTuple):
    """A field: its text, None for null, and whether it stands in quotes."""

    text: str | None
    quoted: bool = False


@dataclass(frozen=True)
class CsvCase:
    """A CSV file, and how it is run.

    Attributes:
        columns: in order.
        rows: each as many fields as there are columns.
        delimiter: between fields.
        quote: around fields.
        encoding: as the schema has it.
        mark: whether the file begins with a byte order mark, as UTF-16 and UTF-32 must.
        big: whether UTF-16 and UTF-32 begin with the high byte.
        header_quoted: whether all names stand in quotes.
        line_end: of the header, and of all rows but those in `odd`.
        odd: the rows that have the other line end.
        blank: the rows behind which a blank line stands; -1 is the header.
        ended: whether the last row has a line end.
        trailing: whether a delimiter ends the header and each row.
        strange: whether unmarked fields hold bytes that are no text of the encoding: these are
            lone surrogates here, as Python has them.
        packed: how the file is compressed, as a suffix tells it, or none.
        suffix: what its name says of that, and how it is compressed when it is decrypted.
        sealed_suffix: likewise, of the encrypted file.
        run: how it is run.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Field, ...], ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    mark: bool = False
    big: bool = False
    header_quoted: bool = False
    line_end: str = "\n"
    odd: frozenset[int] = frozenset()
    blank: frozenset[int] = frozenset()
    ended: bool = True
    trailing: bool = False
    strange: bool = False
    packed: str = ""
    suffix: str = ""
    sealed_suffix: str = ""
    run: Run = Run()  # noqa: RUF009  # frozen

    @property
    def schema(self) -> str:
        """The schema, as TOML."""
        csv = {"delimiter": self.delimiter, "quote": self.quote, "encoding": self.encoding}
        return schema_of(self.columns, csv, finders=self.run.finders)

    @property
    def marked(self) -> list[int]:
        """The numbers of the marked columns."""
        return [number for number, column in enumerate(self.columns) if column.mark]

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def settings(self) -> list[str]:
        """The names of what can be made plainer."""
        return [name for name in vars(self) if name not in ("columns", "rows", "run")]

    def without_rows(self, gone: range) -> CsvCase:
        """Return the case with fewer rows."""
        rows = tuple(row for number, row in enumerate(self.rows) if number not in gone)
        single_null = len(self.columns) == 1 and rows and rows[-1][0].text is None
        some = {name: frozenset() for name in ("odd", "blank")}  # they name rows
        return replace(self, rows=rows, ended=self.ended or bool(single_null), **some)

    def without_column(self, number: int) -> CsvCase:
        """Return the case without a column."""
        columns = self.columns[:number] + self.columns[number + 1 :]
        rows = tuple(row[:number] + row[number + 1 :] for row in self.rows)
        run = replace(self.run, only=None, omitted=None)
        case = replace(self, columns=columns, rows=rows, run=run)
        # Of one column, an empty line would be a row.
        return case if len(columns) > 1 else replace(case, blank=frozenset(), ended=True)

    def needs_quotes(self, text: str) -> bool:
        """Tell whether a text cannot stand bare."""
        return not text or bool({self.quote, self.delimiter, "\n", "\r"} & set(text))

    def bare(self, text: str | None) -> Field:
        """Return a field in quotes only if it must be."""
        return Field(text, text is not None and self.needs_quotes(text))

    def with_columns(self, changes: dict[int, list[Field]]) -> CsvCase:
        """Return the case with other fields in some columns."""
        rows = [list(row) for row in self.rows]
        for number, fields in changes.items():
            for row, field in zip(rows, fields, strict=True):
                row[number] = field
        return replace(self, rows=tuple(map(tuple, rows)))

    def text(self) -> str:
        """Return the file's characters."""
        names = [Field(name, self.header_quoted or self.needs_quotes(name)) for name in self.header]
        other = "\n" if self.line_end == "\r\n" else "\r\n"
        end = self.line_end
        lines = [BOM * self.mark + self._record(names), end + end * (-1 in self.blank)]
        for number, row in enumerate(self.rows):
            end = other if number in self.odd else self.line_end
            lines += [self._record(row), end + end * (number in self.blank)]
        return "".join(lines if self.ended else lines[:-1])

    def data(self) -> bytes:
        """Return the file's bytes, not compressed."""
        return self.text().encode(self.codec, "surrogateescape")

    @property
    def header(self) -> list[str]:
        """The names that the file has for the columns."""
        return [column.name if column.called is None else column.called for column in self.columns]

    @property
    def codec(self) -> str:
        """Python's name of the encoding; where the byte order mark tells the order, with that."""
        order = ("-be" if self.big else "-le") * (self.encoding in IN_TWO_ORDERS)
        return self.encoding + order

    def save(self, path: Path, packed: str = "") -> None:
        """Write the file, compressed as a suffix tells."""
        data = self.data()
        if compress := COMPRESSORS.get(packed):
            half = len(data) // 2  # two members are one file
            data = compress(data[:half]) + compress(data[half:])
        path.write_bytes(data)

    def _record(self, fields: list[Field] | tuple[Field, ...]) -> str:
        q = self.quote
        written = [
            "" if text is None else q + text.replace(q, q + q) + q if quoted else text
            for text, quoted in fields
        ]
        return self.delimiter.join([*written, ""] if self.trailing else written)


def uncompressed(path: Path) -> bytes:
    """Return the bytes of a file that may be compressed, by libraries that are not piienc's."""
    data = path.read_bytes()
    return DECOMPRESSORS[path.suffix](data) if path.suffix in DECOMPRESSORS else data


def _unzstd(data: bytes) -> bytes:
    return pa.input_stream(pa.BufferReader(data), compression="zstd").read()


COMPRESSORS = {
    ".gz": lambda data: gzip.compress(data, 1),
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    ".bz2": lambda data: bz2.compress(data, 1),
    ".xz": lambda data: lzma.compress(data, preset=0),
}
DECOMPRESSORS = {
    ".gz": gzip.decompress,
    ".zst": _unzstd,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}


def is_utf8(encoding: str) -> bool:
    """Tell whether an encoding is UTF-8, under whatever name."""
    return codecs.lookup(encoding).name == "utf-8"
