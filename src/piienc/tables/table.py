"""What all formats of tables have in common: a table that is read, and one that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from piienc.storage.hashing import HashingWriter
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.records import Block, Records, Rewritten
    from piienc.tables.limits import UnitSize
    from piienc.tables.parquet.output import Output

Made = TypeVar("Made", covariant=True)  # noqa: PLC0105  # it is no name of a user


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


class OpenedTable(Protocol):
    """A table being read, whose units can be worked on side by side."""

    @property
    def name(self) -> str:
        """What error messages call the file."""

    @property
    def kind(self) -> str:
        """The name of its format: its row of `TABLE_FORMATS`."""

    @property
    def typed(self) -> bool:
        """Whether its columns have types of their own; if not, all values are text."""

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns as Arrow has them, with all that the file tells of itself as metadata."""

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where only reading tells."""

    @property
    def extent(self) -> int:
        """What the sizes of all units must add up to, once they were read."""

    @property
    def int96(self) -> frozenset[str]:
        """The columns that store timestamps as INT96."""

    @property
    def arrow_schema(self) -> bytes | None:
        """What the file keeps of Arrow's own schema."""

    def units(self) -> Iterator[Any]:
        """Cut the file into units, in order.

        Raises:
            InputError: it is not as it should be.
        """

    def give(self, unit: Any, work: UnitWork[Made]) -> Made:  # noqa: ANN401  # a table's units are its own
        """Have the work done that is meant for units of this form: bytes, or a batch."""

    def require_columns(self, wanted: Collection[str]) -> None:
        """Refuse columns that are others than the wanted ones for a reason that can be told.

        Args:
            wanted: names; none if nobody knows.

        Raises:
            InputError: there is such a reason.
        """

    def categories(self, name: str) -> pa.Array | None:
        """Return what the values of a dictionary column are taken from; None for all others."""

    def sink(self, writer: HashingWriter, name: str, output: Output) -> Sink:
        """Return what writes a table of the same format, dialect and layout.

        Args:
            writer: where it goes.
            name: of the file, whose suffix may tell how it is compressed.
            output: its columns.

        Raises:
            InputError: what is read cannot be written again.
        """


class ByteTable(OpenedTable, Protocol):
    """A table of CSV, whose units stay bytes: the cells are found in them, and put back.

    `decode` finds the cells of a block, `Records.cells` gives a column's, and `Records.rewritten`
    puts the block together around those that have changed.
    """

    @property
    def format(self) -> CsvFormat:
        """How it is written."""

    def decode(self, unit: Block) -> Records:
        """Find the fields of a block.

        Raises:
            InputError: a record or its bytes are not as they should be, with the line.
        """

    def refuse_longer(self, unit: Block, records: Records, written: Rewritten) -> None:
        """Refuse to write a record that could not be read again.

        Raises:
            InputError: a record has become too long, with the line.
        """


class BatchTable(OpenedTable, Protocol):
    """A table whose units have record batches."""

    @property
    def size(self) -> UnitSize:
        """How large units are, and what is too large."""

    def longer_row(self, written: pa.RecordBatch) -> int | None:
        """Return the first row that is too long to be read again; None if there is none."""


class BatchUnit(Struct, frozen=True):
    """A unit that is a record batch."""

    batch: pa.RecordBatch


class UnitWork(Protocol[Made]):
    """What is done to units; called in several threads."""

    def of_block(self, table: ByteTable, unit: Block) -> Made:
        """Do it to records as bytes."""

    def of_batch(self, table: BatchTable, unit: BatchUnit) -> Made:
        """Do it to a record batch."""
