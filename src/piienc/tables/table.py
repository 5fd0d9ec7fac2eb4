"""What all table formats share: a table for reading, a sink for writing, and limits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import pyarrow as pa

    from piienc.core import Spliced
    from piienc.storage.hashing import HashingWriter
    from piienc.tables.csv.block import Block
    from piienc.tables.csv.form import CsvFormat

Made = TypeVar("Made", covariant=True)  # noqa: PLC0105  # it is no name of a user


class UnitSize(Struct, frozen=True):
    """The sizes of units, and the limits of records and row groups; 0 chooses a good size.

    Attributes:
        csv_bytes: bytes of a block.
        parquet_rows: rows of a slice.
        parquet_bytes: bytes of a slice in memory; a single row may have more.
        longest: bytes of the longest record, in input and output.
        row_group: bytes of a row group in memory; a larger one is split.
        decoded: bytes of all rows of a row group together.
    """

    csv_bytes: int = 0
    parquet_rows: int = 0
    parquet_bytes: int = 20 << 20
    longest: int = 64 << 20
    row_group: int = 384 << 20
    decoded: int = 8 << 30


class OpenedTable:
    """A table being read, whose units can be processed in parallel.

    Attributes:
        kind: the name of its format: its row of `TABLE_FORMATS`.
        typed: whether its columns have types; if not, all values are text.
        name: the file's name in error messages.
        columns: the names of its columns, each of them once.
        repeats: of those that the file calls like another before them: their names here and there.
        schema: its Arrow schema, with the file's metadata.
        rows: the number of rows; None if it is unknown before reading.
        int96: the columns that store timestamps as INT96.
        arrow_schema: the file's own entry of an Arrow schema.
    """

    __slots__ = ()

    kind: ClassVar[str]
    typed: ClassVar[bool] = True
    name: str
    columns: list[str]
    repeats: tuple[tuple[str, str], ...] = ()
    schema: pa.Schema
    rows: int | None = None
    int96: frozenset[str] = frozenset()
    arrow_schema: bytes | None = None

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to, once they were read."""
        raise NotImplementedError

    def units(self) -> Iterator[Any]:
        """Cut the file into units, in order.

        Raises:
            InputError: it is not as it should be.
        """
        raise NotImplementedError

    def give(self, unit: Any, work: UnitWork[Made]) -> Made:  # noqa: ANN401  # its own
        """Have the work done that is meant for units of this form: bytes, or a batch."""
        raise NotImplementedError

    def sink(self, writer: HashingWriter, name: str, output: Output) -> Sink:
        """Return a sink of the same format, dialect and layout.

        Args:
            writer: the output.
            name: the file's name, whose suffix may determine the compression.
            output: its columns.

        Raises:
            InputError: the table cannot be written again.
        """
        raise NotImplementedError

    def require_columns(self, expected: Collection[str]) -> None:
        """Refuse unexpected columns if their cause can be explained.

        Args:
            expected: the expected names; empty if unknown.

        Raises:
            InputError: the cause, such as another delimiter.
        """

    def categories(self, name: str) -> pa.Array | None:  # noqa: ARG002  # it has none
        """Return what the values of a dictionary column are taken from; None for all others."""
        return None


class ByteTable(OpenedTable):
    """A table of CSV, whose units stay bytes: blocks, in which the core has found the cells.

    Attributes:
        format: how it is written.
    """

    __slots__ = ()

    format: CsvFormat

    def refuse_longer(self, unit: Block, written: Spliced) -> None:
        """Refuse to write a record that could not be read again.

        Raises:
            InputError: a record has become too long, with the line.
        """
        raise NotImplementedError

    def give(self, unit: Block, work: UnitWork[Made]) -> Made:
        """Have the work done that is meant for bytes."""
        return work.of_block(self, unit)


class BatchTable(OpenedTable):
    """A table whose units are record batches.

    Attributes:
        size: the sizes and limits of units.
    """

    size: UnitSize

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to: rows."""
        return self.rows or 0

    def longer_row(self, written: pa.RecordBatch) -> int | None:  # noqa: ARG002  # any length
        """Return the first row that is too long to be read again; None if there is none."""
        return None

    def give(self, unit: BatchUnit, work: UnitWork[Made]) -> Made:
        """Have the work done that is meant for batches."""
        return work.of_batch(self, unit)


class Output(Struct, frozen=True):
    """The columns of an output.

    Attributes:
        schema: its Arrow schema; None in CSV.
        ciphertext: the columns that are encrypted on the way.
        decrypted: those that are decrypted.
        left_out: those of the source that are not there.
        int96: those of the decrypted whose timestamps were stored as INT96.
        arrow_schema: what a Parquet footer tells beside its own schema, if anything.
        bloom_filters: the encrypted columns that get one, for look-ups.
    """

    schema: pa.Schema = None
    ciphertext: frozenset[str] = frozenset()
    decrypted: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    int96: frozenset[str] = frozenset()
    arrow_schema: bytes | None = None
    bloom_filters: frozenset[str] = frozenset()


class BatchUnit(Struct, frozen=True):
    """A unit that is a record batch."""

    batch: pa.RecordBatch


class UnitWork(Protocol[Made]):
    """What is done to units; called in several threads."""

    def of_block(self, table: ByteTable, unit: Block) -> Made:
        """Do it to records as bytes."""

    def of_batch(self, table: BatchTable, unit: BatchUnit) -> Made:
        """Do it to a record batch."""


class Sink(Protocol):
    """A table being written."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns, as Arrow has them."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the source could not be kept; known once it is closed."""

    def write(self, changed: Any) -> None:  # noqa: ANN401  # a sink's units are those of its source
        """Write what has become of a unit."""

    def close(self) -> None:
        """Write the table's end; the file below stays open."""


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that stand more than once, in alphabetical order."""
    return sorted(name for name, times in Counter(names).items() if times > 1)


def distinct(names: Sequence[str]) -> list[str]:
    """Call a second `a` `a.1`, a third `a.2`, but as no other is called: as pandas does."""
    taken, counts, made = {*names}, dict.fromkeys(names, 0), []
    for name in names:
        new, number = name, counts[name]
        if number:
            while (new := f"{name}.{number}") in taken:
                number += 1
            taken.add(new)
        counts[name] = number + 1
        made.append(new)
    return made
