"""The records of a block of CSV, whose fields are located by whole-array operations.

RFC 4180 applies strictly, because a misread file would put personal data into the wrong columns:
every record has as many fields as the header, quotes are only around a field or doubled inside a
quoted one, and lines end in LF or CRLF. Line breaks inside quotes are data. An empty field without
quotes is null, `""` is the empty string. Unchanged fields stay identical, byte for byte.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.base.cells import Cells, Pieces, PieceTable, is_utf8
from piienc.errors import InputError
from piienc.tables.csv import oddities
from piienc.tables.csv.quoting import quoted, unquoted
from piienc.tables.csv.text import not_in_encoding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from piienc.base.cells import Bytes, CellPool, Narrow, Places
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.oddities import Oddity

_LF, _CR = ord("\n"), ord("\r")
_PIECE = 256 << 10  # bytes looked at in a piece
_NEAR = 4  # bytes around a place that tell what is odd there


class Block(Struct, frozen=True):
    """Whole records of a file.

    Attributes:
        data: the records as UTF-8, the last one ended by LF, and `SPARE` bytes more.
        size: the bytes of the records.
        first_line: the line of the file on which they begin.
        lines: the number of line feeds.
    """

    data: bytes
    size: int
    first_line: int
    lines: int


class ColumnChange(Struct, frozen=True):
    """New cells for a column.

    Attributes:
        rows: the rows that are not null.
        fields: one for each of them, as they are to stand in the file.
    """

    rows: Places
    fields: CellPool

    def __post_init__(self) -> None:
        # NumPy would spread a single field over all rows.
        assert len(self.rows) == len(self.fields.where)  # noqa: S101  # a field for each row


class Rewritten(Struct, frozen=True):
    """Records with changed columns.

    Attributes:
        data: the records as UTF-8.
        begins: the position of each record.
    """

    data: Bytes
    begins: Places | Narrow


class Records:
    """A block's records.

    Attributes:
        count: how many there are.
        columns: how many fields each has.
    """

    def __init__(self, block: Block, name: str, form: CsvFormat, columns: int) -> None:
        """Find every field.

        Args:
            block: the records.
            name: what error messages call the file.
            form: how it is written.
            columns: how many fields a record has; 0 stands for as many as the first one.

        Raises:
            InputError: a record or its bytes are not as they should be, with the line.
        """
        self._block, self._name, self._form, self._expected = block, name, form, columns
        self._delimiter, self._quote = ord(form.delimiter), ord(form.quote)
        self._data = np.frombuffer(block.data, np.uint8)
        self._require_utf8()
        separators, self._quotes = self._marks()
        self._check_quotes()
        self._first, self._stops = self._shaped(separators)
        self.columns, self.count = self._stops.shape
        self._last = self._stops[-1]
        if b"\r" in block.data:
            self._check_returns()
            returned = self._data[self._last - 1] == _CR
            self._last = self._last - (returned & (self._last > self._begins(self.columns - 1)))

    def cells(self, column: int) -> tuple[Cells, Places]:
        """Return a column's cells that are not null, without their quotes, and their rows."""
        begins = self._begins(column)
        lengths = self._ends(column) - begins
        if lengths.all():
            rows = np.arange(self.count)
            fields = Cells(self._data, begins, lengths)
        else:
            rows = np.flatnonzero(lengths > 0)
            fields = Cells(self._data, begins[rows], lengths[rows])
        if not len(self._quotes):
            return fields, rows
        in_quotes = np.flatnonzero(self._data[fields.starts] == self._quote)
        return unquoted(fields, in_quotes, self._doubled), rows

    def as_fields(self, cells: CellPool) -> CellPool:
        """Return text as fields: in quotes where it needs them."""
        return quoted(cells, self._quote, self._delimiter)

    @property
    def begins(self) -> Places:
        """Where each record begins."""
        return self._first

    @property
    def ends(self) -> Places:
        """Where each record ends, behind its line break."""
        ends: Places = self._stops[-1] + 1
        return ends

    def rewritten(
        self, changes: Mapping[int, ColumnChange], dropped: Collection[int] = ()
    ) -> Rewritten:
        """Return the records with some columns changed and others left out, by their numbers.

        Args:
            changes: by column.
            dropped: columns that go, each with one delimiter; not all of them.
        """
        columns = sorted({*changes, *dropped})
        # A record's pieces are what stands before its first changed cell, that cell, what follows
        # up to the next one, and so on; the last one leads to the next record, over blank lines.
        cuts = np.empty((self.count, 2 * len(columns) + 2), np.int32)
        cuts[:, 0] = self._first
        first = next(number for number in range(self.columns) if number not in dropped)
        for number, column in enumerate(columns):
            begins, ends = self._begins(column), self._ends(column)
            if column in dropped and column < first:
                ends = self._begins(column + 1)
            elif column in dropped:
                begins = begins - 1
            cuts[:, 2 * number + 1], cuts[:, 2 * number + 2] = begins, ends
        cuts[:, -1] = self._stops[-1] + 1
        table = PieceTable()
        table.add(Pieces(self._data, cuts.ravel()))
        index = np.arange(cuts.size, dtype=np.int32).reshape(cuts.shape)[:, :-1].copy()
        for number, column in enumerate(columns):
            if column not in dropped:
                change = changes[column]
                index[change.rows, 2 * number + 1] = table.add_pool(change.fields)
        gone = [2 * number + 1 for number, column in enumerate(columns) if column in dropped]
        if gone:
            index = np.delete(index, gone, axis=1)
        output = table.assemble(index.ravel())
        return Rewritten(output.data, output.cuts[:: index.shape[1]][: self.count])

    def _begins(self, column: int) -> Places:
        """Return the positions of a column's fields."""
        begins: Places = self._stops[column - 1] + 1 if column else self._first
        return begins

    def _ends(self, column: int) -> Places:
        """Return where they end, before the delimiter or the line's end."""
        ends: Places = self._stops[column] if column < self.columns - 1 else self._last
        return ends

    @cached_property
    def _doubled(self) -> Places:
        """Where the second one of two quotes is that stand for one."""
        opening, closing = self._quotes[0::2], self._quotes[1::2]
        second: Places = opening[1:][opening[1:] == closing[:-1] + 1]
        return second

    def _require_utf8(self) -> None:
        # Arrow holds the whole block against UTF-8 at once; Python's decoder finds the place.
        if is_utf8(self._data[: self._block.size]):
            return
        try:
            self._block.data[: self._block.size].decode()
        except UnicodeDecodeError as error:
            line = self._line(error.start)
            raise not_in_encoding(self._name, line, self._form.encoding) from None

    def _marks(self) -> tuple[Places, Places]:
        """Find the delimiters and line breaks that are not data, and the quotes."""
        data = self._data[: self._block.size]
        marks = _places_of(data, self._delimiter, _LF, self._quote)
        is_quote = data.take(marks) == self._quote
        quotes = np.flatnonzero(is_quote)
        if not len(quotes):
            return marks, quotes
        inside = np.bitwise_xor.accumulate(is_quote)
        return marks[~(inside | is_quote)], marks[quotes]

    def _check_quotes(self) -> None:
        """Refuse a quote that neither begins nor ends a field and is not doubled inside one."""
        if not len(self._quotes):
            return
        data, size = self._data, self._block.size
        border = np.zeros(256, np.bool_)
        border[[self._delimiter, self._quote, _LF, _CR]] = True
        opening, closing = self._quotes[0::2], self._quotes[1::2]
        stray = opening[~border[data[opening - 1]] & (opening > 0)]
        torn = closing[~border[data[closing + 1]] & (closing + 1 < size)]
        if len(stray) or len(torn):
            place = int(np.concatenate([stray, torn]).min())
            around = self._around(place)
            odd = oddities.of_quote(*around, self._form.delimiter.encode())
            raise self._broken(place, "a quote in the middle of a field", odd)
        if len(self._quotes) % 2:
            odd = oddities.of_open_quote(self._form.delimiter.encode())
            place = int(self._quotes[-1])
            raise self._broken(place, "a quoted field begins here and never ends", odd)

    def _check_returns(self) -> None:
        """Refuse a carriage return that ends no line, outside of quotes."""
        returns = np.flatnonzero(self._data[: self._block.size] == _CR)
        alone = returns[self._data[returns + 1] != _LF]
        bare = alone[np.searchsorted(self._quotes, alone) % 2 == 0]
        if len(bare):
            place = int(bare[0])
            odd = oddities.of_return(self._around(place)[1])
            raise self._broken(place, "a carriage return without a line feed", odd)

    def _shaped(self, separators: Places) -> tuple[Places, Places]:
        """Return where each record begins, and where each field stops: shape (columns, records)."""
        breaks = self._data.take(separators) == _LF
        columns = self._expected or int(breaks.argmax()) + 1
        begins = np.empty_like(separators)
        begins[:1] = 0
        begins[1:] = separators[:-1] + 1
        if columns > 1 and not _regular(breaks, columns):
            mask = ~self._blank(begins, separators, breaks)
            begins, separators, breaks = begins[mask], separators[mask], breaks[mask]
        if not _regular(breaks, columns):
            raise self._ragged(begins, breaks)
        # Column by column, for that is how they are asked for.
        stops = np.ascontiguousarray(separators.reshape(-1, columns).T)
        return begins[::columns].copy(), stops

    def _blank(
        self, begins: Places, separators: Places, breaks: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return a mask of the separators that end empty lines."""
        width = separators - begins
        nothing = (width == 0) | ((width == 1) & (self._data[begins] == _CR))
        at_line_start = np.append(True, breaks[:-1])  # an array's first element
        blank: NDArray[np.bool_] = breaks & at_line_start & nothing
        return blank

    def _ragged(self, begins: Places, breaks: NDArray[np.bool_]) -> InputError:
        lines = np.flatnonzero(breaks)
        fields = np.diff(lines, prepend=-1)
        bad = int(np.flatnonzero(fields != self._expected)[0])
        first = int(lines[bad] - fields[bad] + 1)
        begin, count = int(begins[first]), int(fields[bad])
        end = int(begins[lines[bad] + 1]) if lines[bad] + 1 < len(begins) else self._block.size
        record = self._block.data[begin:end]
        odd = oddities.of_record(record, count, self._expected, self._form.delimiter.encode())
        what = f"{_counted(count)}, where the header has {self._expected}"
        return self._broken(begin, what, odd)

    def _broken(self, place: int, what: str, odd: Oddity) -> InputError:
        because = f": {odd.what}" if odd.what else ""
        return InputError(
            f"{self._name}: line {self._line(place)}: {what}{because}", hint=odd.remedy
        )

    def _around(self, place: int) -> tuple[bytes, bytes]:
        """Return what stands before a byte and behind it."""
        data, size = self._block.data, self._block.size
        return data[max(0, place - _NEAR) : place], data[place + 1 : min(size, place + 1 + _NEAR)]

    def _line(self, place: int) -> int:
        return self._block.first_line + self._block.data.count(b"\n", 0, place)


def _places_of(data: Bytes, *characters: int) -> Places:
    """Return where any of some characters stands, piece by piece: a piece stays in the cache."""
    found, this = np.empty((2, _PIECE), np.bool_)
    places = []
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        some, one = found[: len(piece)], this[: len(piece)]
        some[:] = False
        for character in characters:
            np.equal(piece, character, out=one)
            some |= one
        places.append(np.flatnonzero(some) + begin)
    return np.concatenate(places) if places else np.empty(0, np.int64)


def _regular(breaks: NDArray[np.bool_], columns: int) -> bool:
    """Tell whether every so many separators one is a line break, and no other is."""
    if len(breaks) % columns:
        return False
    table = breaks.reshape(-1, columns)
    return bool(table[:, -1].all()) and int(np.count_nonzero(breaks)) == len(table)


def _counted(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
