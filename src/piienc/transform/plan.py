"""The plan of a table: what is done to each of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import ConfigError
from piienc.lazy import module
from piienc.transform.place import ColumnPlace
from piienc.transform.treatments import TREATMENTS
from piienc.transform.treatments.encrypt import Encryption
from piienc.transform.treatments.keyed import KeyedTreatment

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from piienc.core import Strings
    from piienc.tables import OpenedTable
    from piienc.transform.treatments.treatment import Treatment, TreatmentContext
else:
    pa = module("pyarrow")


class TablePlan:
    """What is done to each column of a table: `{column: treatment}`; all others are kept.

    It knows no file: `apply` is a function from record batch to record batch, and may be called in
    several threads at once. `apply_to_text` does the same where the cells are those of CSV.

    Attributes:
        changed: the treatments of the columns that are written, by column.
        keyed: the treatments among them that use a key.
        sealed: the treatments among those that encrypt.
        omitted: the columns that are not written.
    """

    def __init__(self, treatments: Mapping[str, Treatment]) -> None:
        """Take the treatments of some columns."""
        self.changed = {name: each for name, each in treatments.items() if not each.omits}
        self.keyed = {
            name: each for name, each in treatments.items() if isinstance(each, KeyedTreatment)
        }
        self.sealed = {n: each for n, each in self.keyed.items() if isinstance(each, Encryption)}
        self.omitted = frozenset(treatments) - frozenset(self.changed)

    def schema_of(self, schema: pa.Schema) -> pa.Schema:
        """Return the Arrow schema of what `apply` makes of batches of a schema."""
        fields = [
            self.changed[field.name].field if field.name in self.changed else field
            for field in schema
            if field.name not in self.omitted
        ]
        return pa.schema(fields, schema.metadata)

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
        return pa.RecordBatch.from_arrays(columns, schema=self.schema_of(batch.schema))

    def apply_to_text(self, columns: Mapping[str, Strings]) -> dict[str, Strings]:
        """Return what becomes of the changed columns of CSV records.

        Args:
            columns: the cells of each changed column, as UTF-8.

        Raises:
            BadCells: some cannot be treated; with their rows in the block.
        """
        return {name: each.apply_to_text(columns[name]) for name, each in self.changed.items()}


def plan_of(table: OpenedTable, chosen: Mapping[str, str], context: TreatmentContext) -> TablePlan:
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
    plan = TablePlan(treatments)
    if plan.omitted == {*table.columns}:
        raise ConfigError(
            f"{table.name}: all columns are to be omitted", hint="leave one in, at the least"
        )
    return plan
