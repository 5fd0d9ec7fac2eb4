"""Decrypt a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec.structs import replace

from piienc.columns import (
    categorised,
    from_cells,
    is_text,
    is_value,
    opened_categories,
    to_cells,
)
from piienc.transform.treatments.keyed import KeyedTreatment
from piienc.transform.treatments.treatment import TreatmentKind

if TYPE_CHECKING:
    from piienc.base.cells import CellPool, Cells
    from piienc.columns import Kernels
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import (
        AsFields,
        ColumnMark,
        OriginalColumn,
        TreatmentContext,
    )


class Decryption(KeyedTreatment):
    """Decrypts a column under any enabled key of its keyset."""

    def __init__(
        self,
        place: ColumnPlace,
        mark: ColumnMark,
        keyset: Keyset,
        original: OriginalColumn,
        kernels: Kernels,
    ) -> None:
        """Prepare it.

        Args:
            place: the column.
            mark: its key and context; the type of its cells says whether they are text.
            keyset: the key.
            original: the column to restore.
            kernels: shared by the run.

        Raises:
            InputError: a column of this type cannot hold ciphertext.
            AuthenticationError: the categories are not authentic.
        """
        stored = to_cells(place.none(), place.label).type
        super().__init__(place, replace(mark, text=is_text(stored)), keyset, kernels)
        self.field: pa.Field = original.field
        self._categories: pa.Array | None = None
        if original.categories is not None and pa.types.is_dictionary(original.field.type):
            cell = original.categories
            self._categories = opened_categories(cell, keyset, mark.context, place.label)

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, decrypted and of its original type."""
        kind = self.field.type
        cells = self._cipher.decrypt(to_cells(array, self._label), text=is_text(kind))
        if self._categories is None:
            return from_cells(cells, kind, self._label)
        values = from_cells(cells, kind.value_type, self._label)
        return categorised(values, kind, self._categories, self._label)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:
        """Return the cells of a CSV column, decrypted."""
        return as_fields(self._cipher.open(cells, text=True))

    def is_text_right(self, before: str, after: str) -> bool:
        """Return whether a cell was decrypted correctly."""
        return self._decryptor.decrypt(before.encode(), text=True) == after.encode()

    def is_value_right(self, before: pa.Scalar, after: pa.Scalar) -> bool:
        """Return whether a value was decrypted correctly."""
        plaintext = self._opened(before)
        return plaintext is not None and is_value(plaintext, after)


def _prepare(place: ColumnPlace, context: TreatmentContext) -> Decryption:
    mark, original = context.marks[place.name], context.originals[place.name]
    return Decryption(place, mark, context.keys(mark.key), original, context.kernels)


DECRYPT = TreatmentKind(_prepare, hides=False, keyed=True)
