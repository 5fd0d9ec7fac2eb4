"""Parquet, read and written row group by row group, with what belongs to the file kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet as pq

from piienc.errors import InputError
from piienc.tables.streams import not_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.hashing import HashingWriter

_BATCH_ROWS = 1 << 16


class Slice(Struct, frozen=True):
    """Some rows of a row group, and whether they are its last."""

    batch: pa.RecordBatch
    ends_group: bool


class ParquetSource:
    """A Parquet file being read.

    Attributes:
        name: what error messages call the file.
        columns: the names of its top-level columns.
        schema: its Arrow schema, metadata included.
    """

    def __init__(self, file: BinaryIO, name: str, slice_rows: int = 0) -> None:
        """Open a file and read its footer.

        Args:
            file: seekable.
            name: what error messages call it.
            slice_rows: rows of a slice; 0 for as many as pay.

        Raises:
            InputError: it is no Parquet file, or names a column twice.
        """
        self.name, self._slice_rows = name, slice_rows or _BATCH_ROWS
        try:
            self._file = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise not_parquet(name) from error
        self.schema: pa.Schema = self._file.schema_arrow
        self.columns: list[str] = self.schema.names
        twice = sorted({column for column in self.columns if self.columns.count(column) > 1})
        if twice:
            raise InputError(
                f"{name} has {', '.join(map(repr, twice))} more than once",
                hint="give every column a name of its own",
            )

    def units(self) -> Iterator[Slice]:
        """Read slices of row groups, in order.

        Raises:
            InputError: the file is damaged.
        """
        for number in range(self._file.num_row_groups):
            left = self._file.metadata.row_group(number).num_rows
            if not left:
                yield Slice(self._no_rows(), ends_group=True)
            batches = self._file.iter_batches(self._slice_rows, row_groups=[number])
            while left:
                try:
                    batch = next(batches)
                except (pa.ArrowException, OSError, StopIteration) as error:
                    raise not_parquet(self.name) from error
                left -= batch.num_rows
                yield Slice(batch, not left)

    def _no_rows(self) -> pa.RecordBatch:
        none = [pa.array([], field.type) for field in self.schema]
        return pa.RecordBatch.from_arrays(none, schema=self.schema)

    @property
    def rows(self) -> int:
        """The number of rows, by the file's footer."""
        return int(self._file.metadata.num_rows)

    def decode(self, unit: Slice) -> pa.RecordBatch:
        """Return the slice's rows."""
        return unit.batch

    def writer_options(
        self, ciphertext: frozenset[str], left_out: frozenset[str] = frozenset()
    ) -> dict[str, object]:
        """Return how the file was written, as `ParquetWriter` takes it.

        Args:
            ciphertext: top-level columns, not worth a dictionary.
            left_out: top-level columns that the output does not have.
        """
        meta = self._file.metadata
        if not meta.num_row_groups:
            return {}
        group = meta.row_group(0)
        all_chunks = [group.column(number) for number in range(group.num_columns)]
        chunks = [c for c in all_chunks if c.path_in_schema.split(".")[0] not in left_out]
        dictionaries = [
            chunk.path_in_schema
            for chunk in chunks
            if chunk.has_dictionary_page and chunk.path_in_schema.split(".")[0] not in ciphertext
        ]
        return {
            "compression": {chunk.path_in_schema: _codec(chunk.compression) for chunk in chunks},
            "use_dictionary": dictionaries or False,
            "write_statistics": [c.path_in_schema for c in chunks if c.is_stats_set] or False,
        }


class ParquetSink:
    """A Parquet file being written, in the row groups of its source."""

    def __init__(
        self, stream: HashingWriter, schema: pa.Schema, options: dict[str, object]
    ) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(pa.PythonFile(stream, "w"), schema, **options)
        self._group: list[pa.RecordBatch] = []

    def write(self, part: Slice) -> None:
        """Collect a slice, and write the row group that it ends."""
        self._group.append(part.batch)
        if part.ends_group:
            table = pa.Table.from_batches(self._group, self._schema).unify_dictionaries()
            self._group = []
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        """Write the footer; the file below stays open."""
        self._writer.close()


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name
