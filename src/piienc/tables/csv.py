"""CSV files: read in blocks of whole records, so that several threads can share a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct

from piienc.cells import SPARE
from piienc.errors import InputError
from piienc.tables import oddities
from piienc.tables.records import Block, Dialect, Records
from piienc.tables.text import TextReader, TextWriter, encoding_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from piienc.cells import Bytes
    from piienc.tables.streams import Compressed, Decompressed

_BLOCK = 4 << 20  # bytes of a block: about 35,000 rows of a profile, which stay near the cache
_FIRST = 1 << 20  # bytes read at first: the threads begin early, and share a small file, too
_LARGER = 2  # so many times larger are the blocks of files with longer records
_RECORDS = 1 << 15  # records in a block, which pay for the work on whole columns
_LONGEST_RECORD = 64 << 20  # bytes: a quote that is never closed must not fill the memory
_BOM = "\ufeff".encode()


class CsvFormat(Struct, frozen=True):
    """How a CSV file is written.

    Attributes:
        delimiter: between fields, one ASCII character.
        quote: around fields, one ASCII character; doubled inside.
        encoding: of `piienc.charsets`, by any of Python's names for it.
        line_end: what ends a record.
        byte_order_mark: whether the file begins with one.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    line_end: str = "\n"
    byte_order_mark: bool = False


class CsvSource(Struct):
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
    _text: TextReader
    _rest: bytes
    _size: int

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
        rest, size = self._rest, min(_FIRST, self._size)
        ended = False
        while not ended:
            chunk = self._text.read(size)
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
                block = self._block(data, end, line)
                yield block
                line += block.lines
                enough = max(self._size, _RECORDS * end // block.lines)
                size = min(2 * size, _LARGER * self._size, enough)
            rest = data[end:]

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to, once they were read: bytes of UTF-8."""
        text, form = self._text, self.format
        rows = text.count - len(self.header) - form.byte_order_mark * len(_BOM)
        added = 0 if text.ends_line or not rows else len(form.line_end)
        return rows + added

    def decode(self, unit: Block) -> Records:
        """Find the fields of a block.

        Raises:
            InputError: a record or its bytes are not as they should be, with the line.
        """
        form = self.format
        marks = ord(form.delimiter), ord(form.quote)
        return Records(unit, Dialect(self.name, len(self.columns), *marks, form.encoding))

    def require_columns(self, wanted: Collection[str]) -> None:
        """Refuse columns that are others than the wanted ones for a reason that can be told.

        Args:
            wanted: names; none if nobody knows.

        Raises:
            InputError: the delimiter is another one, a column has no name, and the like.
        """
        form = self.format
        header = self.header.decode().rstrip("\r\n")
        if odd := oddities.of_columns(header, self.columns, wanted, form.delimiter, form.quote):
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
        return Block(data, end, line, _count(data, b"\n", end))


def open_csv(stream: Decompressed, name: str, wanted: CsvFormat, block: int = 0) -> CsvSource:
    """Open a CSV file and read its header.

    Args:
        stream: the file's bytes.
        name: what error messages call it.
        wanted: how it is written; line end and byte order mark are looked up in the file.
        block: bytes of a block; 0 for as many as pay.

    Raises:
        InputError: it is empty, or its header is broken or names a column twice.
    """
    block = block or _BLOCK
    encoding = encoding_of(stream, wanted.encoding)
    text = TextReader(stream, name, encoding)
    start, end = _beginning(text, wanted.quote.encode(), min(_FIRST, block))
    marked = start.startswith(_BOM)
    start, end = start.removeprefix(_BOM), end - marked * len(_BOM)
    if not start.strip():
        raise InputError(
            f"{name} is empty: not even a header is there",
            hint="the first line must name the columns",
        )
    header = start[:end]
    marks = wanted.delimiter.encode(), wanted.quote.encode()
    if odd := oddities.of_beginning(start, end, *marks):
        raise InputError(f"{name}: {odd.what}", hint=odd.remedy)
    line_end = "\r\n" if header.endswith(b"\r\n") else "\n"
    found = CsvFormat(wanted.delimiter, wanted.quote, encoding, line_end, marked)
    columns = _column_names(header, name, found)
    return CsvSource(name, header, columns, found, text, start[end:], block)


def _beginning(text: TextReader, quote: bytes, size: int) -> tuple[bytes, int]:
    """Read until the first record is whole; return what was read and where that record ends."""
    start, line, odd = b"", 0, 0
    while True:
        chunk = text.read(size)
        start += chunk
        while end := start.find(b"\n", line) + 1:
            odd ^= start.count(quote, line, end) % 2
            if not odd:
                return start, end
            line = end
        if not chunk or len(start) > _LONGEST_RECORD:
            return start, len(start)


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
    ended = header if header.endswith(b"\n") else header + form.line_end.encode()
    marks = ord(form.delimiter), ord(form.quote)
    block = Block(ended + bytes(SPARE), len(ended), 1, ended.count(b"\n"))
    return Records(block, Dialect(name, 0, *marks, form.encoding))


def _last_record_end(data: bytes, quote: bytes) -> int:
    """Where the last whole record ends: behind the last line break outside of quotes.

    A line break stands outside of quotes if the quotes before it are even in number; doubled
    ones inside a field do not change that. `decode` refuses the quotes that would.
    """
    end = len(data)
    odd = _count(data, quote, end) % 2
    while True:
        line_break = data.rfind(b"\n", 0, end)
        if line_break < 0:
            return 0
        odd ^= data.count(quote, line_break, end) % 2
        if not odd:
            return line_break + 1
        end = line_break


def _count(data: bytes, byte: bytes, end: int) -> int:
    # NumPy compares 64 bytes at a time; bytes.count() stops at every hit.
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, end) == ord(byte)))


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
        kept = [name for at, name in enumerate(source.columns) if at not in dropped]
        self.schema = pa.schema([(name, pa.string()) for name in kept])
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
