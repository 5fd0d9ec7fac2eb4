"""What is done to one column of every batch: encrypt it, or decrypt it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from piienc.columns import (
    ColumnCipher,
    categorised,
    from_cells,
    is_text,
    opened_categories,
    plain_type,
    prints_of_ciphertexts,
    sealed_categories,
    to_cells,
)
from piienc.keys import Mode
from piienc.transform.metadata import EncryptedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from piienc.base.cells import CellPool, Cells
    from piienc.columns import Kernels, Prints
    from piienc.keys import Key, Keyset
    from piienc.tables import OpenedTable

    AsFields = Callable[[CellPool], CellPool]


class CellBudget(Protocol):
    """Who counts the cells of sealed keys."""

    def spend(self, key: Key, cells: int) -> None:
        """Count cells before they are encrypted.

        Raises:
            PolicyError: the key has encrypted all that is safe.
        """


class ColumnTransform(Protocol):
    """A column's step; `apply` is called in several threads at once."""

    key: str
    """The keyset's name."""
    field: pa.Field
    """The column's Arrow field behind the step."""

    @property
    def mode(self) -> Mode:
        """The key's mode."""

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, changed, of the step's type."""

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:
        """Return the cells of a CSV column, changed, as fields of CSV."""

    def prints(self, made: Iterable[Cells]) -> Prints | None:
        """Return what tells the cells apart that an encryption has made of a searchable column."""


class ColumnPlace(Struct, frozen=True):
    """A column of an open table."""

    table: OpenedTable
    name: str

    @property
    def label(self) -> str:
        """What error messages call it."""
        return f"{self.table.name}: column {self.name!r}"

    @property
    def field(self) -> pa.Field:
        """Its Arrow field in the file."""
        return self.table.schema.field(self.name)

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type in the file."""
        return self.field.type

    @property
    def physical(self) -> str | None:
        """How Parquet stores it, where its Arrow type does not tell: INT96."""
        return "INT96" if self.name in self.table.int96 else None

    @property
    def plain_type(self) -> pa.DataType:
        """The type in which its values are looked at."""
        return plain_type(self.type)

    def none(self) -> pa.Array:
        """Return no cells of its type, to see what becomes of the type."""
        return pa.array([], self.type)


class _KeyedTransform:
    """A column under a key.

    Attributes:
        key: the keyset's name.
        field: the column's Arrow field behind the step.
    """

    field: pa.Field

    def __init__(
        self,
        place: ColumnPlace,
        key: str,
        keyset: Keyset,
        context: str,
        *,
        text: bool,
        kernels: Kernels,
    ) -> None:
        self.key, self._keyset, self._label, self._text = key, keyset, place.label, text
        self._cipher = ColumnCipher(keyset, context, text=text, label=place.label, kernels=kernels)

    @property
    def mode(self) -> Mode:
        """The key's mode."""
        return self._keyset.mode

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""
        return tuple(sorted(self._cipher.used_key_ids))

    def prints(self, made: Iterable[Cells]) -> Prints | None:
        """Return what tells ciphertexts apart; None where equal cells have different ones."""
        if self.mode is not Mode.SEARCHABLE:
            return None
        found = [prints_of_ciphertexts(cells, text=self._text) for cells in made]
        return np.concatenate([np.empty((0, 2), np.uint64), *found])


class Encryption(_KeyedTransform):
    """Encrypts a column under its keyset's primary key."""

    def __init__(
        self,
        place: ColumnPlace,
        key: str,
        keyset: Keyset,
        context: str,
        counter: CellBudget,
        *,
        text: bool,
        kernels: Kernels,
    ) -> None:
        """Prepare the step.

        Args:
            place: the column.
            key: the keyset's name.
            keyset: the keyset.
            context: the associated data.
            counter: counts the cells of sealed keys.
            text: ciphertext as base64, else as raw bytes.
            kernels: those of the run.

        Raises:
            KeyAccessError: the primary key is for reading only.
            InputError: the column's type cannot be encrypted.
        """
        super().__init__(place, key, keyset, context, text=text, kernels=kernels)
        self._counter = counter
        self.field = _of_plain_type(place.field, self.apply(place.none()).type)
        ids = (keyset.primary_id,)
        self.facts = EncryptedColumn(
            key, keyset.mode, context, ids, str(place.type), place.physical
        )

    def keep_categories(self, values: pa.Array) -> None:
        """Record what a dictionary column's values are taken from, encrypted as one cell more."""
        self._spend(1)
        cell = sealed_categories(values, self._keyset, self.facts.context, self._label)
        self.facts = replace(self.facts, categories=cell)

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, encrypted."""
        cells = to_cells(array, self._label)
        self._spend(len(cells) - cells.null_count)
        return self._cipher.encrypt(cells)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:  # noqa: ARG002  # base64 needs no quotes
        """Return the cells of a CSV column, encrypted."""
        self._spend(len(cells))
        return self._cipher.seal(cells)

    def _spend(self, cells: int) -> None:
        if self.mode is Mode.SEALED and cells:
            self._counter.spend(self._keyset.primary, cells)


class Decryption(_KeyedTransform):
    """Decrypts a column under any enabled key of its keyset."""

    def __init__(
        self,
        place: ColumnPlace,
        key: str,
        keyset: Keyset,
        context: str,
        original: pa.Field,
        categories: str | None,
        *,
        kernels: Kernels,
    ) -> None:
        """Prepare the step.

        Args:
            place: the column.
            key: the keyset's name.
            keyset: the keyset.
            context: the associated data.
            original: the field to restore.
            kernels: those of the run.
            categories: what a dictionary column's values are taken from, as the record has it.

        Raises:
            InputError: a column of this type holds no ciphertext.
            AuthenticationError: the categories are not authentic.
        """
        stored = to_cells(place.none(), place.label).type
        super().__init__(place, key, keyset, context, text=is_text(stored), kernels=kernels)
        self.field = original
        self._categories: pa.Array | None = None
        if categories is not None and pa.types.is_dictionary(original.type):
            self._categories = opened_categories(categories, keyset, context, place.label)

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, decrypted and of its original type."""
        kind = self.field.type
        cells = self._cipher.decrypt(to_cells(array, self._label), text=is_text(kind))
        if self._categories is None:
            return from_cells(cells, kind, self._label)
        values = from_cells(cells, kind.value_type, self._label)
        return categorised(values, kind, self._categories, self._label)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> CellPool:
        """Return the cells of a CSV column, decrypted."""
        return as_fields(self._cipher.open(cells, text=True))


def _of_plain_type(field: pa.Field, kind: pa.DataType) -> pa.Field:
    """Return a field of another type, which is no extension type, though the first one may be."""
    metadata = {
        key: value
        for key, value in (field.metadata or {}).items()
        if not key.startswith(b"ARROW:extension:")
    }
    return field.with_type(kind).with_metadata(metadata)
