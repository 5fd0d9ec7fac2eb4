"""One pass over a table: read, change columns and write, in parallel."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from piienc.columns import BadCells, cells_of
from piienc.errors import InputError
from piienc.tables import in_words
from piienc.transform.batches import by_name, text_columns, typed_columns
from piienc.transform.pipeline import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from piienc.base.cells import Cells
    from piienc.tables import BatchTable, BatchUnit, Block, ByteTable, OpenedTable, Sink
    from piienc.transform.batches import StoredColumn
    from piienc.transform.plan import Plan
    from piienc.transform.proof import Proof


class Tally(Struct):
    """The counts of a pass: rows, and cells and nulls of each changed column."""

    rows: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)

    def count(self, column: str, cells: int) -> None:
        """Count a column's cells; all other rows are nulls."""
        self.cells[column] += cells
        self.nulls[column] += self.rows - cells

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.rows += other.rows
        self.cells += other.cells
        self.nulls += other.nulls


class BatchObserver(Protocol):
    """Sees each unit before it is changed: a verification."""

    def observe(self, stored: Mapping[str, StoredColumn]) -> object:
        """Inspect a unit; called in several threads."""

    def merge(self, result: Any) -> None:  # noqa: ANN401  # what `observe` has returned
        """Take a result, in the units' order."""


class _ChangedUnit(Struct, frozen=True):
    """A processed unit: its size, the data to write, its tally, and the observer's result."""

    size: int
    written: Any
    tally: Tally
    result: object = None


class _UnitTransform(Struct, frozen=True):
    """What is done to each unit: `run`'s arguments, and the output's Arrow schema."""

    plan: Plan
    schema: pa.Schema
    observer: BatchObserver | None
    proof: Proof

    def of_block(self, table: ByteTable, unit: Block) -> _ChangedUnit:
        """Change a block of CSV."""
        records = table.decode(unit)
        stored = by_name(table, text_columns(table, records))
        changes = self.plan.apply_to_cells(stored, records.as_fields)
        tally = Tally(records.count)
        for name, change in changes.items():
            tally.count(name, len(change.rows))
        encrypted = {name: changes[name].fields.parts for name in self.plan.keyed}
        result = self._observed(stored, encrypted)
        numbers = {name: number for number, name in enumerate(table.columns)}
        written = records.rewritten(
            {numbers[name]: change for name, change in changes.items()},
            [numbers[name] for name in self.plan.omitted],
        )
        self._refuse_empty_lines(table, stored)
        table.refuse_longer(unit, records, written)
        self.proof.of_block(unit, records, written, table.format)
        return _ChangedUnit(unit.size, written.data, tally, result)

    def _refuse_empty_lines(self, table: ByteTable, stored: Mapping[str, StoredColumn]) -> None:
        """Refuse to omit all columns but one that holds null: its line would be empty.

        CSV readers skip empty lines, so the receiver would get fewer rows.
        """
        columns = [name for name in table.columns if name not in self.plan.omitted]
        if self.plan.omitted and len(columns) == 1 and stored[columns[0]].null_count:
            _, rows = stored[columns[0]].cells
            raise BadCells(
                InputError,
                f"{table.name}: column {columns[0]!r}",
                np.setdiff1d(np.arange(stored[columns[0]].count), rows).tolist(),
                "null in the only column that is not omitted would be an empty line, which "
                "readers of CSV pass over",
                hint="do not omit another column that always has a value",
            )

    def of_batch(self, table: BatchTable, unit: BatchUnit) -> _ChangedUnit:
        """Change a record batch."""
        batch = unit.batch
        output = self.plan.apply(batch)
        tally = Tally(batch.num_rows)
        for name in self.plan.changed:
            tally.count(name, batch.num_rows - output.column(name).null_count)
        result = None
        if self.observer:
            encrypted = {name: [cells_of(output.column(name))[0]] for name in self.plan.keyed}
            result = self._observed(by_name(table, typed_columns(table, batch)), encrypted)
        changed = pa.RecordBatch.from_arrays(output.columns, schema=self.schema)
        if (long := table.longer_row(changed)) is not None:
            limit = in_words(table.size.longest)
            raise BadCells(
                InputError,
                table.name,
                [long],
                f"longer than {limit} when it is written, and could not be read again",
                hint="shorten its longest values: encrypted as text, a value is a third longer",
            )
        self.proof.of_slice(batch, changed)
        return _ChangedUnit(batch.num_rows, replace(unit, batch=changed), tally, result)

    def _observed(
        self, stored: Mapping[str, StoredColumn], encrypted: Mapping[str, Iterable[Cells]]
    ) -> object:
        """Show a unit to the observer, with fingerprints of its encrypted cells, if any."""
        if self.observer is None:
            return None
        for name, treatment in self.plan.keyed.items():
            stored[name].fingerprints = treatment.fingerprints(encrypted[name])
        return self.observer.observe(stored)


def run(
    source: OpenedTable,
    sink: Sink,
    plan: Plan,
    *,
    proof: Proof,
    threads: int,
    progress: Callable[[int], None],
    observer: BatchObserver | None = None,
) -> Tally:
    """Pass a table through its plan.

    Args:
        source: read to its end.
        sink: written and closed; of the source's format.
        plan: what is done to its columns.
        proof: checks each processed unit before it is written.
        threads: the number of units in parallel.
        progress: called with the number of rows written so far.
        observer: sees each unit before it is changed.

    Raises:
        PiiencError: the error of the first unit that failed, with its row in the file.
    """
    changing = _UnitTransform(plan, sink.schema, observer, proof)

    def work(unit: object) -> _ChangedUnit | BadCells:
        try:
            return source.give(unit, changing)
        except BadCells as bad:
            return bad

    total, size = Tally(), 0
    with closing(in_order(source.units(), work, threads)) as results:
        for outcome in results:
            if isinstance(outcome, BadCells):
                raise outcome.located(total.rows + 1) from None
            if observer is not None:
                observer.merge(outcome.result)
            sink.write(outcome.written)
            total.add(outcome.tally)
            size += outcome.size
            progress(total.rows)
    proof.of_whole(source.extent, size)
    sink.close()
    return total
