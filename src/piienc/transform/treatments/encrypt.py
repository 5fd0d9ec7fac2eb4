"""Encrypt a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.columns import is_value, sealed_categories, to_cells
from piienc.keys import Mode
from piienc.transform.metadata import EncryptedColumn
from piienc.transform.treatments.keyed import KeyedTreatment
from piienc.transform.treatments.treatment import TreatmentKind

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.base.cells import CellPool, Cells
    from piienc.columns import Kernels
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import (
        AsFields,
        CellBudget,
        ColumnMark,
        TreatmentContext,
    )


class Encryption(KeyedTreatment):
    """Encrypts a column under its keyset's primary key.

    Attributes:
        facts: what a Parquet file records of it.
    """

    def __init__(
        self,
        place: ColumnPlace,
        mark: ColumnMark,
        keyset: Keyset,
        counter: CellBudget,
        kernels: Kernels,
    ) -> None:
        """Prepare it.

        Args:
            place: the column.
            mark: its key and context.
            keyset: the key.
            counter: counts the cells of sealed keys.
            kernels: shared by the run.

        Raises:
            KeyAccessError: the primary key only decrypts.
            InputError: the column's type cannot be encrypted.
        """
        super().__init__(place, mark, keyset, kernels)
        self._counter = counter
        self.field = _of_plain_type(place.field, self.apply(place.none()).type)
        ids = (keyset.primary_id,)
        self.facts = EncryptedColumn(
            mark.key, keyset.mode, mark.context, ids, str(place.type), place.physical
        )

    def keep_categories(self, values: pa.Array) -> None:
        """Record what a dictionary column's values are taken from, encrypted as one cell more."""
        self._spend(1)
        cell = sealed_categories(values, self._keyset, self.facts.context, self._label)
        self.facts = replace(self.facts, categories=cell)

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, encrypted."""
        cells = to_cells(array, self._label)
        self._spend(len(cells) - cells.null_count)
        return self._cipher.encrypt(cells)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:  # noqa: ARG002  # base64 needs no quotes
        """Return the cells of a CSV column, encrypted."""
        self._spend(len(cells))
        return self._cipher.seal(cells)

    def is_text_right(self, before: str, after: str) -> bool:
        """Return whether a cell decrypts to the original."""
        return self._decryptor.decrypt(after.encode(), text=True) == before.encode()

    def is_value_right(self, before: pa.Scalar, after: pa.Scalar) -> bool:
        """Return whether a cell decrypts to the original value."""
        plaintext = self._opened(after)
        return plaintext is not None and is_value(plaintext, before)

    def _spend(self, cells: int) -> None:
        if self.mode is Mode.SEALED and cells:
            self._counter.spend(self._keyset.primary, cells)


def _prepare(place: ColumnPlace, context: TreatmentContext) -> Encryption:
    mark = context.marks[place.name]
    assert context.counter is not None  # noqa: S101  # whoever encrypts has one
    encryption = Encryption(place, mark, context.keys(mark.key), context.counter, context.kernels)
    if (values := context.categories(place.name)) is not None:
        encryption.keep_categories(values)
    return encryption


def _of_plain_type(field: pa.Field, kind: pa.DataType) -> pa.Field:
    """Return a field of another type, which is no extension type, though the first one may be."""
    metadata = {
        key: value
        for key, value in (field.metadata or {}).items()
        if not key.startswith(b"ARROW:extension:")
    }
    return field.with_type(kind).with_metadata(metadata)


ENCRYPT = TreatmentKind(_prepare, hides=True, keyed=True)
