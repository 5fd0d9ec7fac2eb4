"""What a treatment of a column is, and what it is prepared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from piienc.columns import Kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from piienc.base.cells import CellPool, Cells
    from piienc.keys import Key, Keyset
    from piienc.transform.place import ColumnPlace

    AsFields = Callable[[CellPool], CellPool]


class Treatment:
    """What is done to one column; the methods are called in several threads at once.

    Attributes:
        field: the column's Arrow field behind it; None if the column is omitted.
    """

    field: pa.Field | None = None

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, treated, of the type of `field`."""
        raise NotImplementedError

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:
        """Return the cells of a CSV column that are not null, treated, as fields of CSV.

        Args:
            cells: as UTF-8.
            as_fields: quotes cells where CSV needs it.
        """
        raise NotImplementedError

    def is_text_right(self, before: str, after: str) -> bool:
        """Tell whether a cell of CSV became what it should, by other code than has made it."""
        raise NotImplementedError

    def is_value_right(self, before: pa.Scalar, after: pa.Scalar) -> bool:
        """Tell the same of a value of a batch; neither is null."""
        raise NotImplementedError


class ColumnMark(Struct, frozen=True):
    """What a mark says of a column.

    Attributes:
        key: the keyset's name.
        context: the associated data.
        text: ciphertext as base64, else as raw bytes.
    """

    key: str
    context: str
    text: bool = True


class OriginalColumn(Struct, frozen=True):
    """What an encrypted column was.

    Attributes:
        field: its Arrow field.
        categories: what a dictionary column's values are taken from, as one cell.
    """

    field: pa.Field
    categories: str | None = None


class CellBudget(Protocol):
    """Who counts the cells of sealed keys."""

    def spend(self, key: Key, cells: int) -> None:
        """Count cells before they are encrypted.

        Raises:
            PolicyError: the key has encrypted all that is safe.
        """


class TreatmentContext(Struct, frozen=True, kw_only=True):
    """What treatments are prepared with.

    Attributes:
        marks: key and context of each column that has them.
        keys: finds a keyset by its name.
        kernels: those of the run.
        counter: counts the cells of sealed keys; needed to encrypt.
        categories: finds what the values of a dictionary column are taken from.
        originals: what encrypted columns were; needed to decrypt.
    """

    marks: Mapping[str, ColumnMark]
    keys: Callable[[str], Keyset]
    kernels: Kernels = field(default_factory=Kernels)
    counter: CellBudget | None = None
    categories: Callable[[str], pa.Array | None] = lambda _: None
    originals: Mapping[str, OriginalColumn] = {}


class TreatmentKind(Struct, frozen=True):
    """A kind of treatment.

    Attributes:
        prepare: makes the treatment of one column.
        hides: nobody can read the column's values behind it: a marked column may have it.
        keyed: it takes the key of a mark, so that the schema alone decides where it is used.
    """

    prepare: Callable[[ColumnPlace, TreatmentContext], Treatment]
    hides: bool
    keyed: bool = False
