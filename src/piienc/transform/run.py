"""One pass over a table: read, change columns, write, all at once."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from piienc.columns import BadCells, cells_of
from piienc.errors import InputError
from piienc.tables import ColumnChange
from piienc.tables.limits import in_words
from piienc.transform.batches import text_columns, typed_columns
from piienc.transform.pipeline import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from piienc.tables import BatchTable, BatchUnit, Block, ByteTable, OpenedTable, Sink
    from piienc.transform.batches import StoredColumn
    from piienc.transform.proof import Proof
    from piienc.transform.steps import ColumnTransform


class Tally(Struct):
    """What went through a pass: rows, and for each changed column its cells and nulls."""

    rows: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)

    def count(self, column: str, cells: int) -> None:
        """Count a column's cells, and its nulls by what is missing to the rows."""
        self.cells[column] += cells
        self.nulls[column] += self.rows - cells

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.rows += other.rows
        self.cells += other.cells
        self.nulls += other.nulls


class Beside(Protocol):
    """Who looks at what passes, as it was before it is changed: a verification."""

    def look(self, stored: Mapping[str, StoredColumn]) -> object:
        """Look at a unit; called in several threads."""

    def merge(self, found: Any) -> None:  # noqa: ANN401  # what `look` has returned
        """Take what was found, in the units' order."""


class _ChangedUnit(Struct, frozen=True):
    """A unit's work: its size, what is to be written, its tally, and what was found in it."""

    size: int
    written: Any
    tally: Tally
    found: object = None


class _UnitTransform(Struct, frozen=True):
    """What is done to each unit: `run`'s arguments, and the output's Arrow schema."""

    steps: Mapping[str, ColumnTransform]
    schema: pa.Schema
    left_out: frozenset[str]
    beside: Beside | None
    proof: Proof

    def of_block(self, table: ByteTable, unit: Block) -> _ChangedUnit:
        """Change a block of CSV."""
        records = table.decode(unit)
        stored = text_columns(table, records)
        tally, changes = Tally(records.count), {}
        numbers = {name: number for number, name in enumerate(table.columns)}
        for name, step in self.steps.items():
            cells, rows = stored[name].cells
            with BadCells.among(rows):
                fields = step.apply_to_cells(cells, records.as_fields)
            changes[numbers[name]] = ColumnChange(rows, fields)
            tally.count(name, len(rows))
            if self.beside:
                stored[name].prints = step.prints(fields.parts)
        found = self.beside.look(stored) if self.beside else None
        dropped = [numbers[name] for name in self.left_out]
        written = records.rewritten(changes, dropped)
        table.refuse_longer(unit, records, written)
        self.proof.of_block(unit, records, written, table.format)
        return _ChangedUnit(unit.size, written.data, tally, found)

    def of_batch(self, table: BatchTable, unit: BatchUnit) -> _ChangedUnit:
        """Change a record batch."""
        batch = unit.batch
        stored = typed_columns(table, batch)
        tally = Tally(batch.num_rows)
        columns = []
        for name, column in zip(table.columns, batch.columns, strict=True):
            if name in self.left_out:
                continue
            made = column
            if name in self.steps:
                made = self.steps[name].apply(column)
                tally.count(name, batch.num_rows - made.null_count)
                if self.beside:
                    cells, _ = cells_of(made)
                    stored[name].prints = self.steps[name].prints([cells])
            columns.append(made)
        found = self.beside.look(stored) if self.beside else None
        changed = pa.RecordBatch.from_arrays(columns, schema=self.schema)
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
        return _ChangedUnit(batch.num_rows, replace(unit, batch=changed), tally, found)


def run(
    source: OpenedTable,
    sink: Sink,
    steps: Mapping[str, ColumnTransform],
    *,
    proof: Proof,
    threads: int,
    progress: Callable[[int], None],
    left_out: frozenset[str] = frozenset(),
    beside: Beside | None = None,
) -> Tally:
    """Pass a table through the steps of its columns.

    Args:
        source: read to its end.
        sink: written and closed; of the source's format.
        steps: by column name; the other columns pass unchanged.
        proof: holds what is made of each unit against it, before it is written.
        threads: how many units are worked on side by side.
        progress: called with the rows that are written so far.
        left_out: columns that are not written.
        beside: who looks at each unit, before it is changed.

    Raises:
        PiiencError: of the first unit that failed, with its place in the file.
    """
    changing = _UnitTransform(steps, sink.schema, left_out, beside, proof)

    def work(unit: object) -> _ChangedUnit | BadCells:
        try:
            return source.give(unit, changing)
        except BadCells as bad:
            return bad

    total, size = Tally(), 0
    with closing(in_order(source.units(), work, threads)) as results:
        for done in results:
            if isinstance(done, BadCells):
                raise done.located(total.rows + 1) from None
            if beside is not None:
                beside.merge(done.found)
            sink.write(done.written)
            total.add(done.tally)
            size += done.size
            progress(total.rows)
    proof.of_whole(source.extent, size)
    sink.close()
    return total
