"""A table's units as record batches: what is checked and compared, whatever the file's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.tables import CsvSource

if TYPE_CHECKING:
    from piienc.cells import Cells, Places
    from piienc.tables import Block, Records
    from piienc.tables.parquet import ParquetSource, Slice


def decoded(table: CsvSource | ParquetSource, unit: Block | Slice) -> pa.RecordBatch:
    """Return a unit's cells as they lie in the file; those of CSV are strings.

    Raises:
        InputError: a record or its bytes are not as they should be, with the line.
    """
    if not isinstance(table, CsvSource):
        return table.decode(unit)  # type: ignore[arg-type]  # a source's units are its own
    return batch_of(table, table.decode(unit))  # type: ignore[arg-type]  # the same


def batch_of(table: CsvSource, records: Records) -> pa.RecordBatch:
    """Return the records of a block of CSV as a batch of strings."""
    columns = [
        _strings(*records.cells(number), records.count) for number in range(len(table.columns))
    ]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _strings(cells: Cells, rows: Places, count: int) -> pa.Array:
    """Make an array of cells of UTF-8, null where no cell is."""
    packed = cells.packed(np.arange(len(cells)))
    lengths = np.zeros(count, np.int64)
    lengths[rows] = packed.lengths
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    validity = None
    if len(rows) < count:
        valid = np.zeros(count, np.bool_)
        valid[rows] = True
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    frames = [validity, pa.py_buffer(offsets), pa.py_buffer(packed.data)]
    return pa.Array.from_buffers(pa.string(), count, frames)
