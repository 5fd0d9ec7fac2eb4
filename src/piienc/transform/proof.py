"""A run proves itself: a sample of each unit is read back from what is about to be written.

What reads back shares nothing with what has written: Python's `csv` module or Arrow's own cells,
and OpenSSL's AEADs, one cell at a time. A small unit is read whole. Of a larger one, the first and
the last row are read, some that hold quotes or nothing, and some others; these change from run to
run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from piienc.columns import BadCells, is_value
from piienc.errors import PiiencError
from piienc.tables import count_records, read_record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

    from piienc.base.cells import Narrow, Places
    from piienc.columns import CellDecryptor
    from piienc.tables import Block, CsvFormat, Record, Records, Rewritten

_ROWS = 16  # that are chosen
_CELLS = 64  # changed ones in these rows, unless the first and the last row alone have more
_WHOLE = 512  # changed cells of a unit that is read whole
_NEIGHBOURS = 64  # records that are counted
_WINDOW = 64 << 10  # bytes that are searched for odd ones


class Proof:
    """Holds what is about to be written against what was read; safe to use from several threads."""

    def __init__(
        self,
        name: str,
        columns: list[str],
        decryptors: Mapping[str, CellDecryptor],
        *,
        decrypting: bool,
        left_out: Collection[str] = (),
    ) -> None:
        """Take the columns.

        Args:
            name: what error messages call the file.
            columns: those that are read.
            decryptors: by column that changes.
            decrypting: ciphertext is read and plaintext written, else the other way round.
            left_out: columns that are not written.
        """
        self._name, self._columns, self._left_out = name, columns, left_out
        self._decryptors, self._decrypting = decryptors, decrypting

    def of_block(self, block: Block, records: Records, written: Rewritten, form: CsvFormat) -> None:
        """Read some records of a block of CSV back.

        Raises:
            BadCells: one is not what it was, which is a bug.
        """
        count = records.count
        if len(written.begins) != count:
            raise self._refuted(0)
        read = memoryview(block.data)[: block.size]
        made = written.data.data
        self._count(block.lines, read, records.begins, form)
        rows = self._sample(count)
        if len(rows) < count:
            rows |= _odd_rows(read, records.begins, form) | _odd_rows(made, written.begins, form)
        for row in sorted(rows):
            before = read_record(_cut(read, records.begins, row, row + 1), form)
            after = read_record(_cut(made, written.begins, row, row + 1), form)
            self._compare(row, before, after)

    def of_slice(self, read: pa.RecordBatch, written: pa.RecordBatch) -> None:
        """Read some rows of a slice of Parquet back.

        Raises:
            BadCells: one is not what it was, which is a bug.
        """
        kept = [name for name in self._columns if name not in self._left_out]
        if (written.schema.names, written.num_rows) != (kept, read.num_rows):
            raise self._refuted(0)
        rows = self._sample(read.num_rows)
        for name in kept:
            before, after = read.column(name), written.column(name)
            for row in sorted(rows):
                if not self._is_same_value(name, before[row], after[row]):
                    raise self._refuted(row, name)

    def of_whole(self, extent: int, size: int) -> None:
        """Compare what was read with the units that were made of it.

        Args:
            extent: of all that was read.
            size: of the units together.

        Raises:
            PiiencError: something was lost between them, or is there twice; a bug.
        """
        if size != extent:
            raise PiiencError(f"{self._name}: the parts that were written are not the whole file")

    def _sample(self, count: int) -> set[int]:
        """Choose rows: all of a few, else the first, the last, and some between."""
        changed = max(1, len(self._decryptors))
        if count * changed <= _WHOLE:
            return {*range(count)}
        between = min(_ROWS, _CELLS // changed) - 2
        return {0, count - 1, *(random.randrange(count) for _ in range(between))}  # noqa: S311  # a sample

    def _count(self, lines: int, data: memoryview, begins: Places, form: CsvFormat) -> None:
        """Count some neighbouring records: none may have been passed over, or taken for two."""
        if lines == len(begins):
            return
        first = random.randrange(max(1, len(begins) - _NEIGHBOURS))  # noqa: S311  # a sample
        last = min(first + _NEIGHBOURS, len(begins))
        if first < last:
            found = count_records(_cut(data, begins, first, last), form, len(self._columns))
            if found != last - first:
                raise self._refuted(first)

    def _compare(self, row: int, before: Record | None, after: Record | None) -> None:
        if before is None or after is None or len(before.fields) != len(self._columns):
            raise self._refuted(row)
        fields = dict(zip(self._columns, before.fields, strict=True))
        kept = [name for name in self._columns if name not in self._left_out]
        # Blank lines behind a record are not written.
        if len(after.fields) != len(kept) or not before.end.startswith(after.end):
            raise self._refuted(row)
        for name, field in zip(kept, after.fields, strict=True):
            if name not in self._decryptors:
                same = field.raw == fields[name].raw
            else:
                same = self._is_same_text(name, fields[name].value, field.value)
            if not same:
                raise self._refuted(row, name)

    def _is_same_text(self, name: str, before: str | None, after: str | None) -> bool:
        if before is None or after is None:
            return before is after
        stored, plain = (before, after) if self._decrypting else (after, before)
        return self._decryptors[name].decrypt(stored.encode(), text=True) == plain.encode()

    def _is_same_value(self, name: str, before: pa.Scalar, after: pa.Scalar) -> bool:
        if not (before.is_valid and after.is_valid):
            return bool(before.is_valid == after.is_valid)
        if name not in self._decryptors:
            # Two NaN are not equal, but written alike.
            return bool(before.equals(after)) or repr(before.as_py()) == repr(after.as_py())
        stored, plain = (before, after) if self._decrypting else (after, before)
        cell = stored.as_py()
        text = isinstance(cell, str)
        opened = self._decryptors[name].decrypt(cell.encode() if text else cell, text=text)
        return opened is not None and is_value(opened, plain)

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
