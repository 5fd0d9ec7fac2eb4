"""A table's units, column by column: what is checked and compared, whatever the file's format.

Expensive parts are computed on first use: a column that is only decrypted needs no array of its
cells, and one that is only searched needs no positions of its nulls.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from piienc.columns import cells_of, plain_values, to_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.base.cells import Cells, Places
    from piienc.columns import Fingerprints
    from piienc.tables import BatchUnit, Block, ByteTable, OpenedTable, Records


class StoredColumn(Protocol):
    """A column of a unit, as it lies in the file."""

    type: pa.DataType
    count: int
    """How many rows there are."""
    fingerprints: Fingerprints | None
    """What tells its cells apart, in any order, where that was found already."""

    @property
    def null_count(self) -> int:
        """How many cells are null."""

    @property
    def cells(self) -> tuple[Cells, Places]:
        """The cells that are not null, as text or bytes, and their rows."""

    @property
    def dense(self) -> tuple[pa.Array, Places]:
        """The values that are not null, and their rows."""

    @property
    def array(self) -> pa.Array:
        """All values, nulls included."""


class TextColumn:
    """A column of CSV: all values are strings."""

    type = pa.string()
    fingerprints: Fingerprints | None = None

    def __init__(self, records: Records, number: int) -> None:
        self._records, self._number = records, number
        self.count = records.count

    @property
    def null_count(self) -> int:
        """How many cells are null."""
        _, rows = self.cells
        return int(self.count - len(rows))

    @cached_property
    def cells(self) -> tuple[Cells, Places]:
        """The cells that are not null, and their rows."""
        return self._records.cells(self._number)

    @cached_property
    def dense(self) -> tuple[pa.Array, Places]:
        """The values that are not null, and their rows."""
        cells, rows = self.cells
        return cells.text(), rows

    @cached_property
    def array(self) -> pa.Array:
        """All values, nulls included."""
        dense, rows = self.dense
        if not self.null_count:
            return dense
        valid = np.zeros(self.count, np.bool_)
        valid[rows] = True
        validity = np.packbits(valid, bitorder="little")
        _, ends, data = dense.buffers()
        offsets = np.zeros(self.count + 1, np.int32)
        if len(rows):
            offsets[rows + 1] = np.frombuffer(ends, np.int32)[1 : len(rows) + 1]
        np.maximum.accumulate(offsets, out=offsets)  # a null ends where it begins
        frames = [pa.py_buffer(validity), pa.py_buffer(offsets), data or pa.py_buffer(b"")]
        return pa.Array.from_buffers(pa.string(), self.count, frames)


class TypedColumn:
    """A column of Parquet, in types that Arrow computes with."""

    fingerprints: Fingerprints | None = None

    def __init__(self, array: pa.Array, label: str) -> None:
        self.array, self._label = plain_values(array), label
        self.type, self.count = self.array.type, len(array)

    @property
    def null_count(self) -> int:
        """How many cells are null."""
        return int(self.array.null_count)

    @cached_property
    def cells(self) -> tuple[Cells, Places]:
        """The cells that are not null, as text or bytes, and their rows."""
        return cells_of(to_cells(self.array, self._label))

    @cached_property
    def dense(self) -> tuple[pa.Array, Places]:
        """The values that are not null, and their rows."""
        return without_nulls(self.array)


class _Decoding:
    """Makes columns of units."""

    def of_block(self, table: ByteTable, unit: Block) -> Sequence[StoredColumn]:
        """Find the fields of a block."""
        return text_columns(table, table.decode(unit))

    def of_batch(self, table: OpenedTable, unit: BatchUnit) -> Sequence[StoredColumn]:
        """Take the columns of a batch."""
        return typed_columns(table, unit.batch)


_DECODING = _Decoding()


def decoded(table: OpenedTable, unit: Any) -> Sequence[StoredColumn]:  # noqa: ANN401  # a table's units are its own
    """Return a unit's columns as stored in the file, in its order; names may repeat.

    Raises:
        InputError: a record or its bytes are not as they should be, with the line.
    """
    return table.give(unit, _DECODING)


def by_name(table: OpenedTable, columns: Sequence[StoredColumn]) -> dict[str, StoredColumn]:
    """Return the columns of a unit by their names."""
    return dict(zip(table.columns, columns, strict=True))


def text_columns(table: OpenedTable, records: Records) -> list[StoredColumn]:
    """Return the columns of records."""
    return [TextColumn(records, number) for number in range(len(table.columns))]


def typed_columns(table: OpenedTable, batch: pa.RecordBatch) -> list[StoredColumn]:
    """Return the columns of a batch."""
    return [
        TypedColumn(array, f"{table.name}: column {name!r}")
        for name, array in zip(table.columns, batch.columns, strict=True)
    ]


def comparable(array: pa.Array, label: str) -> tuple[Cells, Places]:
    """Return cells that are equal where values are, and their rows; nulls are left out.

    Values of nested types are compared as Python writes them.

    Raises:
        InputError: a value has no text: a year over 9999, say.
    """
    if not pa.types.is_nested(array.type):
        return cells_of(to_cells(array, label))
    texts = [None if value is None else repr(value) for value in array.to_pylist()]
    return cells_of(pa.array(texts, pa.large_string()))


def without_nulls(values: pa.Array) -> tuple[pa.Array, Places]:
    """Return the values that are not null, and their rows."""
    if not values.null_count:
        return values, np.arange(len(values))
    return values.drop_null(), np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
