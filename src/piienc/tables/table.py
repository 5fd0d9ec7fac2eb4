"""What all formats of tables have in common: a table that is read, one that is written, limits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pyarrow as pa

    from piienc.storage.hashing import HashingWriter
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.records import Block, Records, Rewritten

Made = TypeVar("Made", covariant=True)  # noqa: PLC0105  # it is no name of a user


class UnitSize(Struct, frozen=True):
    """How large the units are that a table is cut into; 0 is a size that pays.

    Attributes:
        csv_bytes: bytes of a block.
        parquet_rows: rows of a slice.
        parquet_bytes: bytes that the rows of a slice have in memory; a single row may have more.
        longest: bytes of the longest record, in what is read and in what is written.
        row_group: bytes of a row group in memory; what grows beyond is written as several.
        decoded: bytes that all rows of a row group may have together.
    """

    csv_bytes: int = 0
    parquet_rows: int = 0
    parquet_bytes: int = 20 << 20
    longest: int = 64 << 20
    row_group: int = 384 << 20
    decoded: int = 8 << 30


class OpenedTable:
    """A table being read, whose units can be worked on side by side.

    Attributes:
        kind: the name of its format: its row of `TABLE_FORMATS`.
        typed: whether its columns have types of their own; if not, all values are text.
        name: what error messages call the file.
        columns: the names of its columns.
        schema: these as Arrow has them, with all that the file tells of itself as metadata.
        rows: how many there are; None where only reading tells.
        int96: the columns that store timestamps as INT96.
        arrow_schema: what the file keeps of Arrow's own schema.
    """

    __slots__ = ()

    kind: ClassVar[str]
    typed: ClassVar[bool] = True
    name: str
    columns: list[str]
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
        """Return what writes a table of the same format, dialect and layout.

        Args:
            writer: where it goes.
            name: of the file, whose suffix may tell how it is compressed.
            output: its columns.

        Raises:
            InputError: what is read cannot be written again.
        """
        raise NotImplementedError

    def require_columns(self, expected: Collection[str]) -> None:
        """Refuse columns that are others than the expected ones for a reason that can be told.

        Args:
            expected: names; none if nobody knows.

        Raises:
            InputError: there is such a reason.
        """

    def categories(self, name: str) -> pa.Array | None:  # noqa: ARG002  # it has none
        """Return what the values of a dictionary column are taken from; None for all others."""
        return None


class ByteTable(OpenedTable):
    """A table of CSV, whose units stay bytes: the cells are found in them, and put back.

    `decode` finds the cells of a block, `Records.cells` gives a column's, and `Records.rewritten`
    puts the block together around those that have changed.

    Attributes:
        format: how it is written.
    """

    __slots__ = ()

    format: CsvFormat

    def decode(self, unit: Block) -> Records:
        """Find the fields of a block.

        Raises:
            InputError: a record or its bytes are not as they should be, with the line.
        """
        raise NotImplementedError

    def refuse_longer(self, unit: Block, records: Records, written: Rewritten) -> None:
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
        size: how large units are, and what is too large.
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
        schema: its Arrow schema.
        ciphertext: the columns that are encrypted on the way.
        decrypted: those that are decrypted.
        left_out: those of the source that are not there.
        int96: those of the decrypted whose timestamps were stored as INT96.
        arrow_schema: what a Parquet footer tells beside its own schema, if anything.
    """

    schema: pa.Schema
    ciphertext: frozenset[str] = frozenset()
    decrypted: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    int96: frozenset[str] = frozenset()
    arrow_schema: bytes | None = None


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


def in_words(size: int) -> str:
    """Return a number of bytes as messages tell it."""
    for unit, name in ((30, "GiB"), (20, "MiB")):
        if size >= 1 << unit:
            return f"{size / (1 << unit):.4g} {name}"
    return f"{size:,} bytes"
