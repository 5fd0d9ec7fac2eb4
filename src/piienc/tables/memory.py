"""Tables in memory: record batches of one schema, as they come."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import types

from piienc.errors import InputError
from piienc.tables.parquet.categories import merged_categories
from piienc.tables.parquet.slices import SLICE_ROWS, light_parts, together
from piienc.tables.table import BatchTable, BatchUnit, UnitSize, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer


class MemoryTable(BatchTable):
    """A table in memory; its units are read once."""

    kind = "memory"

    def __init__(
        self,
        schema: pa.Schema,
        batches: Iterable[pa.RecordBatch],
        name: str = "table",
        *,
        whole: Sequence[pa.RecordBatch] | None = None,
    ) -> None:
        """Take a table.

        Args:
            schema: of all batches.
            batches: taken one after the other, when their turn comes.
            name: what error messages call the table.
            whole: the batches, where all are there; of a stream, None.

        Raises:
            InputError: two columns are called alike.
        """
        self.name, self.schema, self.size = name, schema, UnitSize()
        self.columns: list[str] = schema.names
        self._batches, self._whole, self._taken = batches, whole, 0
        if twice := repeated(self.columns):
            raise InputError(
                f"{name} has {', '.join(map(repr, twice))} more than once",
                hint="give every column a name of its own",
            )
        if whole is not None:
            self.rows = sum(batch.num_rows for batch in whole)

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to: rows."""
        return self._taken

    def units(self) -> Iterator[BatchUnit]:
        """Cut large batches, and join small ones."""
        waiting: list[pa.RecordBatch] = []
        rows = weight = 0
        for part, heavy in self._parts():
            self._taken += part.num_rows
            if waiting and (
                rows + part.num_rows > SLICE_ROWS or weight + heavy > self.size.parquet_bytes
            ):
                yield from _joined(waiting)
                waiting, rows, weight = [], 0, 0
            waiting.append(part)
            rows, weight = rows + part.num_rows, weight + heavy
        if waiting:
            yield from _joined(waiting)

    def _parts(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        for batch in self._batches:
            for begin in range(0, batch.num_rows, SLICE_ROWS):
                yield from light_parts(
                    batch.slice(begin, SLICE_ROWS), lambda *_: self.size.parquet_bytes
                )

    def hashed(self) -> Callable[[], tuple[int, str]]:
        """Hash the batches as they are taken.

        Returns:
            A function that tells the size and the SHA-256 of what was taken, as an Arrow IPC
            stream.
        """
        digest, size = hashlib.sha256(), 0

        class Stream(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: Buffer, /) -> int:
                nonlocal size
                digest.update(data)
                size += len(memoryview(data))
                return len(memoryview(data))

        writer, batches = pa.ipc.new_stream(Stream(), self.schema), self._batches

        def taken() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                writer.write_batch(batch)
                yield batch

        def facts() -> tuple[int, str]:
            writer.close()
            return size, digest.hexdigest()

        self._batches = taken()
        return facts

    def categories(self, name: str) -> pa.Array | None:
        """Return the categories of a dictionary column; None for any other column.

        A large dictionary without an order is an encoding, and has no categories.

        Raises:
            InputError: they have an order that a stream does not tell beforehand, or one that
                differs between batches.
        """
        kind, label = self.schema.field(name).type, f"{self.name}: column {name!r}"
        if not types.is_dictionary(kind):
            return None
        if self._whole is None:
            if kind.ordered:
                raise InputError(
                    f"{label} has ordered categories, which a stream does not tell beforehand",
                    hint="give the whole table: reader.read_all()",
                )
            return None
        dictionaries = (batch.column(name).dictionary for batch in self._whole)
        return merged_categories(dictionaries, kind, label)


def _joined(batches: list[pa.RecordBatch]) -> Iterator[BatchUnit]:
    """Yield batches as one, or as they are where Arrow cannot join their dictionaries."""
    with contextlib.suppress(pa.ArrowException):
        batches = [together(batches)]
    yield from map(BatchUnit, batches)
