"""The interface of treatments, and the context that prepares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from piienc.core import Strings
    from piienc.keys import Key, Keyset
    from piienc.transform.place import ColumnPlace


class Treatment:
    """What is done to one column; the methods are called in several threads at once.

    Attributes:
        omits: whether the column is not written.
    """

    omits = False

    @property
    def field(self) -> pa.Field:
        """The column's Arrow field behind it."""
        raise NotImplementedError

    def apply(self, array: pa.Array) -> pa.Array:
        """Treat a batch of the column; return an array of the type of `field`."""
        raise NotImplementedError

    def apply_to_text(self, cells: Strings) -> Strings:
        """Return the cells of a CSV column, as UTF-8, treated; null stays null."""
        raise NotImplementedError

    def is_text_right(self, before: bytes, after: bytes) -> bool:
        """Tell whether a cell of CSV became what it should, by other code than has made it."""
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
    """What an encrypted column of types was.

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
        counter: counts the cells of sealed keys; needed to encrypt.
        categories: finds what the values of a dictionary column are taken from.
        originals: what encrypted columns were; needed to decrypt a table that has types.
    """

    marks: Mapping[str, ColumnMark]
    keys: Callable[[str], Keyset]
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
