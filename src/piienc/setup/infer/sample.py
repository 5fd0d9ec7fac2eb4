"""The rows of a sample, column by column; how a CSV file is written is found out."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct

from piienc.checks.text import is_text
from piienc.columns import plain_type, plain_values
from piienc.errors import InputError
from piienc.setup.infer.encoding import find_encoding, told_by
from piienc.setup.infer.looks import count_personal, finders
from piienc.storage import FileSource
from piienc.tables import CsvFormat, opened_table, repeated
from piienc.tables.csv.oddities import DELIMITERS, unnamed
from piienc.tables.streams import Decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from piienc.base.cells import Cells
    from piienc.setup.infer.encoding import DetectedEncoding
    from piienc.tables import BatchUnit, Block, ByteTable, OpenedTable

_HEAD = 1 << 16  # bytes in which the header is looked for
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class DetectedDialect(Struct, frozen=True):
    """How a CSV file is written.

    Attributes:
        delimiter: stands most often in the header.
        times: how often.
        tied: whether another one stands there as often.
        encoding: what it is, or may be.
    """

    delimiter: str
    times: int
    tied: bool
    encoding: DetectedEncoding


def sniff(path: Path, rows: int) -> DetectedDialect:
    """Find out how a CSV file is written.

    Args:
        path: the file.
        rows: that are looked at; 0 for all.

    Raises:
        InputError: it cannot be read.
    """
    with FileSource(path).opened() as file:
        stream = Decompressed(file.reader, file.name)
        start = stream.peek(_HEAD)
        encoding = find_encoding(stream, start, rows)
    text = start.decode(told_by(start) or "latin-1", "ignore")
    header = _QUOTED.sub("", text).partition("\n")[0]
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    delimiter = max(counts, key=lambda mark: counts[mark])
    times = counts[delimiter]
    tied = times > 0 and list(counts.values()).count(times) > 1
    return DetectedDialect(delimiter, times, tied, encoding)


class Sample(Struct):
    """A sample that is being read.

    Attributes:
        names: of its columns.
        types: their Arrow types; None for CSV.
        whole: whether all rows were read, once it was.
    """

    names: list[str]
    types: list[pa.DataType] | None
    whole: bool
    _table: OpenedTable
    _most: int

    def batches(self) -> Iterator[tuple[int, list[pa.Array]]]:
        """Read rows: their number, and each column's values that are not null."""
        left = self._most
        for unit in self._table.units():
            if self._most and not left:
                self.whole = False
                return
            available, columns = self._table.give(unit, _Taking(left if self._most else None))
            count = min(left, available) if self._most else available
            yield count, columns
            left -= count
            if count < available:
                self.whole = False
                return


class _Taking(Struct, frozen=True):
    """Takes rows of a unit: how many it has, and each column's values that are not null.

    Attributes:
        most: rows that are taken at most; None for all.
    """

    most: int | None

    def of_block(self, table: ByteTable, unit: Block) -> tuple[int, list[pa.Array]]:
        """Take them from a block of CSV."""
        records = table.decode(unit)
        count = records.count if self.most is None else min(self.most, records.count)
        columns = [_text(*records.cells(n), count) for n in range(records.columns)]
        return records.count, columns

    def of_batch(self, _: OpenedTable, unit: BatchUnit) -> tuple[int, list[pa.Array]]:
        """Take them from a batch."""
        columns = unit.batch.slice(0, self.most).columns
        return unit.batch.num_rows, [_values(column) for column in columns]


@contextmanager
def opened_sample(path: Path, rows: int, form: CsvFormat) -> Iterator[Sample]:
    """Open a sample.

    Args:
        path: CSV or Parquet.
        rows: that are read at most; 0 for all.
        form: how a CSV file is written.

    Raises:
        InputError: it cannot be read, a column has no name or another's, or the first line
            is no header.
    """
    with FileSource(path).opened() as file, opened_table(file, form) as table:
        _check_names(str(path), table.columns)
        types = [plain_type(kind) for kind in table.schema.types] if table.typed else None
        yield Sample(list(table.columns), types, whole=True, _table=table, _most=rows)


def _check_names(path: str, names: list[str]) -> None:
    if "" in names:
        odd = unnamed(names)
        raise InputError(f"{path}: {odd.what}", hint=odd.remedy)
    if repeated(names):
        raise InputError(
            f"{path}: two columns have one name", hint="give every column a name of its own"
        )
    told = count_personal("", pa.array(names, pa.large_string()))
    if any(not finders()[name].share for name in told):
        raise InputError(
            f"{path}: the first line looks like a row of data, and not like a header",
            hint="the first line must name the columns",
        )


def _text(cells: Cells, rows: np.ndarray, count: int) -> pa.Array:
    """Return the cells of the first rows as text."""
    kept = cells.take(slice(0, int(rows.searchsorted(count))))
    if not len(kept):
        return pa.array([], pa.large_string())
    packed = kept.packed(np.arange(len(kept)))
    offsets = np.append(packed.starts, packed.starts[-1] + packed.lengths[-1])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(packed.data)]
    return pa.Array.from_buffers(pa.large_string(), len(kept), buffers)


def _values(column: pa.Array) -> pa.Array:
    values = plain_values(column).drop_null()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.large_string()) if is_text(values.type) else values
