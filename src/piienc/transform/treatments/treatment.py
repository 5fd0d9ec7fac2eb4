"""The interface of treatments, and the context that prepares them."""

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
        field: the column's Arrow field in the output; None if the column is omitted.
    """

    field: pa.Field | None = None

    def apply(self, array: pa.Array) -> pa.Array:
        """Treat a batch of the column; return an array of the type of `field`."""
        raise NotImplementedError

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:
        """Treat the cells of a CSV column that are not null; return them as CSV fields.

        Args:
            cells: as UTF-8.
            as_fields: quotes cells where CSV needs it.
        """
        raise NotImplementedError

    def is_text_right(self, before: str, after: str) -> bool:
        """Return whether a CSV cell was treated correctly, by separate code."""
        raise NotImplementedError

    def is_value_right(self, before: pa.Scalar, after: pa.Scalar) -> bool:
        """Return the same for a value of a batch; neither is null."""
        raise NotImplementedError


class ColumnMark(Struct, frozen=True):
    """The mark of a column.

    Attributes:
        key: the keyset's name.
        context: the associated data.
        text: ciphertext as base64, else as raw bytes.
    """

    key: str
    context: str
    text: bool = True


class OriginalColumn(Struct, frozen=True):
    """The original of an encrypted column.

    Attributes:
        field: its Arrow field.
        categories: the categories of a dictionary column, as one cell.
    """

    field: pa.Field
    categories: str | None = None


class CellBudget(Protocol):
    """Counts the cells of sealed keys."""

    def spend(self, key: Key, cells: int) -> None:
        """Count cells before they are encrypted.

        Raises:
            PolicyError: the key has reached its safe number of cells.
        """


class TreatmentContext(Struct, frozen=True, kw_only=True):
    """The context that prepares treatments.

    Attributes:
        marks: key and context, by column.
        keys: finds a keyset by its name.
        kernels: shared by the run.
        counter: counts the cells of sealed keys; needed to encrypt.
        categories: returns the categories of a dictionary column, by its name.
        originals: the originals of encrypted columns; needed to decrypt.
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
        hides: the output does not reveal the column's values, so a marked column may have it.
        keyed: it uses the key of a mark, so only the schema decides where it applies.
    """

    prepare: Callable[[ColumnPlace, TreatmentContext], Treatment]
    hides: bool
    keyed: bool = False
