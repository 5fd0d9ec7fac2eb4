"""Encrypt a column."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from piienc import columns
from piienc.keys import Mode
from piienc.transform.metadata import EncryptedColumn
from piienc.transform.treatments.keyed import KeyedTreatment
from piienc.transform.treatments.treatment import TreatmentKind

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.core import Strings
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import (
        CellBudget,
        ColumnMark,
        TreatmentContext,
    )


class Encryption(KeyedTreatment):
    """Encrypts a column under its keyset's primary key."""

    encrypts = True

    def __init__(
        self,
        place: ColumnPlace,
        mark: ColumnMark,
        keyset: Keyset,
        counter: CellBudget,
    ) -> None:
        """Prepare it.

        Args:
            place: the column.
            mark: its key and context.
            keyset: the key.
            counter: counts the cells of sealed keys.

        Raises:
            KeyAccessError: the primary key only decrypts.
            InputError: the column's type cannot be encrypted.
        """
        super().__init__(place, mark, keyset)
        self._place, self._mark, self._counter = place, mark, counter
        self._categories: str | None = None
        if place.typed:
            _ = self._stored

    @property
    def field(self) -> pa.Field:
        """The column's Arrow field, encrypted."""
        return _of_plain_type(self.original, self._stored)

    @property
    def original(self) -> pa.Field:
        """The column's Arrow field as it was, but for metadata that is encrypted."""
        field = self._place.field
        return field.with_metadata(self._public) if self.hides_metadata else field

    @property
    def hides_metadata(self) -> bool:
        """Whether the metadata of the field is encrypted, with the categories."""
        return self._categories is not None

    @cached_property
    def _stored(self) -> pa.DataType:
        return self.apply(self._place.none()).type

    @property
    def _public(self) -> dict[bytes, bytes] | None:
        """What Parquet itself notes of the field, such as its id."""
        metadata = self._place.field.metadata or {}
        return {k: value for k, value in metadata.items() if k.startswith(b"PARQUET:")} or None

    @property
    def facts(self) -> EncryptedColumn:
        """What a Parquet file records of it."""
        ids, place = (self._keyset.primary_id,), self._place
        facts = self._mark.key, self._keyset.mode, self._mark.context, ids
        return EncryptedColumn(*facts, str(place.type), place.physical, self._categories)

    def keep_categories(self, values: pa.Array) -> None:
        """Record what a dictionary column's values are taken from, encrypted as one cell more."""
        self._spend(1)
        metadata, public = self._place.field.metadata or {}, self._public or {}
        private = {key: value for key, value in metadata.items() if key not in public}
        self._categories = columns.sealed_categories(
            values, private, self._keyset, self._mark.context, self._label
        )

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of the column, encrypted."""
        cells = columns.to_cells(array, self._label)
        self._spend(len(cells) - cells.null_count)
        return self._cipher.encrypt(cells)

    def apply_to_text(self, cells: Strings) -> Strings:
        """Return the cells of a CSV column, encrypted."""
        self._spend(cells.count - cells.null_count)
        return self._cipher.seal(cells)

    def _spend(self, cells: int) -> None:
        if self.mode is Mode.SEALED and cells:
            self._counter.spend(self._keyset.primary, cells)


def _prepare(place: ColumnPlace, context: TreatmentContext) -> Encryption:
    mark = context.marks[place.name]
    assert context.counter is not None  # noqa: S101  # whoever encrypts has one
    encryption = Encryption(place, mark, context.keys(mark.key), context.counter)
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
