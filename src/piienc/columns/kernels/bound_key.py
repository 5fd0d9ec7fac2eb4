"""One key of a set, bound to a context and to a form of storage."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from piienc.base.cells import Cells
from piienc.columns.kernels.aes import BLOCK
from piienc.columns.kernels.groups import groups, rows_of
from piienc.columns.wire import WireFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.columns.kernels.groups import CellGroup
    from piienc.columns.kernels.kernel import Kernel, Kernels
    from piienc.keys import Key, Mode

PREFIX = 5
"""Bytes of Tink's TINK output prefix: 01, then the key id, big endian."""


class BoundKey:
    """Seals and opens cells that are sorted by length."""

    def __init__(
        self, mode: Mode, key: Key, context: bytes, *, text: bool, kernels: Kernels
    ) -> None:
        self.key, self._kernels = key, kernels
        self._mode, self._context = mode, context
        self.wire = WireFormat.of(mode, key, text=text)

    @cached_property
    def kernel(self) -> Kernel:
        """The mode's kernel for this key and context, checked when it is made."""
        return self._kernels.of(self._mode, self.key, self._context)

    def seal(self, cells: Cells) -> list[Cells]:
        """Encrypt cells; return them as they are stored, in order, in several buffers."""
        if not len(cells):
            return []  # and no kernel is needed yet
        few = int(np.searchsorted(cells.lengths, self.kernel.longest, side="right"))
        parts = [
            self.wire.store(group, *self.kernel.seal(group))
            for _, group in groups(cells.take(slice(few)))
        ]
        if few < len(cells):
            sealed = (self.kernel.seal_one(cells.one(index)) for index in range(few, len(cells)))
            parts.append(Cells.of([self.wire.store_one(cell) for cell in sealed]))
        return parts

    def claims(self, sealed: Cells) -> NDArray[np.bool_]:
        """Tell which ciphertexts may be this key's, by their length and prefix."""
        mask: NDArray[np.bool_] = sealed.lengths >= self.wire.overhead
        if self.wire.prefix:
            mask &= begin_with_any(sealed, [self.wire.prefix])
        return mask

    def opens(self, raw: bytes) -> bool:
        """Tell whether one ciphertext is authentic under this key."""
        return len(raw) >= self.wire.overhead and self.kernel.open_one(raw) is not None

    def open(self, sealed: Cells) -> tuple[list[Cells], NDArray[np.bool_]]:
        """Decrypt ciphertexts.

        Returns:
            The authentic ones, decrypted, in order, in several buffers, with a zero byte before
            and behind each; and which ones they are.
        """
        wire, kernel = self.wire, self.kernel
        lengths = sealed.lengths - wire.overhead
        few = int(np.searchsorted(lengths, kernel.longest, side="right"))
        inner = sealed.part(len(wire.prefix) + wire.head, lengths)
        heads = sealed.starts + len(wire.prefix)
        tails = inner.starts + lengths
        parts, authentic = [], np.zeros(len(sealed), np.bool_)
        for where, group in groups(inner.take(slice(few))):
            head = sealed.windows(wire.head)[heads[where]]
            tail = sealed.windows(wire.tail)[tails[where]] if wire.tail else None
            authentic[where] = kernel.open(group, head, tail)
            parts.append(_fenced(group, authentic[where]))
        ones = []
        for number in range(few, len(sealed)):
            cell = kernel.open_one(sealed.one(number)[len(wire.prefix) :])
            if cell is not None:
                authentic[number] = True
                ones.append(cell)
        if ones:
            parts.append(Cells.of(ones, fence=1))
        return parts, authentic


def _fenced(group: CellGroup, authentic: NDArray[np.bool_]) -> Cells:
    """Return the authentic cells of a group, with a zero byte before and behind each."""
    room = BLOCK * len(group.blocks) + 2
    rows, lengths = rows_of(b"\0", list(group.blocks), room), group.lengths
    if not authentic.all():
        rows, lengths = rows[authentic], lengths[authentic]
    return Cells(rows.view(np.uint8), room * np.arange(len(rows)) + 1, lengths)


def begin_with_any(cells: Cells, begins: list[bytes]) -> NDArray[np.bool_]:
    """Tell which cells begin with one of some strings of up to eight bytes.

    A cell that is shorter may seem to, by what stands behind it.
    """
    first = cells.windows(8)[cells.starts].view(np.uint64)
    mask = np.zeros(len(cells), np.bool_)
    for begin in begins:
        mask |= (first & _word(b"\xff" * len(begin))) == _word(begin)
    return mask


def _word(begin: bytes) -> np.uint64:
    """Return up to eight bytes as a 64-bit word in memory order, zeros behind them."""
    word: np.uint64 = np.frombuffer(begin.ljust(8, b"\0"), np.uint64)[0]
    return word
