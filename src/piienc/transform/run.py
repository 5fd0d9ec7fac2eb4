"""One pass over a table: read, change columns and write, in parallel."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from piienc.base.printable import in_words
from piienc.columns import BadCells
from piienc.core import Unwritable
from piienc.errors import InputError
from piienc.lazy import module
from piienc.transform.pipeline import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import pyarrow as pa

    from piienc.core import Spliced, Strings
    from piienc.tables import BatchTable, BatchUnit, Block, ByteTable, OpenedTable, Sink
    from piienc.transform.batches import StoredColumn
    from piienc.transform.plan import TablePlan
    from piienc.transform.proof import Proof
else:
    pa = module("pyarrow")


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


class ChangedUnit(Struct, frozen=True):
    """A processed unit: its size, the data to write, its tally, and the observer's result."""

    size: int
    written: Any
    tally: Tally
    result: object = None


class UnitTransform(Struct, frozen=True):
    """What is done to each unit.

    Attributes:
        plan: what is done to the columns.
        proof: checks each changed unit.
        schema: the Arrow schema of the output; None in CSV.
        observer: sees each unit before it is changed.
    """

    plan: TablePlan
    proof: Proof
    schema: pa.Schema = None
    observer: BatchObserver | None = None

    def of_block(self, table: ByteTable, unit: Block) -> ChangedUnit:
        """Change a block of CSV."""
        with unit.records as records:
            numbers = {name: number for number, name in enumerate(table.columns)}
            cells = {name: unit.column(numbers[name]) for name in self.plan.changed}
            changes = self.plan.apply_to_text(cells)
            tally = Tally(records.count)
            for name, change in changes.items():
                tally.count(name, change.count - change.null_count)
            result = None
            if self.observer:
                from piienc.transform.batches import by_name, text_columns  # noqa: PLC0415  # start-up

                stored = by_name(table, text_columns(table, unit))
                encrypted = {name: changes[name] for name in self.plan.keyed}
                result = self._observed(self.observer, stored, encrypted)
            written = self._written(table, unit, changes, numbers)
            table.refuse_longer(unit, written)
            self.proof.of_block(unit, written, table.format)
            return ChangedUnit(unit.size, written.data, tally, result)

    def _written(
        self,
        table: ByteTable,
        unit: Block,
        changes: Mapping[str, Strings],
        numbers: Mapping[str, int],
    ) -> Spliced:
        omitted = [numbers[name] for name in self.plan.omitted]
        try:
            return unit.spliced({numbers[name]: changes[name] for name in changes}, omitted)
        except Unwritable as refused:
            what = "the value needs quotes, and this file has none"
            hint = "say in the schema what quotes or escapes: [csv] quote, escape"
            if omitted:
                what = (
                    "null in the only column that is not omitted would be an empty line, which "
                    "readers of CSV pass over, and an empty line before it would be null"
                )
                hint = "do not omit another column that always has a value"
            label = f"{table.name}: column {table.columns[refused.column]!r}"
            raise BadCells(InputError, label, [refused.row], what, hint) from None

    def of_batch(self, table: BatchTable, unit: BatchUnit) -> ChangedUnit:
        """Change a record batch."""
        batch = unit.batch
        output = self.plan.apply(batch)
        tally = Tally(batch.num_rows)
        for name in self.plan.changed:
            tally.count(name, batch.num_rows - output.column(name).null_count)
        result = None
        if self.observer:
            from piienc.columns import strings_of  # noqa: PLC0415  # start-up
            from piienc.transform.batches import by_name, typed_columns  # noqa: PLC0415  # start-up

            encrypted = {name: strings_of(output.column(name)) for name in self.plan.keyed}
            stored = by_name(table, typed_columns(table, batch))
            result = self._observed(self.observer, stored, encrypted)
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
        return ChangedUnit(batch.num_rows, replace(unit, batch=changed), tally, result)

    def _observed(
        self,
        observer: BatchObserver,
        stored: Mapping[str, StoredColumn],
        encrypted: Mapping[str, Strings],
    ) -> object:
        """Show a unit to the observer, with what tells its cells apart where encryption knows."""
        for name, treatment in self.plan.keyed.items():
            stored[name].fingerprints = treatment.fingerprints(encrypted[name])
        return observer.observe(stored)


def run(
    source: OpenedTable,
    sink: Sink,
    transform: UnitTransform,
    *,
    threads: int,
    progress: Callable[[int], None],
) -> Tally:
    """Pass a table through its plan.

    Args:
        source: read to its end.
        sink: written and closed; of the source's format.
        transform: what is done to each unit.
        threads: the number of units in parallel.
        progress: called with the number of rows written so far.

    Raises:
        PiiencError: the error of the first unit that failed, with its row in the file.
    """
    tally = Tally()
    with closing(changed(source, transform, tally, threads=threads)) as units:
        for unit in units:
            sink.write(unit)
            progress(tally.rows)
    sink.close()
    return tally


def changed(
    source: OpenedTable, transform: UnitTransform, tally: Tally, *, threads: int
) -> Generator[Any]:
    """Yield what has become of each unit of a table, in order.

    Args:
        source: read to its end.
        transform: what is done to each unit.
        tally: counts what was yielded.
        threads: the number of units in parallel.

    Raises:
        PiiencError: the error of the first unit that failed, with its row in the table.
    """

    def work(unit: object) -> ChangedUnit | BadCells:
        try:
            return source.give(unit, transform)
        except BadCells as bad:
            return bad

    size = 0
    with closing(in_order(source.units(), work, threads)) as results:
        for outcome in results:
            if isinstance(outcome, BadCells):
                raise outcome.located(tally.rows + 1) from None
            if transform.observer is not None:
                transform.observer.merge(outcome.result)
            tally.add(outcome.tally)
            size += outcome.size
            yield outcome.written
    transform.proof.of_whole(source.extent, size)
