"""Decrypt a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc import columns
from piienc.lazy import module
from piienc.transform.treatments.keyed import KeyedTreatment
from piienc.transform.treatments.treatment import TreatmentKind

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.core import Strings
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import (
        ColumnMark,
        OriginalColumn,
        TreatmentContext,
    )
else:
    pa = module("pyarrow")


class Decryption(KeyedTreatment):
    """Decrypts a column under any enabled key of its keyset."""

    encrypts = False

    def __init__(
        self,
        place: ColumnPlace,
        mark: ColumnMark,
        keyset: Keyset,
        original: OriginalColumn | None,
    ) -> None:
        """Prepare it.

        Args:
            place: the column.
            mark: its key and context; the type of its cells says whether they are text.
            keyset: the key.
            original: what is to be restored; None for text.

        Raises:
            InputError: a column of this type cannot hold ciphertext.
            AuthenticationError: the categories are not authentic.
        """
        text = original is None or columns.is_text(columns.to_cells(place.none(), place.label).type)
        super().__init__(place, replace(mark, text=text), keyset)
        self._field = None if original is None else original.field
        self._categories: pa.Array | None = None
        cell = original.categories if original else None
        if original and cell is not None and pa.types.is_dictionary(original.field.type):
            self._categories, metadata = columns.opened_categories(
                cell, keyset, mark.context, place.label
            )
            known = original.field.metadata or {}
            self._field = original.field.with_metadata({**known, **metadata} or None)

    @property
    def field(self) -> pa.Field:
        """The column's Arrow field as it was."""
        return self._field

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, decrypted and of its original type."""
        kind = self.field.type
        stored = columns.to_cells(array, self._label)
        cells = self._cipher.decrypt(stored, text=columns.is_text(kind))
        if self._categories is None:
            return columns.from_cells(cells, kind, self._label)
        values = columns.from_cells(cells, kind.value_type, self._label)
        return columns.categorised(values, kind, self._categories, self._label)

    def apply_to_text(self, cells: Strings) -> Strings:
        """Return the cells of a CSV column, decrypted."""
        return self._cipher.open(cells, text=True)


def _prepare(place: ColumnPlace, context: TreatmentContext) -> Decryption:
    mark, original = context.marks[place.name], context.originals.get(place.name)
    return Decryption(place, mark, context.keys(mark.key), original)


DECRYPT = TreatmentKind(_prepare, hides=False, keyed=True)
