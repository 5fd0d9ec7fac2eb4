"""Cells of any length, side by side in one buffer: what passes between tables and columns.

NumPy has no copy of many strings of many lengths. But strings of one length are rows of one
shape: sorted by length, each run of equal lengths is gathered and scattered through
overlapping windows over the buffers, a whole string in one copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Places = NDArray[np.int64]

SPARE = 32
"""Bytes behind the last cell of a buffer, so that a window may reach over its end."""


class Placeable(Protocol):
    """Cells that are written where somebody else wants them."""

    @property
    def lengths(self) -> Places:
        """The bytes in each cell, int64."""

    def write(self, out: Bytes, starts: Places) -> None:
        """Write each cell to its own start in `out`, which has room for all."""


class Searchable(Placeable, Protocol):
    """Placeable cells that can be searched for a byte."""

    def holding(self, byte: int) -> Places:
        """Return the index of each cell that holds a byte."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Byte strings in one buffer.

    Attributes:
        data: uint8, with `SPARE` bytes behind the last cell.
        starts: int64, where each cell begins.
        lengths: int64, bytes in each cell.
    """

    data: Bytes
    starts: Places
    lengths: Places

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def new(cls, lengths: Places) -> Cells:
        """Return cells of the given lengths, one behind the other, to be filled in."""
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return cls(np.empty(total + SPARE, np.uint8), ends - lengths, lengths)

    @classmethod
    def of(cls, placeable: Placeable) -> Cells:
        """Return placeable cells, one behind the other in a buffer of their own."""
        cells = cls.new(placeable.lengths)
        placeable.write(cells.data, cells.starts)
        return cells

    def take(self, index: Places | slice) -> Cells:
        """Return the cells of the given index, over the same buffer."""
        return Cells(self.data, self.starts[index], self.lengths[index])

    def part(self, begin: int, lengths: Places) -> Cells:
        """Return the part of each cell that begins at an offset and has the given length."""
        return Cells(self.data, self.starts + begin, lengths)

    def one(self, index: int) -> bytes:
        """Return one cell's bytes."""
        start, length = int(self.starts[index]), int(self.lengths[index])
        cell: bytes = self.data[start : start + length].tobytes()
        return cell

    def windows(self, width: int) -> NDArray[np.void]:
        """Look at the buffer as overlapping items of `width` bytes, one beginning at each byte."""
        return windows(self.data, width)

    def by_length(self) -> Places:
        """Return the stable order of the cells by length."""
        longest = int(self.lengths.max(initial=0))
        if longest == int(self.lengths.min(initial=longest)):
            return np.arange(len(self))
        # Up to 16 bits wide, NumPy's stable sort is a radix sort.
        narrow = np.uint8 if longest < 1 << 8 else np.uint16 if longest < 1 << 16 else np.int64
        return self.lengths.astype(narrow).argsort(kind="stable")

    def write(self, out: Bytes, starts: Places) -> None:
        """Copy each cell to its own start in `out`, which has room for all."""
        if not self.lengths.any():
            return
        order = self.by_length()
        cells, starts = self.take(order), starts[order]
        for run in runs_of(cells.lengths):
            if run.length:
                where = slice(run.start, run.stop)
                scatter(out, starts[where], cells.windows(run.length)[cells.starts[where]])


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours that share one length: `start:stop` of cells sorted by length."""

    length: int
    start: int
    stop: int


def runs_of(sorted_lengths: Places) -> list[Run]:
    """Cut sorted lengths into runs of equal ones."""
    if not len(sorted_lengths):
        return []
    borders = np.flatnonzero(sorted_lengths[1:] != sorted_lengths[:-1]) + 1
    starts = [0, *borders.tolist()]
    stops = [*starts[1:], len(sorted_lengths)]
    lengths = sorted_lengths[starts].tolist()
    return [Run(*facts) for facts in zip(lengths, starts, stops, strict=True)]


def windows(data: Bytes, width: int) -> NDArray[np.void]:
    """Look at a buffer as overlapping items of `width` bytes, one beginning at each byte."""
    count = max(0, len(data) - width + 1)
    return np.ndarray((count,), np.dtype((np.void, width)), data, 0, (1,))


def scatter(out: Bytes, starts: Places, rows: NDArray[np.void]) -> None:
    """Copy each row, one void item, to its own start in `out`."""
    windows(out, rows.itemsize)[starts] = rows.view(f"V{rows.itemsize}")
