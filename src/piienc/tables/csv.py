"""CSV, read and written in blocks of whole records, so that several threads can share a file.

All cells are text. A bare empty field is null, `""` is the empty string, in both directions.
What is not RFC 4180 (a ragged row, a quote in the middle of a field, a quoted field that
never ends) is refused with its line: a file read wrongly would put personal data into the
wrong columns.
"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from piienc.tables.streams import Compressed, Decompressed

_BLOCK = 4 << 20  # bytes: about 35,000 rows of a profile, which stay near the cache
_LONGEST_RECORD = 64 << 20  # bytes: a quote that is never closed must not fill the memory
_BOM = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a CSV file is written.

    Attributes:
        delimiter: between fields, one ASCII character.
        quote: around fields, one ASCII character; doubled inside.
        encoding: a codec of Python.
        line_end: what ends a record.
        byte_order_mark: whether the file begins with one.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    line_end: str = "\n"
    byte_order_mark: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a file, as UTF-8, and the line that the first one stands on."""

    data: bytes
    first_line: int


@dataclass(slots=True)
class CsvSource:
    """A CSV file being read.

    Attributes:
        name: what error messages call the file.
        header: its first record, as it stands in the file.
        columns: the names in the header.
        format: how it is written, line ends and byte order mark as found.
    """

    name: str
    header: bytes
    columns: list[str]
    format: CsvFormat
    _text: _Utf8Reader
    _rest: bytes
    _options: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._options = _reading(self.columns, self.format)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its batches: all columns are strings."""
        return pa.schema([(name, pa.string()) for name in self.columns])

    def units(self) -> Iterator[Block]:
        """Cut the file into blocks of whole records, in order.

        Raises:
            InputError: bytes that the encoding does not know, or a record without an end.
        """
        quote = self.format.quote.encode()
        line = 1 + self.header.count(b"\n")
        rest = self._rest
        ended = False
        while not ended:
            chunk = self._text.read(_BLOCK)
            ended = not chunk
            data = rest + chunk
            end = len(data) if ended else _last_record_end(data, quote)
            if not end and len(data) > _LONGEST_RECORD:
                raise InputError(
                    f"{self.name}: line {line}: no end of this record within "
                    f"{_LONGEST_RECORD >> 20} MiB",
                    hint="look for a quote that is never closed; lines end in LF or CRLF",
                )
            if end:
                yield Block(data[:end], line)
                line += data.count(b"\n", 0, end)
            rest = data[end:]

    def decode(self, unit: Block) -> pa.RecordBatch:
        """Parse a block.

        Raises:
            InputError: a row or its bytes are not as they should be, with the line.
        """
        data = np.frombuffer(unit.data, np.uint8)
        self._check_quotes(data, unit)
        try:
            table = arrow_csv.read_csv(pa.py_buffer(unit.data), *self._options)
        except pa.ArrowInvalid:
            # Arrow's own message quotes the row, with all that is personal in it.
            raise self._explained(unit) from None
        return table.combine_chunks().to_batches()[0] if len(table) else _no_rows(self.schema)

    def _check_quotes(self, data: NDArray[np.uint8], unit: Block) -> None:
        places = np.flatnonzero(data == ord(self.format.quote))
        if not len(places):
            return
        border = np.zeros(256, np.bool_)
        border[[ord(self.format.delimiter), ord("\n"), ord("\r"), ord(self.format.quote)]] = True
        opening, closing = places[0::2], places[1::2]
        stray = opening[~border[data[opening - 1]] & (opening > 0)]
        behind = np.minimum(closing + 1, len(data) - 1)
        torn = closing[~border[data[behind]] & (closing + 1 < len(data))]
        if len(places) % 2 and not len(stray) and not len(torn):
            raise self._at(unit, int(places[-1]), "a quoted field begins here and never ends")
        if len(stray) or len(torn):
            place = int(np.concatenate([stray, torn]).min())
            raise self._at(unit, place, "a quote in the middle of a field")

    def _at(self, unit: Block, place: int, what: str) -> InputError:
        line = unit.first_line + unit.data.count(b"\n", 0, place)
        return InputError(
            f"{self.name}: line {line}: {what}",
            hint="put the whole field in quotes and double the quotes inside it (RFC 4180)",
        )

    def _explained(self, unit: Block) -> InputError:
        """Find the line that Arrow could not parse, by a slower reader."""
        try:
            text = unit.data.decode()
        except UnicodeDecodeError as error:
            line = unit.first_line + unit.data.count(b"\n", 0, error.start)
            return _not_in_encoding(self.name, line, self.format.encoding)
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.format.delimiter,
            quotechar=self.format.quote,
        )
        csv.field_size_limit(_LONGEST_RECORD)
        line = unit.first_line
        for record in reader:
            if record and len(record) != len(self.columns):
                return InputError(
                    f"{self.name}: line {line}: {len(record)} fields, "
                    f"where the header has {len(self.columns)}",
                    hint="mend that row; a field that holds the delimiter must be quoted",
                )
            line = unit.first_line + reader.line_num
        return InputError(f"{self.name}: the records from line {unit.first_line} on are no CSV")


def open_csv(stream: Decompressed, name: str, wanted: CsvFormat) -> CsvSource:
    """Open a CSV file and read its header.

    Args:
        stream: the file's bytes.
        name: what error messages call it.
        wanted: how it is written; line end and byte order mark are looked up in the file.

    Raises:
        InputError: it is empty, or its header is broken or names a column twice.
    """
    text = _Utf8Reader(stream, name, wanted.encoding)
    start = text.read(_BLOCK)
    marked = start.startswith(_BOM)
    start = start.removeprefix(_BOM)
    if not start.strip():
        raise InputError(
            f"{name} is empty: not even a header is there",
            hint="the first line must name the columns",
        )
    end = _first_record_end(start, wanted.quote.encode())
    header = start[:end]
    line_end = "\r\n" if header.endswith(b"\r\n") else "\n"
    found = CsvFormat(wanted.delimiter, wanted.quote, wanted.encoding, line_end, marked)
    columns = _column_names(header, name, found)
    return CsvSource(name, header, columns, found, text, start[end:])


def _column_names(header: bytes, name: str, form: CsvFormat) -> list[str]:
    try:
        text = header.decode()
    except UnicodeDecodeError:
        raise _not_in_encoding(name, 1, form.encoding) from None
    lines = io.StringIO(text, newline="")
    columns = next(csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise InputError(
            f"{name}: the header names {', '.join(map(repr, twice))} more than once",
            hint="give every column a name of its own",
        )
    return columns


def _first_record_end(data: bytes, quote: bytes) -> int:
    end = 0
    while True:
        end = data.find(b"\n", end) + 1
        if not end:
            return len(data)
        if data.count(quote, 0, end) % 2 == 0:
            return end


def _last_record_end(data: bytes, quote: bytes) -> int:
    """Where the last whole record ends: behind the last line break outside of quotes.

    A line break stands outside of quotes if the quotes before it are even in number; doubled
    ones inside a field do not change that. `decode` refuses the quotes that would.
    """
    end = len(data)
    odd = data.count(quote) % 2
    while True:
        line_break = data.rfind(b"\n", 0, end)
        if line_break < 0:
            return 0
        odd ^= data.count(quote, line_break, end) % 2
        if not odd:
            return line_break + 1
        end = line_break


def _reading(columns: list[str], form: CsvFormat) -> tuple[object, ...]:
    return (
        arrow_csv.ReadOptions(
            column_names=columns, use_threads=False, block_size=2 * _LONGEST_RECORD
        ),
        arrow_csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=form.quote,
            newlines_in_values=True,
            # In a file of one column, an empty line is a null.
            ignore_empty_lines=len(columns) > 1,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)


def _not_in_encoding(name: str, line: int, encoding: str) -> InputError:
    return InputError(
        f"{name}: line {line}: bytes that are not {encoding}",
        hint="name the file's encoding in the schema: [csv] encoding",
    )


class _Utf8Reader:
    """A stream's text as UTF-8, whatever its encoding."""

    def __init__(self, stream: Decompressed, name: str, encoding: str) -> None:
        self._stream, self._name, self._encoding = stream, name, encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        if codecs.lookup(encoding).name not in {"utf-8", "utf-8-sig", "ascii"}:
            self._decoder = codecs.getincrementaldecoder(encoding)()
        self._lines = 1

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if self._decoder is None:
            return data
        text = ""
        while not text:
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line = self._lines + data[: error.start].decode(self._encoding, "ignore").count(
                    "\n"
                )
                raise _not_in_encoding(self._name, line, self._encoding) from None
            if not data:
                break
            if not text:
                data = self._stream.read(size)
        self._lines += text.count("\n")
        return text.encode()


class CsvSink:
    """A CSV file being written, with the header and in the format of another."""

    def __init__(self, stream: Compressed, source: CsvSource) -> None:
        self._stream, self._format = stream, source.format
        self._encoder: codecs.IncrementalEncoder | None = None
        if codecs.lookup(source.format.encoding).name not in {"utf-8", "utf-8-sig", "ascii"}:
            self._encoder = codecs.getincrementalencoder(source.format.encoding)()
        if source.format.byte_order_mark:
            self._write(_BOM)
        line_end = source.format.line_end.encode()
        self._write(source.header.removesuffix(line_end) + line_end)

    def encode(self, batch: pa.RecordBatch, unit: Block) -> pa.Buffer:  # noqa: ARG002  # Parquet's needs it
        """Write a batch's records into a buffer, UTF-8."""
        columns = [self._fields(column) for column in batch.columns]
        ends = pa.scalar("", columns[-1].type)
        columns[-1] = pc.binary_join_element_wise(
            columns[-1], ends, self._format.line_end, null_handling="replace"
        )
        records = pc.binary_join_element_wise(
            *columns, self._format.delimiter, null_handling="replace"
        )
        return _joined(records)

    def write(self, records: pa.Buffer) -> None:
        """Write encoded records to the file."""
        self._write(records)

    def close(self) -> None:
        """Write the end of a compressed file; the file below stays open."""
        self._stream.close()

    def _write(self, data: bytes | pa.Buffer) -> None:
        if self._encoder is not None:
            data = self._encoder.encode(bytes(data).decode())
        self._stream.write(data)

    def _fields(self, column: pa.Array) -> pa.Array:
        """Quote the cells that need it: special characters, and the empty string."""
        needs = self._needing_quotes(column)
        if not needs.any():
            return column
        mask = pa.array(needs)
        quote = self._format.quote
        inner = pc.replace_substring(column.filter(mask), quote, 2 * quote)
        mark = pa.scalar(quote, column.type)
        quoted = pc.binary_join_element_wise(mark, inner, mark, pa.scalar("", column.type))
        return pc.replace_with_mask(column, mask, quoted)

    def _needing_quotes(self, column: pa.Array) -> NDArray[np.bool_]:
        width = np.int64 if pa.types.is_large_string(column.type) else np.int32
        _, offset_buffer, data_buffer = column.buffers()
        offsets = np.frombuffer(offset_buffer, width)[column.offset :][: len(column) + 1]
        needs = np.diff(offsets) == 0
        if column.null_count:
            needs &= column.is_valid().to_numpy(zero_copy_only=False)
        first, last = int(offsets[0]), int(offsets[-1])
        if last > first:
            data = np.frombuffer(data_buffer, np.uint8, last - first, first)
            special = data == ord("\n")
            for character in ("\r", self._format.quote, self._format.delimiter):
                special |= data == ord(character)
            places = np.flatnonzero(special) + first
            needs[np.searchsorted(offsets, places, side="right") - 1] = True
        return needs


def _joined(records: pa.Array) -> pa.Buffer:
    """The bytes of all records, one behind the other, as Arrow holds them already."""
    _, offsets, data = records.buffers()
    width = np.int64 if pa.types.is_large_string(records.type) else np.int32
    ends = np.frombuffer(offsets, width)[records.offset :][: len(records) + 1]
    return data.slice(int(ends[0]), int(ends[-1] - ends[0]))
