"""One pass over a table: read, change columns, write, all at once."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from piienc.columns import BadCells
from piienc.flow.pipeline import in_order
from piienc.tables import Change, CsvSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from piienc.flow.steps import Step
    from piienc.tables import Block, CsvSink
    from piienc.tables.parquet import ParquetSink, ParquetSource, Slice


@dataclass(slots=True)
class Tally:
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


@dataclass(frozen=True, slots=True)
class _Done:
    """A unit's work: what is to be written, and its tally."""

    written: Any
    tally: Tally


def run(
    source: CsvSource | ParquetSource,
    sink: CsvSink | ParquetSink,
    steps: Mapping[str, Step],
    *,
    threads: int,
    progress: Callable[[int], None],
) -> Tally:
    """Pass a table through the steps of its columns.

    Args:
        source: read to its end.
        sink: written and closed; of the source's format.
        steps: by column name; the other columns pass unchanged.
        threads: how many units are worked on side by side.
        progress: called with the rows that are written so far.

    Raises:
        PiiencError: of the first unit that failed, with its place in the file.
    """
    change: Callable[[Any], _Done] = (
        partial(_change_block, source, steps)
        if isinstance(source, CsvSource)
        else partial(_change_slice, source, steps)
    )

    def work(unit: object) -> _Done | BadCells:
        try:
            return change(unit)
        except BadCells as bad:
            return bad

    total = Tally()
    with closing(in_order(source.units(), work, threads)) as results:
        for done in results:
            if isinstance(done, BadCells):
                raise done.located(total.rows + 1) from None
            sink.write(done.written)
            total.add(done.tally)
            progress(total.rows)
    sink.close()
    return total


def _change_block(source: CsvSource, steps: Mapping[str, Step], unit: Block) -> _Done:
    records = source.decode(unit)
    tally, changes = Tally(records.count), {}
    for name, step in steps.items():
        column = source.columns.index(name)
        cells, rows = records.cells(column)
        with BadCells.among(rows):
            changes[column] = Change(rows, step.apply_to_cells(cells, records.as_fields))
        tally.count(name, len(rows))
    return _Done(records.rewritten(changes), tally)


def _change_slice(source: ParquetSource, steps: Mapping[str, Step], unit: Slice) -> _Done:
    batch = source.decode(unit)
    tally = Tally(batch.num_rows)
    columns, fields = list(batch.columns), list(batch.schema)
    for number, name in enumerate(batch.schema.names):
        if name in steps:
            columns[number] = steps[name].apply(columns[number])
            fields[number] = fields[number].with_type(columns[number].type)
            tally.count(name, batch.num_rows - columns[number].null_count)
    schema = pa.schema(fields, batch.schema.metadata)
    changed = pa.RecordBatch.from_arrays(columns, schema=schema)
    return _Done(replace(unit, batch=changed), tally)
