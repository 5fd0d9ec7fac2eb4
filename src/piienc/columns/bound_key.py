"""One key of a set, bound to a context and to a form of storage."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from piienc.cells import scatter
from piienc.columns.groups import groups, joined
from piienc.columns.kernel import Kernel, make_kernel
from piienc.columns.wire import Wire

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.cells import Bytes, Cells, Places
    from piienc.columns.groups import Group
    from piienc.keys import Key, Mode

PREFIX = 5
"""Bytes of Tink's TINK output prefix: 01, then the key id, big endian."""


class BoundKey:
    """Seals and opens cells that are sorted by length."""

    def __init__(self, mode: Mode, key: Key, context: bytes, *, text: bool) -> None:
        self.key = key
        self._mode, self._context = mode, context
        self.wire = Wire.of(mode, key, text=text)

    @cached_property
    def kernel(self) -> Kernel:
        """The mode's kernel for this key and context, checked when it is made."""
        return make_kernel(self._mode, self.key, self._context)

    def seal(self, cells: Cells, out: Bytes, starts: Places) -> None:
        """Encrypt cells, each to its own start in `out`."""
        few = int(np.searchsorted(cells.lengths, self.kernel.longest, side="right"))
        for where, group in groups(cells.take(slice(few))):
            head, tail = self.kernel.seal(group)
            self.wire.store(out, starts[where], group, head, tail)
        for index in range(few, len(cells)):
            stored = self.wire.store_one(self.kernel.seal_one(cells.one(index)))
            start = int(starts[index])
            out[start : start + len(stored)] = np.frombuffer(stored, np.uint8)

    def claims(self, sealed: Cells) -> NDArray[np.bool_]:
        """Tell which ciphertexts may be this key's, by their length and prefix."""
        mine: NDArray[np.bool_] = sealed.lengths >= self.wire.overhead
        if self.wire.prefix:
            mine &= begin_with_any(sealed, [self.wire.prefix])
        return mine

    def opens(self, raw: bytes) -> bool:
        """Tell whether one ciphertext is authentic under this key."""
        return len(raw) >= self.wire.overhead and self.kernel.open_one(raw) is not None

    def open(self, sealed: Cells, index: Places) -> Opened:
        """Decrypt ciphertexts, and keep those that are authentic under their index."""
        wire, kernel = self.wire, self.kernel
        lengths = sealed.lengths - wire.overhead
        few = int(np.searchsorted(lengths, kernel.longest, side="right"))
        inner = sealed.part(len(wire.prefix) + wire.head, lengths)
        heads = sealed.starts + len(wire.prefix)
        tails = inner.starts + lengths
        opened = Opened(index, lengths)
        for where, group in groups(inner.take(slice(few))):
            head = sealed.windows(wire.head)[heads[where]]
            tail = sealed.windows(wire.tail)[tails[where]] if wire.tail else None
            opened.add_group(where, group, kernel.open(group, head, tail))
        for number in range(few, len(sealed)):
            opened.add_one(number, kernel.open_one(sealed.one(number)[len(wire.prefix) :]))
        return opened


class Opened:
    """What one key has opened, kept until the places of all cells are known."""

    def __init__(self, index: Places, lengths: Places) -> None:
        self._index, self._lengths = index, lengths
        self._authentic = np.zeros(len(index), np.bool_)
        self._groups: list[tuple[slice, Group, NDArray[np.bool_]]] = []
        self._ones: list[tuple[int, bytes]] = []

    def add_group(self, where: slice, group: Group, authentic: NDArray[np.bool_]) -> None:
        """Keep a decrypted group."""
        self._authentic[where] = authentic
        self._groups.append((where, group, authentic))

    def add_one(self, number: int, cell: bytes | None) -> None:
        """Keep a decrypted cell; None if it was not authentic."""
        if cell is not None:
            self._authentic[number] = True
            self._ones.append((number, cell))

    @property
    def done(self) -> Places:
        """The index of the authentic cells."""
        return self._index[self._authentic]

    @property
    def lengths(self) -> Places:
        """The lengths of the authentic cells, decrypted."""
        return self._lengths[self._authentic]

    def is_ascii(self) -> bool:
        """Tell whether all cells, authentic or not, are ASCII."""
        blocks = all(int(group.blocks.view(np.int8).min()) >= 0 for _, group, _ in self._groups)
        return blocks and all(cell.isascii() for _, cell in self._ones)

    def holding(self, byte: int) -> Places:
        """Return the index of each authentic cell that holds a byte, which is not zero."""
        found = [np.empty(0, np.int64)]
        for where, group, authentic in self._groups:
            holding = group.holding(byte)
            found.append(self._index[where][holding[authentic[holding]]])
        ones = [number for number, cell in self._ones if byte in cell]
        return np.concatenate([*found, self._index[ones]])

    def write(self, out: Bytes, starts: Places) -> None:
        """Write the authentic cells, each to the start of its index."""
        for where, group, authentic in self._groups:
            places = starts[self._index[where]]
            whole = bool(authentic.all())
            for run in group.runs:
                if run.length == 0:
                    continue
                part = slice(run.start, run.stop)
                rows, at = joined(group.parts(run)), places[part]
                if not whole:
                    rows, at = rows[authentic[part]], at[authentic[part]]
                scatter(out, at, rows)
        for number, cell in self._ones:
            start = int(starts[self._index[number]])
            out[start : start + len(cell)] = np.frombuffer(cell, np.uint8)


def begin_with_any(cells: Cells, begins: list[bytes]) -> NDArray[np.bool_]:
    """Tell which cells begin with one of some strings of up to eight bytes.

    A cell that is shorter may seem to, by what stands behind it.
    """
    first = cells.windows(8)[cells.starts].view(np.uint64)
    found = np.zeros(len(cells), np.bool_)
    for begin in begins:
        found |= (first & _word(b"\xff" * len(begin))) == _word(begin)
    return found


def _word(begin: bytes) -> np.uint64:
    """Return up to eight bytes as a 64-bit word in memory order, zeros behind them."""
    word: np.uint64 = np.frombuffer(begin.ljust(8, b"\0"), np.uint64)[0]
    return word
