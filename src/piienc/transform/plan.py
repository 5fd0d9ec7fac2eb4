"""The plan of a table: what is done to each of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.columns import BadCells
from piienc.errors import ConfigError
from piienc.tables import ColumnChange
from piienc.transform.place import ColumnPlace
from piienc.transform.treatments import TREATMENTS
from piienc.transform.treatments.keyed import KeyedTreatment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.tables import OpenedTable
    from piienc.transform.batches import StoredColumn
    from piienc.transform.treatments.treatment import AsFields, Treatment, TreatmentContext


class Plan:
    """What is done to each column of a table: `{column: treatment}`; all others are kept.

    It is independent of files: `apply` turns a record batch into a record batch, and may be called
    in several threads at once. `apply_to_cells` does the same for the cells of CSV.

    Attributes:
        changed: the treatments of the columns that are written, by column.
        keyed: the treatments among them that use a key.
        omitted: the columns that are not written.
        schema: the Arrow schema of what `apply` returns.
    """

    def __init__(self, schema: pa.Schema, treatments: Mapping[str, Treatment]) -> None:
        """Take the Arrow schema of the input, and treatments by column."""
        self.changed = {name: each for name, each in treatments.items() if each.field is not None}
        self.keyed = {
            name: each for name, each in treatments.items() if isinstance(each, KeyedTreatment)
        }
        self.omitted = frozenset(treatments) - frozenset(self.changed)
        fields = [
            self.changed[field.name].field if field.name in self.changed else field
            for field in schema
            if field.name not in self.omitted
        ]
        self.schema = pa.schema(fields, schema.metadata)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with its columns treated.

        Raises:
            BadCells: some cannot be; with their rows in the batch.
        """
        columns = [
            self.changed[name].apply(column) if name in self.changed else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
            if name not in self.omitted
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def apply_to_cells(
        self, stored: Mapping[str, StoredColumn], as_fields: AsFields
    ) -> dict[str, ColumnChange]:
        """Treat the cells of CSV records; return the results by changed column.

        Args:
            stored: the columns of the records.
            as_fields: quotes cells where CSV needs it.

        Raises:
            BadCells: some cannot be treated; with their rows in the block.
        """
        changes = {}
        for name, treatment in self.changed.items():
            cells, rows = stored[name].cells
            with BadCells.among(rows):
                changes[name] = ColumnChange(rows, treatment.apply_to_cells(cells, as_fields))
        return changes


def plan_of(table: OpenedTable, chosen: Mapping[str, str], context: TreatmentContext) -> Plan:
    """Make the plan of an open table.

    Args:
        table: the table.
        chosen: the names of treatments by column; the table need not have these columns.
        context: prepares the treatments.

    Raises:
        ConfigError: no column would be left.
        KeyAccessError: a key is missing or locked.
        InputError: a treatment does not support a column's type.
        AuthenticationError: a file's record of a column is not authentic.
    """
    treatments = {
        name: TREATMENTS[kind].prepare(ColumnPlace.of(table, name), context)
        for name, kind in chosen.items()
        if name in table.columns
    }
    plan = Plan(table.schema, treatments)
    if plan.omitted == {*table.columns}:
        raise ConfigError(
            f"{table.name}: all columns are to be omitted", hint="leave one in, at the least"
        )
    return plan
