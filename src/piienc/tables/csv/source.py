"""CSV files: read in blocks of whole records, so that several threads can share a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from piienc.core import Unreadable, engine
from piienc.errors import InputError
from piienc.tables.csv import oddities
from piienc.tables.csv.block import Block, CsvErrors
from piienc.tables.csv.text import TextReader, TextWriter, encoding_of
from piienc.tables.streams import Compressed
from piienc.tables.table import ByteTable, UnitSize, distinct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

    from piienc.core import Fault, Spliced
    from piienc.storage.hashing import HashingWriter
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.streams import Decompressed
    from piienc.tables.table import Output

    _Repeats = tuple[tuple[str, str], ...]

_BLOCK = 4 << 20  # bytes of a block: about 35,000 rows of a profile, which stay near the cache
_FIRST = 1 << 20  # bytes read at first: the threads begin early, and share a small file, too
_LARGER = 2  # so many times larger are the blocks of files with longer records
_RECORDS = 1 << 15  # records in a block, which pay for the work on whole columns
# Columns that pay for one more _FIRST: what is done to a column costs, few rows or many.
_WIDE = 250
_WIDEST = 32  # so many of them at the most
_CRCRLF = b"\r\r\n"
_SECOND = 1 << 12  # bytes of a second line that are looked at
# Excel's line; the delimiter is a character of ASCII that base64, and so encrypted cells, has not.
_SEP = re.compile(rb'"?sep=([\t -*,\-.:-<>-@\[-`{-~])"?', re.IGNORECASE)


class CsvSource(Struct, ByteTable):
    """A CSV file being read.

    Attributes:
        header: what stands before the first row: lines that are skipped, and the header.
        format: how it is written, line ends and byte order mark as found.
    """

    name: str
    header: bytes
    columns: list[str]
    repeats: _Repeats
    format: CsvFormat
    _header_at: int
    _text: TextReader
    _rest: bytes
    _size: UnitSize

    kind: ClassVar[str] = "csv"
    typed: ClassVar[bool] = False

    @property
    def schema(self) -> pa.Schema:
        """Its columns, as Arrow has them."""
        return _schema_of(self.columns)

    def sink(self, writer: HashingWriter, name: str, output: Output) -> CsvSink:
        """Return what writes a file with this header and in this format."""
        dropped = [n for n, column in enumerate(self.columns) if column in output.left_out]
        kept = [column for column in self.columns if column not in output.left_out]
        there = dict(self.repeats)
        for column, name_now in zip(kept, distinct([there.get(n, n) for n in kept]), strict=True):
            if column != name_now:
                raise InputError(
                    f"{self.name}: column {column!r} would be {name_now!r} to whoever reads the "
                    "file without one of the same name before it",
                    hint="leave out all columns of that name, or those that stand last",
                )
        return CsvSink(Compressed(writer, name), self, dropped)

    def units(self) -> Iterator[Block]:
        """Cut the file into blocks of whole records, in order.

        Raises:
            InputError: bytes that the encoding does not know, or a record that is not as it
                should be, with its line.
            PiiencError: a block ends within a line, which is a bug.
        """
        errors, dialect = self._errors, self.format.dialect
        line = 1 + self.format.lines(self.header, len(self.header))
        first, usual, largest = self._sizes()
        size, unread, ended = first, self._rest, False
        while not ended:
            more = self._text.read(size)
            data, ended = unread + more, not more
            records = engine().find(data, dialect, len(self.columns), final=ended)
            block = Block(data, records, line, errors)
            errors.refuse_long(block)
            if records.fault:
                raise errors.of_fault(records.fault, data, line)
            if block.size:
                # Of one column, each part of a record is one: no other proof would see the cut.
                if not ended and not self.format.is_line_end(data, block.size):
                    raise errors.cut(line + records.lines)
                yield block
            lines = max(1, records.lines)
            size = min(2 * size, largest, max(usual, _RECORDS * block.size // lines))
            line, unread = line + records.lines, data[block.size :]
            if len(unread) > self._size.longest:
                raise errors.endless(line)

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to, once they were read: bytes."""
        return self._text.count - len(self.header) - len(self.format.mark)

    def refuse_longer(self, unit: Block, written: Spliced) -> None:
        """Refuse to write a record that could not be read again."""
        self._errors.refuse_long(unit, written)

    @property
    def _errors(self) -> CsvErrors:
        return CsvErrors(self.name, self.format, len(self.columns), self._size.longest)

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
        header = self.header[self._header_at :].decode(form.charset, "replace").rstrip("\r\n")
        if odd := oddities.of_columns(header, self.columns, expected, form.delimiter, form.quote):
            raise InputError(f"{self.name}: {odd.what}", hint=odd.remedy)

    def header_without(self, dropped: Collection[int]) -> bytes:
        """Return the header without some columns, by their numbers."""
        if not dropped or not self.format.header:
            return self.header
        preamble, header = self.header[: self._header_at], self.header[self._header_at :]
        with engine().find(header, self.format.dialect, len(self.columns), final=True) as records:
            return preamble + records.spliced({}, dropped).data


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
        InputError: it is empty, or its header is broken.
    """
    encoding = encoding_of(stream, expected.encoding)
    return _Beginning(stream, name, replace(expected, encoding=encoding), units).opened()


class _Beginning:
    """The beginning of a file: what is read of it until its columns are known."""

    def __init__(self, stream: Decompressed, name: str, form: CsvFormat, units: UnitSize) -> None:
        self._stream, self._name, self._units = stream, name, units
        self._begin(form)

    def _begin(self, form: CsvFormat) -> None:
        self._form, self._data, self._ended = form, b"", False
        self._text = TextReader(self._stream, self._name, form.encoding, form.charset)

    def opened(self) -> CsvSource:
        """Read it; see `open_csv`."""
        while not self._data.strip() and not self._ended and not self._is_long(0):
            self._read()
        if not self._data.strip():
            raise InputError(
                f"{self._name} is empty: not even a header is there",
                hint="the first line must name the columns",
            )
        at, end, fields = self._first_record(self._skipped())
        columns = [*self._form.names] or [f"column_{n}" for n in range(1, fields + 1)]
        repeats: _Repeats = ()
        form = self._form
        if form.header:
            columns, repeats = self._names(at, end)
            # Where rows alone end in a delimiter, their first field may be an index without a
            # name, as R writes it: each value would be another column's.
            form = replace(form, trailing=fields > len(columns))
        end = end if form.header else at
        header, rest = self._data[:end], self._data[end:]
        return CsvSource(
            self._name, header, columns, repeats, form, at, self._text, rest, self._units
        )

    def _read(self) -> None:
        """Read more: as much again as there is."""
        size = len(self._data) or min(_FIRST, self._units.csv_bytes or _BLOCK)
        more = self._text.read(size)
        first, self._ended = not self._data, not more
        self._data += more
        marked = replace(self._form, byte_order_mark=True)
        if first and marked.mark and more.startswith(marked.mark):
            self._form, self._data = marked, more.removeprefix(marked.mark)

    def _skipped(self) -> int:
        """Return where the first line begins that counts."""
        at = 0
        for _ in range(self._form.skip_rows):
            at = self._line(at)
        end = self._line(at)
        form = self._form
        match = _SEP.fullmatch(self._data[at:end].rstrip(b"\r\n"))
        if not match or match[1].decode() in form.quote + form.escape + form.comment:
            return at
        # Excel's own word for the delimiter of a file.
        self._form = replace(form, delimiter=match[1].decode())
        if self._form.charset != form.charset:  # it may be a part of another character
            self._stream.put_back(form.mark + self._data)
            self._begin(self._form)
            return self._skipped()
        return end

    def _line(self, at: int) -> int:
        """Return where the line behind the one that begins here begins."""
        while True:
            mark = b"\n" if b"\n" in self._data else b"\r"
            end = self._data.find(mark, at) + 1
            if self._ended or self._is_long(at) or (end and self._has_line_end()):
                return end or len(self._data)
            self._read()

    def _has_line_end(self) -> bool:
        """Tell whether an LF has been read, or so many CRs that there will be none."""
        return b"\n" in self._data or self._ended or len(self._data) >= _FIRST

    def _is_long(self, at: int) -> bool:
        """Tell whether more was read from a place on than a record may have."""
        return len(self._data) - at > self._units.longest

    def _first_record(self, at: int) -> tuple[int, int, int]:
        """Return where the first record begins, where the next one would, and its fields."""
        while True:
            if b"\r" in self._data and b"\n" not in self._data:
                if not self._has_line_end():
                    self._read()
                    continue
                self._form = replace(self._form, line_end="\r")
            data = self._data[at:]
            with engine().find(data, self._form.dialect, 0, final=self._ended) as records:
                starts, size, fault = [*records.starts()[:2]], records.size, records.fault
                fields = records.columns
            if starts:
                break
            if fault and data.startswith(_CRCRLF, fault.place):
                self._form = replace(self._form, line_end="\r\r\n")
                continue
            cut = fault and _CRCRLF.startswith(data[fault.place :])
            if (fault and not cut) or self._ended or self._is_long(at):
                self._refuse(at, fault)
            self._read()
        end = starts[1] if len(starts) > 1 else size
        if end > self._units.longest:
            raise self._errors.endless(self._line_of(at))
        if self._form.line_end == "\n" and data.startswith(b"\r\n", max(0, end - 2)):
            self._form = replace(self._form, line_end="\r\n")
        return at + starts[0], at + end, fields

    def _refuse(self, at: int, fault: Fault | None) -> NoReturn:
        self._refuse_oddity(at, self._line(at))
        if fault:
            raise self._errors.of_fault(fault, self._data[at:], self._line_of(at))
        if not self._data[at:].strip():
            raise InputError(
                f"{self._name}: no line of it is a header",
                hint="the first line that is no comment must name the columns",
            )
        raise self._errors.endless(self._line_of(at))

    def _names(self, at: int, end: int) -> tuple[list[str], _Repeats]:
        """Read the header by the rules of every other record.

        What stands there may be a row of data, so no message shows any of it.
        """
        self._refuse_oddity(at, end)
        form = replace(self._form, trailing=True)
        try:
            with engine().find(self._data[at:end], form.dialect, 0, final=True) as records:
                values = [records.column(number).to_list()[0] for number in range(records.columns)]
            found = [(name or b"").decode(form.charset) for name in values]
        except UnicodeDecodeError:
            raise self._errors.not_text(self._line_of(at)) from None
        except Unreadable:
            raise self._errors.of_value(self._line_of(at)) from None
        names = distinct(found)
        return names, tuple(pair for pair in zip(names, found, strict=True) if pair[0] != pair[1])

    def _refuse_oddity(self, at: int, end: int) -> None:
        form = self._form
        pieces = self._data[at:end], self._data[end : 2 * end - at + _SECOND]
        header, behind = (piece.decode(form.charset, "replace") for piece in pieces)
        if odd := oddities.of_beginning(header, behind, form.delimiter, form.quote):
            raise InputError(f"{self._name}: {odd.what}", hint=odd.remedy)

    @property
    def _errors(self) -> CsvErrors:
        return CsvErrors(self._name, self._form, 0, self._units.longest)

    def _line_of(self, at: int) -> int:
        return 1 + self._form.lines(self._data, at)


def _schema_of(names: Sequence[str]) -> pa.Schema:
    """Return columns that are all text."""
    import pyarrow as pa  # noqa: PLC0415  # start-up

    return pa.schema([(name, pa.string()) for name in names])


class CsvSink:
    """A CSV file being written, with the header and in the format of another.

    Attributes:
        warnings: what of the source could not be kept; CSV keeps all.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self, stream: Compressed, source: CsvSource, dropped: Collection[int] = ()
    ) -> None:
        """Write the header, without the columns of these numbers."""
        self._names = [name for at, name in enumerate(source.columns) if at not in dropped]
        form = source.format
        self._text = TextWriter(stream, form.encoding, form.charset)
        self._text.write(form.mark + source.header_without(dropped))

    @property
    def schema(self) -> pa.Schema:
        """Its columns, as Arrow has them."""
        return _schema_of(self._names)

    def write(self, records: bytes) -> None:
        """Write records, in the encoding that they were read in."""
        self._text.write(records)

    def close(self) -> None:
        """Write the file's end; the file below stays open."""
        self._text.close()
