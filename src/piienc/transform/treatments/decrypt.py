"""Decrypt a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

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
        text = original is None or _is_text(place)
        super().__init__(place, replace(mark, text=text), keyset)
        self._field = None if original is None else original.field
        self._categories: pa.Array | None = None
        if original and original.categories is not None and _is_dictionary(original.field.type):
            from piienc.columns import opened_categories  # noqa: PLC0415  # start-up

            cell = original.categories
            self._categories = opened_categories(cell, keyset, mark.context, place.label)

    @property
    def field(self) -> pa.Field:
        """The column's Arrow field as it was."""
        return self._field

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, decrypted and of its original type."""
        from piienc.columns import (  # noqa: PLC0415  # start-up
            categorised,
            from_cells,
            is_text,
            to_cells,
        )

        kind = self.field.type
        cells = self._cipher.decrypt(to_cells(array, self._label), text=is_text(kind))
        if self._categories is None:
            return from_cells(cells, kind, self._label)
        values = from_cells(cells, kind.value_type, self._label)
        return categorised(values, kind, self._categories, self._label)

    def apply_to_text(self, cells: Strings) -> Strings:
        """Return the cells of a CSV column, decrypted."""
        return self._cipher.open(cells, text=True)


def _prepare(place: ColumnPlace, context: TreatmentContext) -> Decryption:
    mark, original = context.marks[place.name], context.originals.get(place.name)
    return Decryption(place, mark, context.keys(mark.key), original)


def _is_text(place: ColumnPlace) -> bool:
    from piienc.columns import is_text, to_cells  # noqa: PLC0415  # start-up

    return is_text(to_cells(place.none(), place.label).type)


def _is_dictionary(kind: pa.DataType) -> bool:
    from pyarrow import types  # noqa: PLC0415  # start-up

    return bool(types.is_dictionary(kind))


DECRYPT = TreatmentKind(_prepare, hides=False, keyed=True)
