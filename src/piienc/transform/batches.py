"""A table's units, column by column: what is checked and compared, whatever the file's format.

Expensive parts are computed on first use: a column that is only decrypted needs no array of its
cells, and one that is only searched needs no positions of its nulls.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from piienc.base.cells import numpy_of
from piienc.columns import array_of, plain_values, strings_of, to_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.base.cells import Places
    from piienc.columns import Fingerprints
    from piienc.core import Strings
    from piienc.tables import BatchUnit, Block, OpenedTable


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
    def strings(self) -> Strings:
        """The cells as text or bytes."""

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

    def __init__(self, block: Block, number: int) -> None:
        self._block, self._number = block, number
        self.count = block.records.count

    @property
    def null_count(self) -> int:
        """How many cells are null."""
        return self.strings.null_count

    @property
    def strings(self) -> Strings:
        """The cells."""
        return self._block.column(self._number)

    @cached_property
    def dense(self) -> tuple[pa.Array, Places]:
        """The values that are not null, and their rows."""
        return without_nulls(self.array)

    @cached_property
    def array(self) -> pa.Array:
        """All values, nulls included."""
        return array_of(self.strings, text=True, large=False)


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
    def strings(self) -> Strings:
        """The cells as text or bytes."""
        return strings_of(to_cells(self.array, self._label))

    @cached_property
    def dense(self) -> tuple[pa.Array, Places]:
        """The values that are not null, and their rows."""
        return without_nulls(self.array)


class _Decoding:
    """Makes columns of units."""

    def of_block(self, table: OpenedTable, unit: Block) -> Sequence[StoredColumn]:
        """Take the columns of a block."""
        return text_columns(table, unit)

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


def text_columns(table: OpenedTable, block: Block) -> list[StoredColumn]:
    """Return the columns of a block."""
    return [TextColumn(block, number) for number in range(len(table.columns))]


def typed_columns(table: OpenedTable, batch: pa.RecordBatch) -> list[StoredColumn]:
    """Return the columns of a batch."""
    return [
        TypedColumn(array, f"{table.name}: column {name!r}")
        for name, array in zip(table.columns, batch.columns, strict=True)
    ]


def comparable(array: pa.Array, label: str) -> Strings:
    """Return cells that are equal where values are.

    Values of nested types are compared as Python writes them.

    Raises:
        InputError: a value has no text: a year over 9999, say.
    """
    if not pa.types.is_nested(array.type):
        return strings_of(to_cells(array, label))
    written = [None if value is None else repr(value) for value in array.to_pylist()]
    return strings_of(pa.array(written, pa.large_string()))


def without_nulls(values: pa.Array) -> tuple[pa.Array, Places]:
    """Return the values that are not null, and their rows."""
    if not values.null_count:
        return values, np.arange(len(values))
    return values.drop_null(), np.flatnonzero(numpy_of(values.is_valid()))
