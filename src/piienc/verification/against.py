"""Two files compared, row by row: the same rows, in the same order, with the same cells.

Where one row was lost or is there twice, all behind it would differ. So where rows begin to
differ, it is looked whether they agree again one row further on, on either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.base.cells import numpy_of
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_AHEAD = 16  # rows that must agree one row further on
_TRIED = 200  # places where that is tried


class _Rows:
    """A stream of batches, from which any number of rows can be peeked at and taken."""

    def __init__(self, batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> None:
        self._batches, self._columns = batches, columns
        self._held: list[pa.RecordBatch] = []
        self.taken = 0

    def have(self, count: int) -> int:
        """Return the number of available rows, up to `count` or a few more."""
        rows: int = sum(batch.num_rows for batch in self._held)
        while rows < count:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._held.append(batch.select(self._columns))
            rows += batch.num_rows
        return rows

    def first(self) -> pa.RecordBatch:
        """Return the remaining rows of the first batch."""
        return self._held[0]

    def peek(self, start: int, count: int) -> list[pa.Array]:
        """Return some rows, from `start` on, by column."""
        self.have(start + count)
        table = pa.Table.from_batches(self._held).slice(start, count)
        return [column.combine_chunks() for column in table.columns]

    def take(self, count: int) -> None:
        """Skip some rows."""
        self.taken += count
        while count:
            head = self._held[0]
            if head.num_rows > count:
                self._held[0] = head.slice(count)
                return
            count -= head.num_rows
            del self._held[0]
        while self._held and not self._held[0].num_rows:
            del self._held[0]


def compared(
    actual_batches: Iterator[pa.RecordBatch],
    original_batches: Iterator[pa.RecordBatch],
    columns: Sequence[str],
) -> Iterator[Violation]:
    """Compare the batches of a file, in plain values, with those of the original.

    Yields:
        Violations, with their rows counted from 0 in the file.
    """
    actual, original = _Rows(actual_batches, columns), _Rows(original_batches, columns)
    tried = 0
    while actual.have(1) and original.have(1):
        left, right = actual.first(), original.first()
        size = min(left.num_rows, right.num_rows)
        masks = {
            name: mask
            for name in columns
            if (mask := differing(left.column(name)[:size], right.column(name)[:size])) is not None
        }
        shift, end = 0, size
        for row in _beginnings(masks, size):
            if tried >= _TRIED:
                break
            tried += 1
            if shift := _shift(actual, original, row):
                end = row
                break
        for name, mask in masks.items():
            yield from _values(
                name, mask[:end], left.column(name), right.column(name), actual.taken
            )
        actual.take(end)
        original.take(end)
        if shift:
            rows, detail = actual, "a row that the original does not have here"
            if shift < 0:
                rows, detail = original, "a row of the original is missing before this one"
            yield Violation(None, "row", detail, np.array([actual.taken]))
            rows.take(1)
    yield from _counted(actual, original)


def _counted(actual: _Rows, original: _Rows) -> Iterator[Violation]:
    """Read both to their ends, and compare how many rows there are."""
    at = np.array([actual.taken]) if actual.have(1) or original.have(1) else None
    for rows in (actual, original):
        while rows.have(1):
            rows.take(rows.first().num_rows)
    if actual.taken != original.taken:
        detail = f"{actual.taken:,} rows here, {original.taken:,} in the original"
        yield Violation(None, "rows", detail, at)


def _beginnings(masks: dict[str, NDArray[np.bool_]], size: int) -> list[int]:
    """Return the rows that differ behind one that does not."""
    if not masks:
        return []
    some = np.logical_or.reduce(list(masks.values()))
    starts: list[int] = np.flatnonzero(some & ~np.append([False], some[: size - 1])).tolist()
    return starts


def _shift(actual: _Rows, original: _Rows, row: int) -> int:
    """Return which side has an extra row: 1 for the file, -1 for the original, 0 for neither."""
    for first, second, side in ((actual, original, 1), (original, actual, -1)):
        ahead = min(_AHEAD, first.have(row + 1 + _AHEAD) - row - 1, second.have(row + _AHEAD) - row)
        if ahead < 1:
            continue
        if _agree(first, row + 1, second, row, ahead) and not _agree(
            first, row + 1, second, row + 1, ahead
        ):
            return side
    return 0


def _agree(first: _Rows, at_first: int, second: _Rows, at_second: int, count: int) -> bool:
    left, right = first.peek(at_first, count), second.peek(at_second, count)
    if any(len(a) != len(b) for a, b in zip(left, right, strict=True)):
        return False
    return all(differing(a, b) is None for a, b in zip(left, right, strict=True))


def _values(
    name: str, mask: NDArray[np.bool_], left: pa.Array, right: pa.Array, first: int
) -> Iterator[Violation]:
    """Yield the rows whose cells differ, in groups: null here, null there, other values."""
    rows = np.flatnonzero(mask)
    if not len(rows):
        return
    in_left, in_right = numpy_of(left.is_valid())[rows], numpy_of(right.is_valid())[rows]
    kinds = {
        "null, and a value in the original": ~in_left & in_right,
        "a value, and null in the original": in_left & ~in_right,
        "another value than in the original": in_left & in_right,
    }
    for detail, selection in kinds.items():
        if selection.any():
            yield Violation(name, "value", detail, first + rows[selection])


def differing(left: pa.Array, right: pa.Array) -> NDArray[np.bool_] | None:
    """Return a mask of the cells that differ; None if none does.

    NaN equals NaN, whatever their bits; 0.0 and -0.0 differ.
    """
    left, right = _widened(left), _widened(right)
    if left.type != right.type:
        return np.ones(len(left), np.bool_)
    if pa.types.is_floating(left.type):
        mask = _floats_differ(left, right)
    elif left.equals(right):
        return None
    else:
        mask = _unequal(left, right)
    return mask if mask.any() else None


def _widened(array: pa.Array) -> pa.Array:
    """Return text or bytes with offsets of 64 bits: how wide they are makes no other value."""
    wide = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(array.type)
    return array if wide is None else array.cast(wide)


def _floats_differ(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    left_values, right_values = (array.to_numpy(zero_copy_only=False) for array in (left, right))
    bits = f"u{left_values.itemsize}"
    mask: NDArray[np.bool_] = left_values.view(bits) != right_values.view(bits)
    mask &= ~(np.isnan(left_values) & np.isnan(right_values))
    mask |= numpy_of(left.is_valid()) != numpy_of(right.is_valid())
    return mask


def _unequal(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which equal files do without

    if pa.types.is_dictionary(left.type):
        left, right = left.dictionary_decode(), right.dictionary_decode()
    try:
        unequal = numpy_of(pc.not_equal(left, right).fill_null(False))  # noqa: FBT003  # of nulls
    except pa.ArrowException:  # nested types have no such function
        both = zip(left.to_pylist(), right.to_pylist(), strict=True)
        return np.array([repr(a) != repr(b) for a, b in both])  # two NaN have one repr
    mask: NDArray[np.bool_] = unequal | (numpy_of(left.is_valid()) != numpy_of(right.is_valid()))
    return mask
