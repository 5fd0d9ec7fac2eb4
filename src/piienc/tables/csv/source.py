"""CSV files: read in blocks of whole records, so that several threads can share a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
from msgspec import Struct

from piienc.base.cells import SPARE
from piienc.errors import InputError
from piienc.tables.csv import oddities
from piienc.tables.csv.blocks import (
    count,
    endless,
    first_record_end,
    last_record_end,
    refuse_lengthened,
    refuse_long,
)
from piienc.tables.csv.form import CsvFormat
from piienc.tables.csv.records import Block, Records
from piienc.tables.csv.text import TextReader, TextWriter, encoding_of
from piienc.tables.streams import Compressed
from piienc.tables.table import ByteTable, UnitSize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from piienc.base.cells import Bytes
    from piienc.storage.hashing import HashingWriter
    from piienc.tables.csv.records import Rewritten
    from piienc.tables.streams import Decompressed
    from piienc.tables.table import Output

_BLOCK = 4 << 20  # bytes of a block: about 35,000 rows of a profile, which stay near the cache
_FIRST = 1 << 20  # bytes read at first: the threads begin early, and share a small file, too
_LARGER = 2  # so many times larger are the blocks of files with longer records
_RECORDS = 1 << 15  # records in a block, which pay for the work on whole columns
# Columns that pay for one more _FIRST: what is done to a column costs, few rows or many.
_WIDE = 250
_WIDEST = 32  # so many of them at the most
_BOM = "\ufeff".encode()


class CsvSource(Struct, ByteTable):
    """A CSV file being read.

    Attributes:
        header: its first record, as it stands in the file.
        format: how it is written, line ends and byte order mark as found.
    """

    name: str
    header: bytes
    columns: list[str]
    format: CsvFormat
    schema: pa.Schema
    _text: TextReader
    _rest: bytes
    _size: UnitSize

    kind: ClassVar[str] = "csv"
    typed: ClassVar[bool] = False

    def sink(self, writer: HashingWriter, name: str, output: Output) -> CsvSink:
        """Return what writes a file with this header and in this format."""
        dropped = [n for n, column in enumerate(self.columns) if column in output.left_out]
        return CsvSink(Compressed(writer, name), self, dropped)

    def units(self) -> Iterator[Block]:
        """Cut the file into blocks of whole records, in order.

        Raises:
            InputError: bytes that the encoding does not know, or a record without an end.
        """
        quote = self.format.quote.encode()
        line = 1 + self.header.count(b"\n")
        first, usual, largest = self._sizes()
        size, unread, ended = first, self._rest, False
        begun: list[bytes] = []  # of a record whose end was not read yet
        open_ = 0  # 1 behind the first quote of a field, 0 behind the last one
        while not ended:
            more = self._text.read(size)
            chunk, unread, ended = unread + more, b"", not more
            open_ = (open_ + count(chunk, quote, len(chunk))) % 2
            end = len(chunk) if ended else last_record_end(chunk, quote, open_)
            if not end and not ended:
                begun.append(chunk)
                if sum(map(len, begun)) > self._size.longest:
                    raise endless(self.name, line, self._size.longest)
                continue
            data = b"".join([*begun, chunk])
            end += len(data) - len(chunk)
            if end:
                block = self._block(data, end, line)
                yield block
                line += block.lines
                size = min(2 * size, largest, max(usual, _RECORDS * end // block.lines))
            begun = [data[end:]]

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to, once they were read: bytes of UTF-8."""
        text, form = self._text, self.format
        rows = text.count - len(self.header) - form.byte_order_mark * len(_BOM)
        added = 0 if text.ends_line or not rows else len(form.line_end)
        return rows + added

    def decode(self, unit: Block) -> Records:
        """Find the fields of a block."""
        records = Records(unit, self.name, self.format, len(self.columns))
        refuse_long(self.name, unit, records, self._size.longest)
        return records

    def refuse_longer(self, unit: Block, records: Records, written: Rewritten) -> None:
        """Refuse to write a record that could not be read again."""
        refuse_lengthened(self.name, unit, records, written, self._size.longest)

    def _sizes(self) -> tuple[int, int, int]:
        """How many bytes are read at first, later, and at the most."""
        if self._size.csv_bytes:
            block = self._size.csv_bytes
            return min(_FIRST, block), block, _LARGER * block
        first = min(_FIRST, _BLOCK) * min(_WIDEST, 1 + len(self.columns) // _WIDE)
        return first, max(_BLOCK, first), max(_LARGER * _BLOCK, first)

    def require_columns(self, expected: Collection[str]) -> None:
        """Refuse another delimiter, a column without a name, and the like."""
        form = self.format
        header = self.header.decode().rstrip("\r\n")
        if odd := oddities.of_columns(header, self.columns, expected, form.delimiter, form.quote):
            raise InputError(f"{self.name}: {odd.what}", hint=odd.remedy)

    def header_without(self, dropped: Collection[int]) -> bytes:
        """Return the header without some columns, by their numbers."""
        if not dropped:
            return self.header
        records = _header_records(self.header, self.name, self.format)
        return records.rewritten({}, dropped).data.tobytes()

    def _block(self, data: bytes, end: int, line: int) -> Block:
        if not data.endswith(b"\n", 0, end):
            data = data[:end] + self.format.line_end.encode()
            end = len(data)
        if len(data) < end + SPARE:
            data += bytes(SPARE)
        return Block(data, end, line, count(data, b"\n", end))


def open_csv(
    stream: Decompressed, name: str, expected: CsvFormat, units: UnitSize = UnitSize()
) -> CsvSource:
    """Open a CSV file and read its header.

    Args:
        stream: the file's bytes.
        name: what error messages call it.
        expected: how it is written; line end and byte order mark are looked up in the file.
        units: how large blocks are, and a record may be.

    Raises:
        InputError: it is empty, or its header is broken or names a column twice.
    """
    encoding = encoding_of(stream, expected.encoding)
    text = TextReader(stream, name, encoding)
    start, end = _beginning(text, expected.quote.encode(), units)
    marked = start.startswith(_BOM)
    start, end = start.removeprefix(_BOM), end - marked * len(_BOM)
    if not start.strip():
        raise InputError(
            f"{name} is empty: not even a header is there",
            hint="the first line must name the columns",
        )
    header = start[:end]
    marks = expected.delimiter.encode(), expected.quote.encode()
    if odd := oddities.of_beginning(start, end, *marks):
        raise InputError(f"{name}: {odd.what}", hint=odd.remedy)
    if end > units.longest:
        raise endless(name, 1, units.longest)
    line_end = "\r\n" if header.endswith(b"\r\n") else "\n"
    form = CsvFormat(expected.delimiter, expected.quote, encoding, line_end, marked)
    columns = _column_names(header, name, form)
    schema = pa.schema([(column, pa.string()) for column in columns])
    return CsvSource(name, header, columns, form, schema, text, start[end:], units)


def _beginning(text: TextReader, quote: bytes, units: UnitSize) -> tuple[bytes, int]:
    """Read until the first record is whole; return what was read and where that record ends."""
    size = min(_FIRST, units.csv_bytes or _BLOCK)
    chunks: list[bytes] = []
    before = open_ = 0
    while chunk := text.read(size):
        chunks.append(chunk)
        if end := first_record_end(chunk, quote, open_):
            return b"".join(chunks), before + end
        open_ = (open_ + count(chunk, quote, len(chunk))) % 2
        before += len(chunk)
        if before > units.longest:
            break
    return b"".join(chunks), before


def _column_names(header: bytes, name: str, form: CsvFormat) -> list[str]:
    """Read the header by the rules of every other record.

    What stands there may be a row of data, so no message shows any of it.
    """
    if not header.strip():
        raise InputError(
            f"{name}: line 1 is blank, where the header should be",
            hint="the first line must name the columns",
        )
    records = _header_records(header, name, form)
    fields = [records.cells(number)[0] for number in range(records.columns)]
    return [cells.one(0).decode() if len(cells) else "" for cells in fields]


def _header_records(header: bytes, name: str, form: CsvFormat) -> Records:
    line = header if header.endswith(b"\n") else header + form.line_end.encode()
    block = Block(line + bytes(SPARE), len(line), 1, line.count(b"\n"))
    return Records(block, name, form, 0)


class CsvSink:
    """A CSV file being written, with the header and in the format of another.

    Attributes:
        schema: its columns, as Arrow has them.
        warnings: what of the source could not be kept; CSV keeps all.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self, stream: Compressed, source: CsvSource, dropped: Collection[int] = ()
    ) -> None:
        """Write the header, without the columns of these numbers."""
        form = source.format
        names = [name for at, name in enumerate(source.columns) if at not in dropped]
        self.schema = pa.schema([(name, pa.string()) for name in names])
        self._text = TextWriter(stream, form.encoding)
        end = form.line_end.encode()
        header = source.header_without(dropped).removesuffix(end) + end
        self._text.write(_BOM + header if form.byte_order_mark else header)

    def write(self, records: Bytes) -> None:
        """Write records, as UTF-8, to the file."""
        self._text.write(records.data)

    def close(self) -> None:
        """Write the file's end; the file below stays open."""
        self._text.close()
