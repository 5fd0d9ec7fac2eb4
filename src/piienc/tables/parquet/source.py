"""Parquet, read and written row group by row group, with what belongs to the file kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
from pyarrow import parquet as pq
from pyarrow import types

from piienc.errors import InputError
from piienc.tables.parquet.categories import merged_categories
from piienc.tables.parquet.footer import damaged, read_footer
from piienc.tables.parquet.int96 import exact_unit
from piienc.tables.parquet.layout import layout
from piienc.tables.parquet.metadata import ARROW_SCHEMA
from piienc.tables.parquet.slices import LONG, SLICE_ROWS, RowGroups, Slice, first_longer, weight_of
from piienc.tables.table import BatchTable, UnitSize, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.storage.hashing import HashingWriter
    from piienc.tables.parquet.footer import Footer
    from piienc.tables.parquet.layout import Layout
    from piienc.tables.table import Output


class ParquetSource(BatchTable):
    """A Parquet file being read.

    Its columns are the top-level ones. An INT96 at any depth counts for its column.

    Attributes:
        footer: its footer.
    """

    kind = "parquet"

    def __init__(self, file: BinaryIO, name: str, units: UnitSize = UnitSize()) -> None:
        """Open a seekable file and read its footer.

        Raises:
            InputError: it cannot be read exactly, or names a column twice.
        """
        self.name, self.size, self._source = name, units, file
        self.footer = read_footer(file, name)
        self.arrow_schema = self.footer.metadata.get(ARROW_SCHEMA)
        self._file = open_parquet(file, name)
        int96 = [leaf.path for leaf in self.footer.leaves if leaf.physical == "INT96"]
        self.int96 = frozenset(path[0] for path in int96)
        if int96:
            self._file = open_parquet(file, name, exact_unit(file, name, int96))
        self.schema = _with_all_metadata(self._file.schema_arrow, self.footer)
        self.columns: list[str] = self.schema.names
        if twice := repeated(self.columns):
            raise InputError(
                f"{name} has {', '.join(map(repr, twice))} more than once",
                hint="give every column a name of its own",
            )
        self.rows = self._counted()

    def _counted(self) -> int:
        facts = self._file.metadata
        rows = sum(int(facts.row_group(each).num_rows) for each in range(facts.num_row_groups))
        if facts.num_rows not in {0, rows}:  # some writers leave it at 0
            raise InputError(
                f"{self.name}: its footer counts {facts.num_rows:,} rows, and its row groups "
                f"{rows:,}",
                hint="the file is damaged, or its writer is wrong: make the export again",
            )
        return rows

    def units(self) -> Iterator[Slice]:
        """Read slices of row groups, in order.

        Raises:
            InputError: the file is damaged, or what a row or a row group holds is too large.
        """
        groups = RowGroups(self._source, self._file, self.footer, self.name, self.size)
        try:
            yield from groups.slices()
        except (pa.ArrowException, OSError) as error:
            raise damaged(self.name) from error

    def categories(self, name: str) -> pa.Array | None:
        """Return the categories of a dictionary column; None for any other column.

        A large dictionary without an order is an encoding, and has no categories.

        Raises:
            InputError: the file is damaged, or its row groups contradict each other.
        """
        kind = self.schema.field(name).type
        if not types.is_dictionary(kind):
            return None
        batches = self._file.iter_batches(SLICE_ROWS, columns=[name])
        dictionaries = (batch.column(name).dictionary for batch in batches)
        try:
            return merged_categories(dictionaries, kind, f"{self.name}: column {name!r}")
        except (pa.ArrowException, OSError) as error:
            raise damaged(self.name) from error

    def longer_row(self, written: pa.RecordBatch) -> int | None:
        """Return the first row that is too long to be read again; None if there is none."""
        return first_longer(written, self.size.longest)

    def sink(self, writer: HashingWriter, name: str, output: Output) -> ParquetSink:  # noqa: ARG002  # it is compressed inside
        """Return what writes a file in these row groups and this layout."""
        return ParquetSink(writer, output, self.layout(output), self.size)

    def layout(self, output: Output) -> Layout:
        """Return how an output is written: as this file is, as far as that can be kept.

        Raises:
            InputError: Arrow reads this file's types, but does not write them.
        """
        try:
            return layout(self.footer, self._file.schema_arrow, output)
        except pa.ArrowException as error:
            raise InputError(
                f"{self.name}: Arrow reads its types, but cannot write them",
                hint="leave out structs without fields, or write the file otherwise",
            ) from error


class ParquetSink:
    """A Parquet file being written, in the row groups of its source.

    Attributes:
        schema: its Arrow schema.
    """

    def __init__(
        self,
        stream: HashingWriter,
        output: Output,
        layout_: Layout,
        units: UnitSize = UnitSize(),
    ) -> None:
        self.schema, self._units = output.schema, units
        self._layout = layout_
        self._writer = pq.ParquetWriter(
            pa.PythonFile(stream, "w"),
            output.schema,
            **layout_.options,
        )
        keys = dict(output.schema.metadata or {})
        if output.arrow_schema is not None:
            keys[ARROW_SCHEMA] = output.arrow_schema
        if keys:
            self._writer.add_key_value_metadata(keys)
        self._group: list[pa.RecordBatch] = []
        self._weight = 0

    def write(self, part: Slice) -> None:
        """Collect a slice, and write the row group that it ends, or that has become too large."""
        weight = weight_of(part.batch)
        most = self._units.row_group
        if weight > LONG * part.batch.num_rows:
            # Arrow makes no pages of fewer than 1,024 values: of long ones, it holds all once more
            # as they are, and once more compressed.
            most //= 3
        if self._group and self._weight + weight > most:
            self._write_group()
        self._group.append(part.batch)
        self._weight += weight
        if part.ends_group:
            self._write_group()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._group, self.schema).unify_dictionaries()
        self._group, self._weight = [], 0
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        """Write the footer; the file below stays open."""
        self._writer.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the source could not be kept; known once the sink is closed."""
        footer = io.BytesIO()
        self._writer.writer.metadata.write_metadata_file(footer)
        return self._layout.warnings(read_footer(footer, ""))


def open_parquet(file: BinaryIO, name: str, int96_unit: str | None = None) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return pq.ParquetFile(
            file,
            buffer_size=1 << 20,
            pre_buffer=False,
            page_checksum_verification=True,
            coerce_int96_timestamp_unit=int96_unit,
        )
    except (pa.ArrowException, OSError) as error:
        raise damaged(name) from error


def _with_all_metadata(schema: pa.Schema, footer: Footer) -> pa.Schema:
    """Return the schema with what Arrow leaves out where the footer has a schema of its own."""
    metadata = {**(schema.metadata or {}), **footer.metadata}
    metadata.pop(ARROW_SCHEMA, None)
    return schema.with_metadata(metadata)
