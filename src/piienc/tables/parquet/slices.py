"""Row groups of Parquet cut into slices that are limited in bytes as well as in rows.

A file stores a repeated value once, so a few kilobytes can become gigabytes in memory, and the
weight of a row is known only after decoding. So the first slice has few rows, the weight of each
slice determines the size of the next, and small slices are joined again. Heavy rows may follow
light ones, so the longest value of each dictionary, and the size of the row group at its
beginning, limit the number of rows as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq
from pyarrow import types

from piienc.base.cells import numpy_of
from piienc.base.printable import in_words
from piienc.errors import InputError
from piienc.tables.table import BatchUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from piienc.tables.parquet.footer import Footer
    from piienc.tables.table import UnitSize

LONG = 4 << 10
"""Bytes of a row, from which on its values are handled one by one."""

SLICE_ROWS = 1 << 16
"""Rows of a slice, at the most."""

_VIEWS = frozenset({pa.string_view(), pa.binary_view()})
_OF_LENGTHS = _VIEWS | {pa.string(), pa.large_string(), pa.binary(), pa.large_binary()}
_FIRST = 64  # rows that are decoded first
_WEIGHED = 1 << 12  # rows weighed at a time
_SUDDEN = 4  # slices that are decoded at once at the most, where heavy rows follow light ones
_FASTER = 16  # times as many rows come next at the most


class Slice(BatchUnit, frozen=True):
    """Some rows of a row group; `ends_group`: they are its last."""

    ends_group: bool


class RowGroups:
    """The row groups of an open file, each cut into slices."""

    def __init__(
        self, source: BinaryIO, file: pq.ParquetFile, footer: Footer, name: str, units: UnitSize
    ) -> None:
        """Take an open file, and what its footer says."""
        self._source, self._file, self._footer = source, file, footer
        self._name, self._units = name, units
        self._most = units.parquet_rows or SLICE_ROWS
        self._rows = 0
        self._next = _FIRST  # rows that are decoded next

    def slices(self) -> Iterator[Slice]:
        """Read slices, in order.

        Raises:
            InputError: a row, or a row group, is too large.
            pyarrow.ArrowException, OSError: the file is damaged.
        """
        for number in range(self._file.num_row_groups):
            yield from self._of_group(number)

    def _of_group(self, number: int) -> Iterator[Slice]:
        left = self._file.metadata.row_group(number).num_rows
        if not left:
            none = [pa.nulls(0, field.type) for field in self._file.schema_arrow]
            yield Slice(
                pa.RecordBatch.from_arrays(none, schema=self._file.schema_arrow), ends_group=True
            )
        parts: list[pa.RecordBatch] = []
        rows = heavy = decoded = 0
        for batch in self._batches(number, left) if left else ():
            left -= batch.num_rows
            for part, weight in self._parts(batch):
                decoded += weight
                if decoded > self._units.decoded:
                    raise self._too_much(number)
                most = self._bytes_for(heavy + weight, rows + part.num_rows)
                if parts and (rows + part.num_rows > self._most or heavy + weight > most):
                    yield Slice(together(parts), ends_group=False)
                    parts, rows, heavy = [], 0, 0
                parts.append(part)
                rows, heavy = rows + part.num_rows, heavy + weight
        if parts:
            yield Slice(together(parts), ends_group=True)

    def _batches(self, number: int, left: int) -> Iterator[pa.RecordBatch]:
        """Decode all rows of a group."""
        most, size = min(self._most, self._fitting(number)), self._file.metadata.row_group(number)
        fit = self._units.parquet_bytes * left // max(1, size.total_byte_size)
        self._next, done = max(1, min(self._next, most, fit)), 0
        batches = self._file.iter_batches(self._next, row_groups=[number])
        while left:
            batch = next(batches, None)
            if batch is None:
                raise pa.ArrowInvalid(f"{left} rows are missing")
            left, done = left - batch.num_rows, done + batch.num_rows
            yield batch
            weight, count = weight_of(batch), batch.num_rows
            fit = self._bytes_for(weight, count) * count // max(1, weight)
            self._next = max(1, min(most, _FASTER * self._next, fit))
            # Arrow asks for the size anew before each batch.
            self._file.reader.set_batch_size(min(self._next, self._most - done % self._most))

    def _parts(self, batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Cut a batch into parts of the size of a slice, each with its weight."""
        for part, weight in light_parts(batch, self._bytes_for):
            longest = self._units.longest
            if weight > longest and (long := first_longer(part, longest)) is not None:
                raise InputError(
                    f"{self._name}: row {self._rows + long + 1} is longer than {in_words(longest)}",
                    hint="keep such values in files of their own, and their names in the table",
                )
            self._rows += part.num_rows
            yield part, weight

    def _fitting(self, number: int) -> int:
        """Return how many rows of a group may be decoded at once, by its dictionaries."""
        rows = max(1, min(int(self._file.metadata.row_group(number).num_rows), self._most))
        listed = self._footer.listed[number]
        # No value is longer than all of its chunk, and no rows are longer than all of them.
        most = sum(
            rows * chunk.bytes if chunk.plain_bytes is None else chunk.plain_bytes
            for chunk in listed
        )
        if most <= self._units.parquet_bytes:
            return rows
        return max(1, _SUDDEN * self._units.parquet_bytes // max(1, self._longest(number)))

    def _bytes_for(self, weight: int, rows: int) -> int:
        """Return the bytes of a slice of such rows; long values are copied more often."""
        size = self._units.parquet_bytes
        return size // 4 if weight > LONG * rows else size

    def _longest(self, number: int) -> int:
        """Return the bytes of the longest row that the dictionaries of a group can make.

        Raises:
            InputError: all rows together have too many.
        """
        count, longest = int(self._file.metadata.row_group(number).num_rows), 0
        listed = self._footer.listed[number]
        paths = [".".join(self._footer.leaves[chunk.leaf].path) for chunk in listed]
        listing = pq.ParquetFile(
            self._source, metadata=self._file.metadata, read_dictionary=paths, pre_buffer=False
        )
        for chunk, path in zip(listed, paths, strict=True):
            first = next(listing.iter_batches(1, row_groups=[number], columns=[path]))
            lengths = (_lengths(array).max(initial=0) for array in _dictionaries(first.columns))
            longest += int(max(lengths, default=0)) * -(-chunk.values // count)
        if longest * count > self._units.decoded:
            weights = listing.iter_batches(_WEIGHED, row_groups=[number], columns=paths)
            if sum(map(weight_of, weights)) > self._units.decoded:
                raise self._too_much(number)
        return longest

    def _too_much(self, number: int) -> InputError:
        group = self._file.metadata.row_group(number)
        return InputError(
            f"{self._name}: row group {number + 1} holds more than {in_words(self._units.decoded)} "
            f"in {group.num_rows:,} rows",
            hint="write it with smaller row groups",
        )


def weight_of(batch: pa.RecordBatch) -> int:
    """Return the bytes that a batch has in memory when dictionaries are decoded."""
    return sum(map(_weight, batch.columns))


def light_parts(
    batch: pa.RecordBatch, bytes_for: Callable[[int, int], int]
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Halve a batch until no part weighs twice what it should, and yield each with its weight.

    Args:
        batch: any.
        bytes_for: returns what a part of a weight and a number of rows should weigh.
    """
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        weight = weight_of(part)
        if weight > 2 * bytes_for(weight, part.num_rows) and part.num_rows > 1:
            half = part.num_rows // 2
            waiting += [part.slice(half), part.slice(0, half)]
        else:
            yield part, weight


def first_longer(batch: pa.RecordBatch, longest: int) -> int | None:
    """Return the first row that is longer than allowed; None if there is none."""
    waiting = [(0, batch)]
    while waiting:
        first, part = waiting.pop()
        if part.num_rows and weight_of(part) > longest:
            half = part.num_rows // 2
            if not half:
                return first
            waiting += [(first + half, part.slice(half)), (first, part.slice(0, half))]
    return None


def _weight(array: pa.Array) -> int:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _weight(array.storage)
    if types.is_struct(kind):
        return len(array) + sum(_weight(child) for child in array.flatten())
    if types.is_map(kind):
        ends = np.frombuffer(array.buffers()[1], np.int32)[array.offset :][: len(array) + 1]
        first, last = (int(ends[0]), int(ends[-1])) if len(array) else (0, 0)
        return len(array) + _weight(array.values.slice(first, last - first))
    if types.is_nested(kind) and hasattr(array, "flatten") and not types.is_union(kind):
        return len(array) + _weight(array.flatten())
    lengths = None
    if types.is_dictionary(kind) and kind.value_type in _OF_LENGTHS:
        lengths = _lengths(array.dictionary)[numpy_of(array.indices.drop_null())]
    elif kind in _VIEWS:
        lengths = _lengths(array)  # a slice of them keeps the bytes of all
    return int(array.nbytes if lengths is None else 4 * len(array) + lengths.sum())


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    """Return the bytes of each string; those of null mean nothing."""
    kind = array.type
    if not len(array):
        return np.empty(0, np.int64)
    span = slice(array.offset, array.offset + len(array))
    if kind in _VIEWS:
        views = np.frombuffer(array.buffers()[1], np.int32)  # four to a view, the length first
        return views[0::4][span].astype(np.int64)
    width = np.int64 if types.is_large_string(kind) or types.is_large_binary(kind) else np.int32
    offsets = np.frombuffer(array.buffers()[1], width)
    lengths: NDArray[np.int64] = np.diff(offsets)[span].astype(np.int64)
    return lengths


def _dictionaries(arrays: Iterable[pa.Array]) -> Iterator[pa.Array]:
    """Yield the dictionaries of arrays, at whatever depth."""
    for array in arrays:
        if types.is_dictionary(array.type):
            yield array.dictionary
        elif types.is_struct(array.type):
            yield from _dictionaries(array.flatten())
        elif types.is_nested(array.type):
            yield from _dictionaries([array.values])


def together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return batches of one schema as one."""
    if len(batches) == 1:
        return batches[0]
    schema = batches[0].schema
    table = pa.Table.from_batches(batches, schema).unify_dictionaries().combine_chunks()
    return pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], schema=schema)
