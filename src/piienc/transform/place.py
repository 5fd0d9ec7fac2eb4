"""A column of an input table, as its treatment needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc import columns
from piienc.lazy import module

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.tables import OpenedTable
else:
    pa = module("pyarrow")


class ColumnPlace(Struct, frozen=True):
    """A column of a table.

    Attributes:
        name: its name.
        label: what error messages call it.
        stored: its Arrow field; None in CSV, whose values are all text.
        physical: how Parquet stores it, where its Arrow type does not tell: INT96.
    """

    name: str
    label: str
    stored: pa.Field | None = None
    physical: str | None = None

    @classmethod
    def of(cls, table: OpenedTable, name: str) -> ColumnPlace:
        """Return a column of an open table."""
        label = f"{table.name}: column {name!r}"
        if not table.typed:
            return cls(name, label)
        physical = "INT96" if name in table.int96 else None
        return cls(name, label, table.schema.field(name), physical)

    @property
    def typed(self) -> bool:
        """Whether its values have types."""
        return self.stored is not None

    @property
    def field(self) -> pa.Field:
        """Its Arrow field."""
        return pa.field(self.name, pa.string()) if self.stored is None else self.stored

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type."""
        return self.field.type

    @property
    def plain_type(self) -> pa.DataType:
        """The type in which its values are looked at."""
        return columns.plain_type(self.type)

    def none(self) -> pa.Array:
        """Return an empty array of its type, to derive the output type."""
        return pa.nulls(0, self.type)
