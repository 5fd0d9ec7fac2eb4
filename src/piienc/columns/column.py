"""A marked column under all the keys of its keyset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pybase64
from msgspec import Struct

from piienc.base.cells import CellPool
from piienc.columns.arrays import array_of, cells_of, not_text, require_text
from piienc.columns.bad_cells import BadCells
from piienc.columns.kernels.aes import BLOCK
from piienc.columns.kernels.bound_key import PREFIX, BoundKey, begin_with_any
from piienc.columns.kernels.kernel import Kernels
from piienc.columns.wire import ciphertexts_of
from piienc.errors import AuthenticationError, KeyAccessError, PolicyError
from piienc.keys import Status

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from piienc.base.cells import Cells, Places
    from piienc.keys import Key, Keyset


class FaultyCells(Struct, frozen=True):
    """Cells of a batch that are not what they should be.

    Attributes:
        rule: plaintext, key, authentic or type.
        what: why, without the value.
        rows: int64, from 0 within the batch, rising.
    """

    rule: str
    what: str
    rows: Places


class CheckedCells(Struct, frozen=True):
    """Cells of a marked column, decrypted as far as they are authentic.

    Attributes:
        pool: the authentic ones, decrypted; not all of them are text if one of `wrong` says so.
        rows: their rows.
        wrong: the others.
        authentic: how many are authentic.
    """

    pool: CellPool
    rows: Places
    wrong: list[FaultyCells]
    authentic: int

    def plain(self, count: int, kind: pa.DataType, *, text: bool) -> pa.Array:
        """Return the decrypted cells in their rows, null where a cell is null or wrong.

        Args:
            count: how many rows there are.
            kind: that of the stored cells, whose width of offsets the array gets.
            text: whether the cells are UTF-8 text or bytes.
        """
        pool, rows = self.pool, self.rows
        garbled = [each.rows for each in self.wrong if each.rule == "type"]
        if garbled:
            mask = ~np.isin(rows, garbled[0])
            pool, rows = CellPool(pool.parts, pool.where[mask]), rows[mask]
        return array_of(pool, rows, count, kind, text=text)


class _OpenedCells(Struct, frozen=True):
    """Cells, and which of them were opened.

    Attributes:
        sealed: the ciphertexts, by length.
        order: which cell of the batch each of them is.
        well_formed: which of them are ciphertexts by their form.
        done: which of them are authentic.
        pool: the authentic ones, decrypted, in the batch's order.
    """

    sealed: Cells
    order: Places
    well_formed: NDArray[np.bool_]
    done: NDArray[np.bool_]
    pool: CellPool


_TRIED = 16  # cells tried, where no prefix tells whether a column is encrypted already


class ColumnCipher:
    """Encrypts and decrypts one column; safe to use from several threads.

    Attributes:
        used_key_ids: the keys of the set that have encrypted or decrypted cells so far.
    """

    def __init__(
        self,
        keyset: Keyset,
        context: str,
        *,
        text: bool,
        label: str,
        kernels: Kernels | None = None,
    ) -> None:
        """Bind a keyset to a column.

        Args:
            keyset: encrypts under its primary, decrypts under all that are ENABLED.
            context: the associated data, as UTF-8.
            text: ciphertext as base64 text; else as raw bytes.
            label: what error messages call the column.
            kernels: those of the run; None if it has no other file.
        """
        kernels = kernels or Kernels()
        self._keyset, self._text, self._label = keyset, text, label
        bound = [
            BoundKey(keyset.mode, key, context.encode(), text=text, kernels=kernels)
            for key in keyset.keys
        ]
        self._primary = next(b for b in bound if b.key.key_id == keyset.primary_id)
        # As Tink does: the keys whose prefix fits first, then those that have none.
        enabled = [b for b in bound if b.key.status is Status.ENABLED]
        self._readers = sorted(enabled, key=lambda b: not b.wire.prefix)
        self._all = bound
        self._prefixed = {b.key.key_id: b for b in bound if b.wire.prefix}
        prefixes = [bound.wire.prefix for bound in self._prefixed.values()]
        # Six characters of base64 are 36 of a prefix's 40 bits.
        self._begins = (*prefixes, *(pybase64.b64encode(prefix)[:6] for prefix in prefixes))
        self.used_key_ids: set[int] = set()

    def encrypt(self, array: pa.Array) -> pa.Array:
        """Encrypt a batch of the column under the primary key.

        Args:
            array: string or binary, large or not; nulls stay null.

        Returns:
            The same number of cells, as text or binary.

        Raises:
            KeyAccessError: the primary key is for reading only.
            BadCells: a cell is encrypted already.
        """
        cells, rows = cells_of(array)
        with BadCells.among(rows):
            return array_of(self.seal(cells), rows, len(array), array.type, text=self._text)

    def decrypt(self, array: pa.Array, *, text: bool) -> pa.Array:
        """Decrypt a batch of the column; every cell is authenticated.

        Args:
            array: string or binary, large or not; nulls stay null.
            text: whether the cells are UTF-8 text or bytes.

        Raises:
            BadCells: a cell is not authentic under any key that may be used, is encrypted
                under one that may not, or is no text where text was asked for.
        """
        cells, rows = cells_of(array)
        with BadCells.among(rows):
            return array_of(self.open(cells, text=text), rows, len(array), array.type, text=text)

    def seal(self, cells: Cells) -> CellPool:
        """Return the ciphertexts of cells, in the same order.

        Raises:
            KeyAccessError: the primary key is for reading only.
            BadCells: a cell is encrypted already.
        """
        key = self._keyset.encryption_key
        self._refuse_encrypted(cells)
        if len(cells):
            self.used_key_ids.add(key.key_id)
        order = cells.by_length()
        return CellPool.of(self._primary.seal(cells.take(order)), order)

    def open(self, cells: Cells, *, text: bool) -> CellPool:
        """Decrypt cells; every one is authenticated.

        Args:
            cells: in their stored form.
            text: whether they are UTF-8 text or bytes.

        Returns:
            The cells in the same order, with a zero byte before and behind each.

        Raises:
            BadCells: a cell is not authentic under any key that may be used, is encrypted
                under one that may not, or is no text where text was asked for.
        """
        opened = self._opened(cells)
        bad = np.flatnonzero(~opened.done)
        if len(bad):
            raise self._refusal(opened.sealed, bad, opened.order)
        if text:
            require_text(opened.pool, self._label)
        return opened.pool

    def judge(self, cells: Cells, rows: Places, *, text: bool) -> CheckedCells:
        """Decrypt cells as far as they are authentic, and say what is wrong with the others.

        Args:
            cells: in their stored form.
            rows: the row of each.
            text: whether the decrypted cells are UTF-8 text or bytes.
        """
        opened = self._opened(cells)
        wrong, places = self._wrong(opened, cells, rows), None
        authentic = int(np.count_nonzero(opened.done))
        if wrong:
            places = np.sort(opened.order[opened.done])
        if text and len(garbled := not_text(opened.pool)):
            places = np.arange(len(cells)) if places is None else places
            wrong.append(FaultyCells("type", "decrypted, but no UTF-8 text", rows[places[garbled]]))
        return CheckedCells(opened.pool, rows if places is None else rows[places], wrong, authentic)

    def _opened(self, cells: Cells) -> _OpenedCells:
        """Decrypt all cells that are authentic under a key that may be used."""
        sealed, order, well_formed = ciphertexts_of(cells, text=self._text)
        done = np.zeros(len(sealed), np.bool_)
        parts: list[Cells] = []
        opened = [np.empty(0, np.int64)]
        for reader in self._readers:
            candidates = np.flatnonzero(reader.claims(sealed) & well_formed & ~done)
            if len(candidates):
                more, authentic = reader.open(sealed.take(candidates))
                candidates = candidates[authentic]
                parts += more
                opened.append(order[candidates])
                done[candidates] = True
                if len(candidates):
                    self.used_key_ids.add(reader.key.key_id)
        places = np.concatenate(opened)
        if not done.all():
            places = places.argsort().argsort()  # those that are there, in the batch's order
        return _OpenedCells(sealed, order, well_formed, done, CellPool.of(parts, places))

    def _wrong(self, opened: _OpenedCells, cells: Cells, rows: Places) -> list[FaultyCells]:
        """Say what each cell that was not opened is instead of an authentic ciphertext."""
        faults: dict[tuple[str, str], list[int]] = {}
        for index in np.flatnonzero(~opened.done).tolist():
            place = int(opened.order[index])
            if opened.well_formed[index]:
                what = self._instead(opened.sealed.one(index))
            else:
                what = self._damaged_or_plain(cells.one(place))
            faults.setdefault(what, []).append(int(rows[place]))
        return [FaultyCells(*what, np.array(sorted(at))) for what, at in sorted(faults.items())]

    def _instead(self, raw: bytes) -> tuple[str, str]:
        least = min(bound.wire.overhead for bound in self._all)
        key = self._key_of(raw)
        if key is not None and key.status is not Status.ENABLED:
            return "key", f"encrypted under key id {key.key_id}, which is {key.status}"
        bare = any(not reader.wire.prefix for reader in self._readers)
        if key is not None or (bare and len(raw) >= least):
            return "authentic", "tampered, or of another context"
        if raw.startswith(self._begins):
            return self._damaged_or_plain(raw)
        if raw[:1] == b"\x01" and len(raw) >= PREFIX + BLOCK:  # the shortest of either mode
            stranger = int.from_bytes(raw[1:PREFIX], "big")
            return "key", f"encrypted under key id {stranger}, which is not this column's"
        return "plaintext", "not encrypted"

    def _damaged_or_plain(self, cell: bytes) -> tuple[str, str]:
        """Say what a cell is that has not the form of a ciphertext, as text or as bytes."""
        if cell.startswith(self._begins):
            return "authentic", "damaged: it begins like a ciphertext of this column"
        return "plaintext", "not encrypted"

    def _refuse_encrypted(self, cells: Cells) -> None:
        """Refuse ciphertexts of this keyset, as text or as bytes, whichever is made here."""
        for index in self._suspects(cells).tolist():
            cell = cells.one(index)
            for raw in (cell, _unarmored(cell)):
                key = self._key_of(raw)
                if key is None and not self._opens_bare(raw):
                    continue
                under = f", under key id {key.key_id}" if key else ""
                raise BadCells(
                    PolicyError,
                    self._label,
                    [index],
                    f"encrypted already{under}",
                    hint="encrypt the original file; what this keyset has encrypted is refused",
                )

    def _suspects(self, cells: Cells) -> Places:
        """The cells that are worth a closer look: those that begin like a prefix."""
        suspects = np.flatnonzero(begin_with_any(cells, [*self._begins]))
        if any(not reader.wire.prefix for reader in self._readers):
            suspects = np.union1d(suspects, np.arange(min(_TRIED, len(cells))))
        return suspects

    def _opens_bare(self, raw: bytes) -> bool:
        """Tell whether a key without a prefix opens a ciphertext."""
        return any(reader.opens(raw) for reader in self._readers if not reader.wire.prefix)

    def _key_of(self, raw: bytes) -> Key | None:
        """The key whose prefix a ciphertext bears, whatever its status."""
        bound = self._prefixed.get(int.from_bytes(raw[1:PREFIX], "big"))
        if bound is None or raw[:1] != b"\x01" or len(raw) < bound.wire.overhead:
            return None
        return bound.key

    def _refusal(self, sealed: Cells, bad: Places, order: Places) -> BadCells:
        """Say why cells could not be opened: why the first one, and which share its reason."""
        bad = bad[np.argsort(order[bad])]
        blocked = [self._blocked(sealed.one(index)) for index in bad.tolist()]
        why = blocked[0]
        rows = [row for row, key in zip(order[bad].tolist(), blocked, strict=True) if key is why]
        if why is None:
            what = "not an authentic ciphertext of this key and context"
            return BadCells(AuthenticationError, self._label, rows, what)
        return BadCells(
            KeyAccessError,
            self._label,
            rows,
            f"encrypted under key id {why.key_id}, which is {why.status}",
            hint="enable that key again, if it may still be used",
        )

    def _blocked(self, raw: bytes) -> Key | None:
        """The key whose prefix a ciphertext bears, if that key may not be used."""
        key = self._key_of(raw)
        return key if key is not None and key.status is not Status.ENABLED else None


def _unarmored(text: bytes) -> bytes:
    """The bytes of a base64 text, or none."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        return b""
