"""A run proves itself: it reads a sample of each unit back before the unit is written.

The code that reads back shares nothing with the code that writes: it uses Python's `csv` module or
single Arrow values, and OpenSSL's AEADs, one cell at a time. A small unit is read back whole. The
sample of a larger one has the first and the last row, some rows with quotes or nulls, and some
others, which change from run to run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from piienc.columns import BadCells
from piienc.errors import PiiencError
from piienc.tables import count_records, read_record

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.base.cells import Narrow, Places
    from piienc.tables import Block, CsvFormat, Record, Records, Rewritten
    from piienc.tables.csv.plain_path import Field
    from piienc.transform.plan import Plan

_ROWS = 16  # that are chosen
_CELLS = 64  # changed ones in these rows, unless the first and the last row alone have more
_WHOLE = 512  # changed cells of a unit that is read whole
_NEIGHBOURS = 64  # records that are counted
_WINDOW = 64 << 10  # bytes that are searched for odd ones


class Proof:
    """Compares the output of each unit with its input; safe to use from several threads."""

    def __init__(self, name: str, columns: list[str], plan: Plan) -> None:
        """Take the file's name for error messages, the input's columns, and their plan."""
        self._name, self._columns, self._plan = name, columns, plan
        self._kept = [name for name in columns if name not in plan.omitted]

    def of_block(self, block: Block, records: Records, written: Rewritten, form: CsvFormat) -> None:
        """Read some records of a block of CSV back.

        Raises:
            BadCells: a record differs, which is a bug.
        """
        count = records.count
        if len(written.begins) != count:
            raise self._refuted(0)
        read = memoryview(block.data)[: block.size]
        output = written.data.data
        self._count(block.lines, read, records.begins, form)
        rows = self._sample(count)
        if len(rows) < count:
            rows |= _odd_rows(read, records.begins, form) | _odd_rows(output, written.begins, form)
        for row in sorted(rows):
            before = read_record(_cut(read, records.begins, row, row + 1), form)
            after = read_record(_cut(output, written.begins, row, row + 1), form)
            self._compare(row, before, after)

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

    def _count(self, lines: int, data: memoryview, begins: Places, form: CsvFormat) -> None:
        """Count some neighbouring records, to detect records that were skipped or split."""
        if lines == len(begins):
            return
        first = random.randrange(max(1, len(begins) - _NEIGHBOURS))  # noqa: S311  # a sample
        last = min(first + _NEIGHBOURS, len(begins))
        if first < last:
            record_count = count_records(_cut(data, begins, first, last), form, len(self._columns))
            if record_count != last - first:
                raise self._refuted(first)

    def _compare(self, row: int, before: Record | None, after: Record | None) -> None:
        if before is None or after is None or len(before.fields) != len(self._columns):
            raise self._refuted(row)
        fields = dict(zip(self._columns, before.fields, strict=True))
        # Blank lines behind a record are not written.
        if len(after.fields) != len(self._kept) or not before.end.startswith(after.end):
            raise self._refuted(row)
        for name, field in zip(self._kept, after.fields, strict=True):
            if not self._is_same_text(name, fields[name], field):
                raise self._refuted(row, name)

    def _is_same_text(self, name: str, before: Field, after: Field) -> bool:
        if name not in self._plan.changed:
            return before.raw == after.raw
        if before.value is None or after.value is None:
            return before.value is after.value
        return self._plan.changed[name].is_text_right(before.value, after.value)

    def _is_same_value(self, name: str, before: pa.Scalar, after: pa.Scalar) -> bool:
        if not (before.is_valid and after.is_valid):
            return bool(before.is_valid == after.is_valid)
        if name in self._plan.changed:
            return self._plan.changed[name].is_value_right(before, after)
        # Two NaN are not equal, but written alike.
        return bool(before.equals(after)) or repr(before.as_py()) == repr(after.as_py())

    def _refuted(self, row: int, column: str | None = None) -> BadCells:
        label = self._name if column is None else f"{self._name}: column {column!r}"
        what = "what was to be written does not read back as what was read"
        return BadCells(PiiencError, label, [row], what)


def _odd_rows(data: memoryview, begins: Places | Narrow, form: CsvFormat) -> set[int]:
    """Choose records that hold a quote, an empty string, or null, where some stand together."""
    start = random.randrange(len(data))  # noqa: S311  # a sample
    window = bytes(data[start : start + _WINDOW])
    needles = (needle.encode() for needle in (form.quote, 2 * form.quote, 2 * form.delimiter))
    places = [start + at for needle in needles if (at := window.find(needle)) >= 0]
    rows = np.searchsorted(begins, places, side="right") - 1
    return {row for row in rows.tolist() if row >= 0}


def _cut(data: memoryview, begins: Places | Narrow, first: int, last: int) -> bytes:
    """Return the bytes of some records that stand one behind the other."""
    end = int(begins[last]) if last < len(begins) else len(data)
    return bytes(data[int(begins[first]) : end])
