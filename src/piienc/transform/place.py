"""A column of an input table, as its treatment needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec import Struct

from piienc.columns import plain_type

if TYPE_CHECKING:
    from piienc.tables import OpenedTable


class ColumnPlace(Struct, frozen=True):
    """A column of a table.

    Attributes:
        label: what error messages call it.
        field: its Arrow field.
        typed: whether its values have types; CSV values are all text.
        physical: INT96 if Parquet stores it so, which the Arrow type does not show.
    """

    label: str
    field: pa.Field
    typed: bool = True
    physical: str | None = None

    @classmethod
    def of(cls, table: OpenedTable, name: str) -> ColumnPlace:
        """Return a column of an open table."""
        physical = "INT96" if name in table.int96 else None
        label = f"{table.name}: column {name!r}"
        return cls(label, table.schema.field(name), table.typed, physical)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.field.name)

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type."""
        return self.field.type

    @property
    def plain_type(self) -> pa.DataType:
        """The type of its plain values."""
        return plain_type(self.type)

    def none(self) -> pa.Array:
        """Return an empty array of its type, to derive the output type."""
        return pa.array([], self.type)
