"""A Parquet file as a model: what its cells are, and how they are written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq
from pyarrow import types

from differential.case import Column, Run, schema_of
from differential.readers import write_parquet_by

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ParquetColumn(Column):
    """A column of Parquet.

    Attributes:
        kind: its Arrow type.
        facts: the field's metadata.
        nullable: whether it may hold nulls.
    """

    kind: pa.DataType = pa.string()  # noqa: RUF009  # it does not change
    facts: tuple[tuple[str, str], ...] = ()
    nullable: bool = True


@dataclass(frozen=True)
class ParquetCase:
    """A Parquet file, and how it is run.

    Attributes:
        columns: in order.
        rows: each as many values as there are columns, as `array_of` takes them.
        group: rows of a row group.
        codec: how all columns are compressed, but every third one by `other_codec`.
        other_codec: see there.
        dictionary: whether columns are written with a dictionary.
        version: of the format.
        page_version: of the data pages.
        statistics: whether they are written.
        page_index: likewise.
        arrow_schema: whether the footer has Arrow's own schema.
        page: bytes of a data page.
        writer: the program that writes the file, if it can: pyarrow, DuckDB or polars.
        facts: the footer's metadata.
        run: how it is run.
    """

    columns: tuple[ParquetColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    group: int = 1 << 20
    codec: str = "snappy"
    other_codec: str = "snappy"
    dictionary: bool = True
    version: str = "2.6"
    page_version: str = "1.0"
    statistics: bool = True
    page_index: bool = False
    arrow_schema: bool = True
    page: int = 1 << 20
    writer: str = "pyarrow"
    facts: tuple[tuple[str, str], ...] = ()
    run: Run = field(default=Run())

    @property
    def schema(self) -> str:
        """The schema, as TOML."""
        return schema_of(self.columns, {}, finders=self.run.finders)

    @property
    def marked(self) -> list[int]:
        """The numbers of the marked columns."""
        return [number for number, column in enumerate(self.columns) if column.mark]

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def settings(self) -> list[str]:
        """The names of what can be made plainer."""
        return [name for name in vars(self) if name not in ("columns", "rows", "run")]

    def without_rows(self, gone: range) -> ParquetCase:
        """Return the case with fewer rows."""
        rows = tuple(row for number, row in enumerate(self.rows) if number not in gone)
        return replace(self, rows=rows)

    def without_column(self, number: int) -> ParquetCase:
        """Return the case without a column."""
        columns = self.columns[:number] + self.columns[number + 1 :]
        rows = tuple(row[:number] + row[number + 1 :] for row in self.rows)
        run = replace(self.run, only=None, omitted=None)
        return replace(self, columns=columns, rows=rows, run=run)

    def table(self) -> pa.Table:
        """Return the table."""
        arrays = [
            array_of(column.kind, [row[number] for row in self.rows])
            for number, column in enumerate(self.columns)
        ]
        fields = [
            pa.field(column.name, column.kind, column.nullable, dict(column.facts) or None)
            for column in self.columns
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, dict(self.facts) or None))

    def save(self, path: Path) -> None:
        """Write the file."""
        if self.writer != "pyarrow":
            # DuckDB and polars do not know all types, and pyarrow reads not all that they write.
            with suppress(Exception):
                write_parquet_by(self.writer, self.table(), path, self.group)
                pq.read_table(path)
                return
        self._save_by_arrow(self.table(), path)

    def _save_by_arrow(self, table: pa.Table, path: Path) -> None:
        codecs = {
            column.name: self.other_codec if number % 3 == 2 else self.codec
            for number, column in enumerate(self.columns)
            if not types.is_nested(column.kind)
        }
        with pq.ParquetWriter(
            path,
            table.schema,
            compression=self.codec if self.codec == self.other_codec else codecs,
            use_dictionary=self.dictionary,
            version=self.version,
            data_page_version=self.page_version,
            data_page_size=self.page,
            write_statistics=self.statistics,
            write_page_index=self.page_index,
            store_schema=self.arrow_schema,
            # The older ones have no nanoseconds.
            coerce_timestamps=None if self.version == "2.6" else "us",
            allow_truncated_timestamps=self.version != "2.6",
        ) as writer:
            for begin in range(0, max(1, self.count), self.group):
                writer.write_table(table.slice(begin, self.group), row_group_size=self.group)


_INTEGERS = (types.is_timestamp, types.is_duration, types.is_date64, types.is_time64)


def array_of(kind: pa.DataType, values: list[Any]) -> pa.Array:
    """Make an array; dates, times and durations are given as the integers that they are."""
    if types.is_dictionary(kind):
        plain = array_of(kind.value_type, values).dictionary_encode()
        indices = plain.indices.cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, plain.dictionary, ordered=kind.ordered)
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, array_of(kind.storage_type, values))
    if any(fits(kind) for fits in _INTEGERS):
        return pa.array(values, pa.int64()).cast(kind)
    if types.is_date32(kind) or types.is_time32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if types.is_float16(kind):
        return pa.array([None if v is None else np.float16(v) for v in values], kind)
    return pa.array(values, kind)
