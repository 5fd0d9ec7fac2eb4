"""The records of CSV, found by a state machine that goes from field to field.

docs/csv.md has the grammar. Between the bytes that mean something the machine jumps; it looks at
each byte a fixed number of times.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Self

from piienc.core.interface import Fault, FaultKind, Spliced, Strings, Unreadable, Unwritable
from piienc.core.plain.fields import FieldForm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from piienc.core.interface import Dialect

    Span = tuple[int, int]  # where a field begins, and where it ends


_RETURNS = re.compile(rb"[\r\n]")
_form_of = cache(FieldForm)


class _NotWhole(Exception):  # noqa: N818  # it is no error
    """The data ends before it is told what stands at its end."""


class _Broken(Exception):  # noqa: N818  # it becomes a `Fault`
    """A line is not as it should be."""

    def __init__(self, kind: FaultKind, place: int, fields: int = 0) -> None:
        self.kind, self.place, self.fields = kind, place, fields


class _Machine:
    """Reads data from line to line; a position goes in, and where the next thing stands out."""

    def __init__(self, data: bytes, dialect: Dialect, *, final: bool) -> None:
        self._data, self._dialect, self._final = data, dialect, final
        self._form = _form_of(dialect)
        self._line_ends = [b"\r\n", b"\n"]
        if dialect.line_end not in self._line_ends:
            self._line_ends = sorted({dialect.line_end, *self._line_ends}, key=len, reverse=True)
        special = dialect.delimiter[:1] + dialect.quote + dialect.escape + b"\r\n"
        self._special = re.compile(b"[%b]" % re.escape(special))

    def line_end(self, at: int) -> int:
        """Return how many bytes of a line end stand here: 0 if it is none."""
        if self._data[at : at + 1] not in b"\r\n":
            return 0
        longest = self._line_ends[0]
        left = self._data[at : at + len(longest)]
        if self._may_become(left, longest):
            raise _NotWhole
        return next((len(end) for end in self._line_ends if left.startswith(end)), 0)

    def comment(self, at: int) -> int | None:
        """Return what stands behind the comment line that begins here; None if none does."""
        comment = self._dialect.comment
        if not comment or not self._data.startswith(comment, at):
            return None
        mark = _RETURNS.search(self._data, at)
        if not mark:
            return self._end_of_data()
        if size := self.line_end(mark.start()):
            return mark.start() + size
        raise _Broken(FaultKind.LONE_CR, mark.start())

    def record(self, at: int) -> tuple[list[Span], int]:
        """Return the fields of the record that begins here, and what stands behind it."""
        spans: list[Span] = []
        while True:
            end = self._field(at)
            spans.append((at, end))
            if end == len(self._data):
                return spans, self._end_of_data()
            if size := self.line_end(end):
                return spans, end + size
            at = end + len(self._dialect.delimiter)

    def _field(self, begin: int) -> int:
        """Return where the field that begins here ends."""
        quote, lenient = self._dialect.quote, self._dialect.lenient
        at = begin
        if quote and self._data.startswith(quote, begin):
            at = self._behind_quotes(begin)
            if self._is_border(at):
                return at
            if not lenient:
                raise _Broken(FaultKind.AFTER_QUOTE, at - 1)
            at += 1  # it is data, even if it is an escape: so Python's csv takes it
        while mark := self._special.search(self._data, at):
            at, byte = mark.start(), mark[0]
            if self._is_border(at):
                return at
            if byte == self._dialect.escape:
                at += 1
                if at == len(self._data):
                    self._end_of_data()
                    raise _Broken(FaultKind.OPEN_ESCAPE, at - 1)
            elif byte == quote and not lenient:
                raise _Broken(FaultKind.QUOTE_INSIDE, at)
            at += 1  # it is data, and so is the first byte of what is no delimiter
        return self._end_of_data()

    def _behind_quotes(self, begin: int) -> int:
        """Return what stands behind the closing quote of the field that begins here."""
        close = self._form.closing(self._data, begin)
        if close is None:
            self._end_of_data()
            raise _Broken(FaultKind.OPEN_QUOTE, begin)
        return close + 1

    def _is_border(self, at: int) -> bool:
        """Tell whether a field ends here: at a delimiter, at the end of the line or the data."""
        delimiter = self._dialect.delimiter
        if self._data.startswith(delimiter, at):
            return True
        if self._may_become(self._data[at : at + len(delimiter)], delimiter):
            raise _NotWhole
        if at == len(self._data) or self.line_end(at):
            return True
        if self._data.startswith(b"\r", at):
            raise _Broken(FaultKind.LONE_CR, at)
        return False

    def _may_become(self, left: bytes, wanted: bytes) -> bool:
        """Tell whether the data ends here, and with more of it something could stand here."""
        return not self._final and len(left) < len(wanted) and wanted.startswith(left)

    def _end_of_data(self) -> int:
        """Return the end of the data, if it is whole."""
        if not self._final:
            raise _NotWhole
        return len(self._data)


class PlainRecords:
    """See `FoundRecords`."""

    def __init__(self, data: bytes, dialect: Dialect, columns: int, *, final: bool) -> None:
        """Find the records: see `Engine.find`."""
        self._data, self._dialect, self._form = data, dialect, _form_of(dialect)
        self._records: list[list[Span]] = []
        self._empty: set[int] = set()  # how many records stand before each empty line
        self.columns, self.size = columns, 0
        self.fault: Fault | None = None
        machine = _Machine(data, dialect, final=final)
        try:
            while self.size < len(data):
                self.size = self._line(machine, self.size)
        except _NotWhole:
            pass
        except _Broken as broken:
            line = self._lines_before(broken.place)
            self.fault = Fault(broken.kind, broken.place, line, broken.fields)
        self.count, self.lines = len(self._records), self._lines_before(self.size)

    def _line(self, machine: _Machine, at: int) -> int:
        """Read a record, an empty line or a comment; return what stands behind it."""
        if behind := machine.comment(at):
            return behind
        if self.columns != 1 and (size := machine.line_end(at)):
            self._empty.add(len(self._records))
            return at + size
        spans, behind = machine.record(at)
        fields, (begin, end) = len(spans), spans[-1]
        if self._dialect.trailing and begin == end and fields - 1 == (self.columns or fields - 1):
            spans.pop()
        self.columns = self.columns or len(spans)
        if len(spans) != self.columns:
            raise _Broken(FaultKind.FIELDS, at, fields)
        self._records.append(spans)
        return behind

    def _lines_before(self, end: int) -> int:
        lines = self._data.count(b"\n", 0, end)
        if self._dialect.line_end == b"\r":
            lines += self._data.count(b"\r", 0, end) - self._data.count(b"\r\n", 0, end)
        return lines

    def starts(self) -> Sequence[int]:
        """Return where in the data each record begins."""
        return [spans[0][0] for spans in self._records]

    def fields(self, row: int) -> list[tuple[bytes, bytes | None]]:
        """Return the fields of a record as they stand there, each with its value."""
        fields = [self._data[begin:end] for begin, end in self._records[row]]
        return [(field, self._form.value(field)) for field in fields]

    def column(self, number: int) -> Strings:
        """Return the values of a column."""
        values = []
        for row, spans in enumerate(self._records):
            begin, end = spans[number]
            field = self._data[begin:end]
            if not self._form.is_clear(field):
                raise Unreadable(row, number)
            values.append(self._form.value(field))
        return Strings.of(values)

    def spliced(self, changes: Mapping[int, Strings], dropped: Collection[int] = ()) -> Spliced:
        """Return the records, with the fields of some columns written anew."""
        kept = [number for number in range(self.columns) if number not in dropped]
        values = {number: strings.to_list() for number, strings in changes.items()}
        delimiter, lone = self._dialect.delimiter, len(kept) == 1 < self.columns
        pieces, starts, size, at = [], [], 0, 0
        for row, spans in enumerate(self._records):
            if lone and row in self._empty:
                raise Unwritable(row, kept[0])
            new = {number: values[number][row] for number in values}
            fields = delimiter.join(self._fields(row, kept, new))
            between = self._data[at : spans[0][0]]
            pieces += [between, fields]
            starts.append(size + len(between))
            size = starts[-1] + len(fields)
            at = spans[-1][1]
            empty = not fields and not self._data.startswith(delimiter, at)
            if empty and (lone or at == len(self._data)):
                raise Unwritable(row, kept[0])
        if lone and self.count in self._empty:
            raise Unwritable(self.count, kept[0])
        return Spliced(b"".join([*pieces, self._data[at : self.size]]), starts)

    def _fields(
        self, row: int, kept: Sequence[int], values: Mapping[int, bytes | None]
    ) -> Iterator[bytes]:
        """Yield the fields of a record that are kept, some of them with new values."""
        for number in kept:
            begin, end = self._records[row][number]
            field, value = self._data[begin:end], values.get(number)
            first = number == kept[0]
            if value is None and number and first and self._form.is_comment(field):
                # What stood before it is gone, and now it would begin the line.
                value = self._form.value(field) if self._form.is_clear(field) else None
                if value is None:
                    raise Unwritable(row, number)
            if value is not None:
                written = self._form.field(value, first=first, alone=len(kept) == 1)
                if written is None:
                    raise Unwritable(row, number)
                field = written
            yield field

    def close(self) -> None:
        """Forget the data."""
        self._data, self._records = b"", []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
