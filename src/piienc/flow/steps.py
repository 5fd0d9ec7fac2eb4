"""What is done to one column of every batch: encrypt it, or decrypt it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from msgspec import Struct

from piienc.columns import ColumnCipher, from_cells, is_text, to_cells
from piienc.flow.record import EncryptedColumn
from piienc.keys import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.cells import Cells, Pool
    from piienc.keys import Keyset
    from piienc.tables import CsvSource
    from piienc.tables.parquet import ParquetSource

    AsFields = Callable[[Pool], Pool]


class Spending(Protocol):
    """Who counts the cells of sealed keys."""

    def spend(self, key_id: int, cells: int) -> None:
        """Count cells before they are encrypted.

        Raises:
            PolicyError: the key has encrypted all that is safe.
        """


class Step(Protocol):
    """A column's step; `apply` is called in several threads at once."""

    key: str
    """The keyset's name."""
    type: pa.DataType
    """The column's Arrow type behind the step."""

    @property
    def mode(self) -> Mode:
        """The key's mode."""

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, changed, of the step's type."""

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> Pool:
        """Return the cells of a CSV column, changed, as fields of CSV."""


class ColumnPlace(Struct, frozen=True):
    """A column of an open table."""

    table: CsvSource | ParquetSource
    name: str

    @property
    def label(self) -> str:
        """What error messages call it."""
        return f"{self.table.name}: column {self.name!r}"

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type in the file."""
        return self.table.schema.field(self.name).type

    def none(self) -> pa.Array:
        """Return no cells of its type, to see what becomes of the type."""
        return pa.array([], self.type)


class _KeyedStep:
    """A column under a key.

    Attributes:
        key: the keyset's name.
        type: the column's Arrow type behind the step.
    """

    type: pa.DataType

    def __init__(
        self, place: ColumnPlace, key: str, keyset: Keyset, context: str, *, text: bool
    ) -> None:
        self.key, self._keyset, self._label = key, keyset, place.label
        self._cipher = ColumnCipher(keyset, context, text=text, label=place.label)

    @property
    def mode(self) -> Mode:
        """The key's mode."""
        return self._keyset.mode

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""
        return tuple(sorted(self._cipher.used_key_ids))


class Encryption(_KeyedStep):
    """Encrypts a column under its keyset's primary key."""

    def __init__(
        self,
        place: ColumnPlace,
        key: str,
        keyset: Keyset,
        context: str,
        counter: Spending,
        *,
        text: bool,
    ) -> None:
        """Prepare the step.

        Args:
            place: the column.
            key: the keyset's name.
            keyset: the keyset.
            context: the associated data.
            counter: counts the cells of sealed keys.
            text: ciphertext as base64, else as raw bytes.

        Raises:
            KeyAccessError: the primary key is for reading only.
            InputError: the column's type cannot be encrypted.
        """
        super().__init__(place, key, keyset, context, text=text)
        self._counter = counter
        self.type = self.apply(place.none()).type
        ids = (keyset.primary_id,)
        self.facts = EncryptedColumn(key, keyset.mode, context, ids, str(place.type))

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, encrypted."""
        cells = to_cells(array, self._label)
        self._spend(len(cells) - cells.null_count)
        return self._cipher.encrypt(cells)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> Pool:  # noqa: ARG002  # base64 needs no quotes
        """Return the cells of a CSV column, encrypted."""
        self._spend(len(cells))
        return self._cipher.seal(cells)

    def _spend(self, cells: int) -> None:
        if self.mode is Mode.SEALED and cells:
            self._counter.spend(self._keyset.primary_id, cells)


class Decryption(_KeyedStep):
    """Decrypts a column under any enabled key of its keyset."""

    def __init__(
        self, place: ColumnPlace, key: str, keyset: Keyset, context: str, original: pa.DataType
    ) -> None:
        """Prepare the step.

        Args:
            place: the column.
            key: the keyset's name.
            keyset: the keyset.
            context: the associated data.
            original: the type to restore.

        Raises:
            InputError: a column of this type holds no ciphertext.
        """
        stored = to_cells(place.none(), place.label).type
        super().__init__(place, key, keyset, context, text=is_text(stored))
        self.type = original

    def apply(self, array: pa.Array) -> pa.Array:
        """Return a batch of a Parquet column, decrypted and of its original type."""
        cells = self._cipher.decrypt(to_cells(array, self._label), text=is_text(self.type))
        return from_cells(cells, self.type, self._label)

    def apply_to_cells(self, cells: Cells, as_fields: AsFields) -> Pool:
        """Return the cells of a CSV column, decrypted."""
        return as_fields(self._cipher.open(cells, text=True))
