"""A marked column: Arrow arrays in, Arrow arrays out, under all the keys of a keyset."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pybase64

from piienc.columns.aes import BLOCK
from piienc.columns.arrays import array_of, cells_of, new_cells
from piienc.columns.bad_cells import BadCells
from piienc.columns.cells import Cells, by_length, groups
from piienc.columns.kernel import Kernel, make_kernel
from piienc.columns.wire import Wire, from_text, plain_rows, scatter
from piienc.errors import AuthenticationError, InputError, KeyAccessError, PolicyError
from piienc.keys import Mode, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.columns.cells import Group
    from piienc.keys import Key, Keyset

_TRIED = 16  # cells tried, where no prefix tells whether a column is encrypted already
_PREFIX = 5


def _word(begin: bytes) -> np.uint64:
    """The first bytes of a cell, as a 64-bit word in memory order."""
    return np.frombuffer(begin.ljust(8, b"\0"), np.uint64)[0]


_PREFIX_MASK = _word(b"\xff" * _PREFIX)


class ColumnCipher:
    """Encrypts and decrypts one column; safe to use from several threads."""

    def __init__(self, keyset: Keyset, context: str, *, text: bool, label: str) -> None:
        """Bind a keyset to a column.

        Args:
            keyset: encrypts under its primary, decrypts under all that are ENABLED.
            context: the associated data, as UTF-8.
            text: ciphertext as base64 text; else as raw bytes.
            label: what error messages call the column.
        """
        self._label = label
        self._text = text
        self._keyset = keyset
        bound = [_BoundKey(keyset.mode, key, context.encode(), text=text) for key in keyset.keys]
        self._primary = next(b for b in bound if b.key.key_id == keyset.primary_id)
        # As Tink does: the keys whose prefix fits first, then those that have none.
        enabled = [b for b in bound if b.key.status is Status.ENABLED]
        self._readers = sorted(enabled, key=lambda b: not b.wire.prefix)
        self._prefixes = {b.key.key_id: b.key for b in bound if b.wire.prefix}
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
        self._keyset.encryption_key  # noqa: B018  # it raises for a key that is for reading only
        cells, rows = cells_of(array)
        self._refuse_encrypted(cells, rows)
        lengths = np.zeros(len(array), np.int64)
        lengths[rows] = self._primary.wire.stored_lengths(cells.lengths)
        out = new_cells(lengths)
        order = by_length(cells.lengths, int(cells.lengths.max(initial=0)))
        self.used_key_ids.add(self._primary.key.key_id)
        self._primary.seal(cells.take(order), out.data, out.starts[rows[order]])
        return array_of(out, array, text=self._text)

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
        sealed, order, well_formed = self._wire_cells(cells)
        done = np.zeros(len(sealed), np.bool_)
        lengths = np.zeros(len(array), np.int64)
        targets = rows[order]
        opened = []
        for reader in self._readers:
            mine = np.flatnonzero(reader.claims(sealed) & well_formed & ~done)
            if not len(mine):
                continue
            part = reader.open(sealed.take(mine), mine)
            opened.append(part)
            self.used_key_ids.add(reader.key.key_id)
            done[part.done] = True
            lengths[targets[part.done]] = part.lengths
        if not done.all():
            raise self._refusal(sealed, np.flatnonzero(~done), targets)
        out = new_cells(lengths)
        for part in opened:
            part.write(out.data, out.starts[targets])
        return self._checked(array_of(out, array, text=text))

    def _wire_cells(self, cells: Cells) -> tuple[Cells, NDArray[np.int64], NDArray[np.bool_]]:
        """The cells' bytes by length, the index of each, and which of them are well-formed."""
        if self._text:
            return from_text(cells)
        order = by_length(cells.lengths, int(cells.lengths.max(initial=0)))
        return cells.take(order), order, np.ones(len(order), np.bool_)

    def _refuse_encrypted(self, cells: Cells, rows: NDArray[np.int64]) -> None:
        for index in self._suspects(cells).tolist():
            cell = cells.one(index)
            raw = _unarmored(cell) if self._text else cell
            key = self._key_of(raw)
            if key is None and not any(
                reader.opens(raw) for reader in self._readers if not reader.wire.prefix
            ):
                continue
            under = f", under key id {key.key_id}" if key else ""
            raise BadCells(
                PolicyError,
                self._label,
                [int(rows[index])],
                f"encrypted already{under}",
                hint="encrypt the original file; nothing is ever encrypted twice",
            )

    def _suspects(self, cells: Cells) -> NDArray[np.int64]:
        """The cells that are worth a closer look: those that begin like a prefix."""
        found = []
        window = cells.windows(8)[cells.starts].view(np.uint64)
        for key in self._prefixes.values():
            prefix = pybase64.b64encode(key.output_prefix)[:6] if self._text else key.output_prefix
            mask = _word(b"\xff" * len(prefix))
            found.append(np.flatnonzero((window & mask) == _word(prefix)))
        if any(not reader.wire.prefix for reader in self._readers):
            found.append(np.arange(min(_TRIED, len(cells))))
        return np.concatenate(found)

    def _key_of(self, raw: bytes) -> Key | None:
        """The key whose prefix a ciphertext bears, whatever its status."""
        if len(raw) < self._primary.wire.head + self._primary.wire.tail + _PREFIX or raw[0] != 1:
            return None
        return self._prefixes.get(int.from_bytes(raw[1:_PREFIX], "big"))

    def _refusal(
        self, sealed: Cells, bad: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> BadCells:
        """Say why cells could not be opened."""
        rows = targets[bad].tolist()
        key = self._key_of(sealed.one(int(bad[0])))
        if key is not None and key.status is not Status.ENABLED:
            return BadCells(
                KeyAccessError,
                self._label,
                rows,
                f"encrypted under key id {key.key_id}, which is {key.status}",
                hint="enable that key again, if it may still be used",
            )
        what = "not an authentic ciphertext of this key and context"
        return BadCells(AuthenticationError, self._label, rows, what)

    def _checked(self, array: pa.Array) -> pa.Array:
        """Refuse text that is not UTF-8: another program may have encrypted anything."""
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            rows = [
                n for n, cell in enumerate(array.cast(_bytes_like(array))) if not _is_utf8(cell)
            ]
            raise BadCells(
                InputError,
                self._label,
                rows,
                "decrypted, but no UTF-8 text",
                hint='such a column holds bytes: type = "binary" in the schema, and Parquet',
            ) from None
        return array


def _bytes_like(array: pa.Array) -> pa.DataType:
    return pa.large_binary() if pa.types.is_large_string(array.type) else pa.binary()


def _is_utf8(cell: pa.Scalar) -> bool:
    try:
        (cell.as_py() or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


class _BoundKey:
    """A key of the set, bound to a context and a form of storage."""

    def __init__(self, mode: Mode, key: Key, context: bytes, *, text: bool) -> None:
        self.key = key
        self._mode, self._context = mode, context
        head, tail = (BLOCK, 0) if mode is Mode.SEARCHABLE else (12, BLOCK)
        self.wire = Wire(key.output_prefix, head, tail, text)

    @cached_property
    def kernel(self) -> Kernel:
        return make_kernel(self._mode, self.key, self._context)

    def seal(self, cells: Cells, out: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Encrypt cells that are sorted by length, each to its own start in `out`."""
        few = int(np.searchsorted(cells.lengths, self.kernel.longest, side="right"))
        for where, group in groups(cells.take(np.arange(few))):
            head, tail = self.kernel.seal(group)
            self.wire.store(out, starts[where], group, head, tail)
        for index in range(few, len(cells)):
            stored = self.wire.store_one(self.kernel.seal_one(cells.one(index)))
            start = int(starts[index])
            out[start : start + len(stored)] = np.frombuffer(stored, np.uint8)

    def claims(self, sealed: Cells) -> NDArray[np.bool_]:
        """Tell which ciphertexts may be this key's, by their length and prefix."""
        long_enough = sealed.lengths >= self.wire.overhead
        if not self.wire.prefix:
            return long_enough
        begins = sealed.windows(8)[sealed.starts].view(np.uint64)
        return long_enough & (begins & _PREFIX_MASK == _word(self.wire.prefix))

    def opens(self, raw: bytes) -> bool:
        """Tell whether one ciphertext is authentic under this key."""
        return len(raw) >= self.wire.overhead and self.kernel.open_one(raw) is not None

    def open(self, sealed: Cells, index: NDArray[np.int64]) -> _Opened:
        """Decrypt ciphertexts that are sorted by length; keep those that are authentic."""
        wire, kernel = self.wire, self.kernel
        lengths = sealed.lengths - wire.overhead
        few = int(np.searchsorted(lengths, kernel.longest, side="right"))
        inner = sealed.part(len(wire.prefix) + wire.head, lengths)
        heads = sealed.starts + len(wire.prefix)
        tails = inner.starts + lengths
        opened = _Opened(index, lengths)
        for where, group in groups(inner.take(np.arange(few))):
            head = sealed.windows(wire.head)[heads[where]]
            tail = sealed.windows(wire.tail)[tails[where]] if wire.tail else None
            opened.add_group(where, group, kernel.open(group, head, tail))
        for number in range(few, len(sealed)):
            opened.add_one(number, kernel.open_one(sealed.one(number)[len(wire.prefix) :]))
        return opened


class _Opened:
    """What one key has opened, kept until the places of all cells are known."""

    def __init__(self, index: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        self._index, self._lengths = index, lengths
        self._authentic = np.zeros(len(index), np.bool_)
        self._groups: list[tuple[slice, Group, NDArray[np.bool_]]] = []
        self._ones: list[tuple[int, bytes]] = []

    def add_group(self, where: slice, group: Group, authentic: NDArray[np.bool_]) -> None:
        self._authentic[where] = authentic
        self._groups.append((where, group, authentic))

    def add_one(self, number: int, cell: bytes | None) -> None:
        if cell is not None:
            self._authentic[number] = True
            self._ones.append((number, cell))

    @property
    def done(self) -> NDArray[np.int64]:
        """The index of the authentic cells."""
        return self._index[self._authentic]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The lengths of the authentic cells, decrypted."""
        return self._lengths[self._authentic]

    def write(self, out: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Write the authentic cells, each to the start of its index."""
        for where, group, authentic in self._groups:
            places = starts[self._index[where]]
            whole = bool(authentic.all())
            for run in group.runs:
                if run.length == 0:
                    continue
                part = slice(run.start, run.stop)
                rows, at = plain_rows(group, run), places[part]
                if not whole:
                    rows, at = rows[authentic[part]], at[authentic[part]]
                scatter(out, at, rows)
        for number, cell in self._ones:
            start = int(starts[self._index[number]])
            out[start : start + len(cell)] = np.frombuffer(cell, np.uint8)


def _unarmored(text: bytes) -> bytes:
    """The bytes of a base64 text, or none."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        return b""
