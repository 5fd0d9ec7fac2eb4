"""One pass over a table: read, change columns, write, all at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from piienc.columns import BadCells
from piienc.flow.pipeline import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from piienc.flow.steps import Step
    from piienc.tables import CsvSink, CsvSource
    from piienc.tables.parquet import ParquetSink, ParquetSource


@dataclass(slots=True)
class Tally:
    """What went through a pass: rows, and for each changed column its cells and nulls."""

    rows: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Done:
    """A unit's work: its encoded rows, or the cells that were bad."""

    encoded: Any
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
        sink: written and closed.
        steps: by column name; the other columns pass unchanged.
        threads: how many units are worked on side by side.
        progress: called with the rows that are written so far.

    Raises:
        PiiencError: of the first unit that failed, with its place in the file.
    """

    def work(unit: Any) -> _Done:  # noqa: ANN401  # a source's units are its own
        batch = source.decode(unit)
        tally = Tally(batch.num_rows)
        try:
            changed = _changed(batch, steps, tally)
        except BadCells as bad:
            return _Done(bad, tally)
        return _Done(sink.encode(changed, unit), tally)

    total = Tally()
    for done in in_order(source.units(), work, threads):
        if isinstance(done.encoded, BadCells):
            raise done.encoded.located(total.rows + 1) from None
        sink.write(done.encoded)
        total.rows += done.tally.rows
        total.cells += done.tally.cells
        total.nulls += done.tally.nulls
        progress(total.rows)
    sink.close()
    return total


def _changed(batch: pa.RecordBatch, steps: Mapping[str, Step], tally: Tally) -> pa.RecordBatch:
    columns, fields = list(batch.columns), list(batch.schema)
    for number, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        if name not in steps:
            continue
        columns[number] = steps[name].apply(column)
        fields[number] = fields[number].with_type(columns[number].type)
        tally.nulls[name] += column.null_count
        tally.cells[name] += len(column) - column.null_count
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, batch.schema.metadata))
