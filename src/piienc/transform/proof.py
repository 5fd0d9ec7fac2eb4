"""A run proves itself: it reads a sample of each unit back before the unit is written.

The plain engine reads back, record by record and cell by cell; of Parquet, Arrow's own cells are
taken. A small unit is read whole. Of a larger one, the first and the last row are read, some that
hold quotes or nothing, and some others; these change from run to run.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.columns import BadCells
from piienc.core import PlainEngine
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from piienc.core import Dialect, Spliced
    from piienc.tables import Block, CsvFormat
    from piienc.transform.plan import TablePlan

    Field = tuple[bytes, bytes | None]  # as it stands, and what it holds

_PLAIN = PlainEngine()

_ROWS = 16  # that are chosen
_CELLS = 64  # changed ones in these rows, unless the first and the last row alone have more
_WHOLE = 512  # changed cells of a unit that is read whole
_NEIGHBOURS = 64  # records that are counted
_BYTES = 256 << 10  # of records that are read: a tenth of a second, where quotes are doubled
_WINDOW = 64 << 10  # bytes that are searched for odd ones


class Proof:
    """Compares the output of each unit with its input; safe to use from several threads."""

    def __init__(self, name: str, columns: list[str], plan: TablePlan) -> None:
        """Take the file's name for error messages, the input's columns, and their plan."""
        self._name, self._columns, self._plan = name, columns, plan
        self._kept = [name for name in columns if name not in plan.omitted]

    def of_block(self, block: Block, written: Spliced, form: CsvFormat) -> None:
        """Read some records of a block of CSV back.

        Raises:
            BadCells: a record differs, which is a bug.
        """
        count, dialect, charset = block.records.count, form.dialect, form.charset
        if len(written.starts) != count:
            raise self._refuted(0)
        data, columns = memoryview(block.data)[: block.size], len(self._columns)
        read = _Records(data, block.records.starts(), dialect, columns)
        made = _Records(memoryview(written.data), written.starts, dialect, len(self._kept))
        self._count(block.records.lines, read)
        rows = self._sample(count)
        if len(rows) < count:
            rows |= read.odd_rows() | made.odd_rows()
        for row in _affordable(rows, read):
            self._compare(row, read.fields(row), made.fields(row), charset)

    def of_slice(self, read: pa.RecordBatch, written: pa.RecordBatch) -> None:
        """Read some rows of a slice of Parquet back.

        Raises:
            BadCells: a row differs, which is a bug.
        """
        if (written.schema.names, written.num_rows) != (self._kept, read.num_rows):
            raise self._refuted(0)
        rows = self._sample(read.num_rows)
        for name in self._kept:
            before, after = read.column(name), written.column(name)
            for row in sorted(rows):
                if not self._is_same_value(name, before[row], after[row]):
                    raise self._refuted(row, name)

    def of_whole(self, extent: int, size: int) -> None:
        """Compare the size of the input with that of its units.

        Args:
            extent: the size of the whole input.
            size: the total size of the units.

        Raises:
            PiiencError: a part was lost or doubled, which is a bug.
        """
        if size != extent:
            raise PiiencError(f"{self._name}: the parts that were written are not the whole file")

    def _sample(self, count: int) -> set[int]:
        """Choose rows: all if there are few, else the first, the last, and some between."""
        changed = max(1, len(self._plan.changed))
        if count * changed <= _WHOLE:
            return {*range(count)}
        between = min(_ROWS, _CELLS // changed) - 2
        return {0, count - 1, *(random.randrange(count) for _ in range(between))}  # noqa: S311  # a sample

    def _count(self, lines: int, records: _Records) -> None:
        """Count some neighbouring records: none may have been passed over, or taken for two."""
        count = len(records.starts)
        if lines == count:
            return
        first = random.randrange(max(1, count - _NEIGHBOURS))  # noqa: S311  # a sample
        last = min(first + _NEIGHBOURS, count)
        size = sum(map(records.size, range(first, last)))
        if first < last and size <= _BYTES and records.counted(first, last) != last - first:
            raise self._refuted(first)

    def _compare(
        self, row: int, before: list[Field] | None, after: list[Field] | None, charset: str
    ) -> None:
        if before is None or after is None:
            raise self._refuted(row)
        fields = dict(zip(self._columns, before, strict=True))
        for name, field in zip(self._kept, after, strict=True):
            if not self._is_same_text(name, fields[name], field, charset):
                raise self._refuted(row, name)

    def _is_same_text(self, name: str, before: Field, after: Field, charset: str) -> bool:
        if name not in self._plan.changed:
            return before[0] == after[0]
        if before[1] is None or after[1] is None:
            return before[1] is after[1]
        old, new = (value.decode(charset).encode() for value in (before[1], after[1]))
        return self._plan.changed[name].is_text_right(old, new)

    def _is_same_value(self, name: str, before: pa.Scalar, after: pa.Scalar) -> bool:
        if _is_null(before) or _is_null(after):
            return _is_null(before) == _is_null(after)
        if name in self._plan.changed:
            return self._plan.changed[name].is_value_right(before, after)
        # Two NaN are not equal, but written alike.
        return bool(before.equals(after)) or repr(before.as_py()) == repr(after.as_py())

    def _refuted(self, row: int, column: str | None = None) -> BadCells:
        label = self._name if column is None else f"{self._name}: column {column!r}"
        what = "what was to be written does not read back as what was read"
        return BadCells(PiiencError, label, [row], what)


def _is_null(value: pa.Scalar) -> bool:
    """Tell whether a value is null: of a dictionary, its own null counts, too."""
    return not value.is_valid or (hasattr(value, "index") and value.as_py() is None)


def _affordable(rows: set[int], records: _Records) -> list[int]:
    """Choose among rows those that may be read in the time that a proof may take."""
    chosen, left = [], _BYTES
    for row in random.sample(sorted(rows), len(rows)):
        if (size := records.size(row)) <= left:
            chosen.append(row)
            left -= size
    return sorted(chosen)


class _Records(Struct):
    """Records that are cut from their bytes, and read by the plain engine."""

    data: memoryview
    starts: Sequence[int]
    dialect: Dialect
    columns: int

    def fields(self, row: int) -> list[Field] | None:
        """Return the fields of a record, as they stand and what they hold; None if it is none."""
        data = self._cut(row, row + 1)
        records = _PLAIN.find(data, self.dialect, self.columns, final=True)
        if records.count != 1 or records.fault or records.starts()[0]:
            return None
        return records.fields(0)

    def size(self, row: int) -> int:
        """Return the bytes of a record."""
        end = self.starts[row + 1] if row + 1 < len(self.starts) else len(self.data)
        return end - self.starts[row]

    def counted(self, first: int, last: int) -> int | None:
        """Count some neighbours; None if they are not records."""
        records = _PLAIN.find(self._cut(first, last), self.dialect, self.columns, final=True)
        return None if records.fault else records.count

    def odd_rows(self) -> set[int]:
        """Choose some that hold a quote, an empty string, or null, where some stand together."""
        start = random.randrange(len(self.data))  # noqa: S311  # a sample
        window = bytes(self.data[start : start + _WINDOW])
        quote, delimiter = self.dialect.quote, self.dialect.delimiter
        needles = {quote, 2 * quote, 2 * delimiter} - {b""}
        places = [start + at for needle in needles if (at := window.find(needle)) >= 0]
        rows = {bisect_right(self.starts, place) - 1 for place in places}
        return {row for row in rows if row >= 0}

    def _cut(self, first: int, last: int) -> bytes:
        """Return the bytes of some records that stand one behind the other."""
        end = self.starts[last] if last < len(self.starts) else len(self.data)
        return bytes(self.data[self.starts[first] : end])
