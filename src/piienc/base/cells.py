"""Cells of any length, side by side in one buffer: what passes between tables and columns.

NumPy has no copy of many strings of many lengths, but Arrow has: a buffer that is cut at rising
places is an array of strings, and taking strings from it in any order puts them one behind the
other. Everything that is moved here is moved by that one operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Places = NDArray[np.int64]
    Narrow = NDArray[np.int32]

SPARE = 32
"""Bytes behind the last cell of a buffer, so that a window may reach over its end."""

_INT32_MAX = (1 << 31) - 1


class Pieces(Struct, frozen=True):
    """A buffer, cut.

    Attributes:
        data: uint8.
        cuts: int64 or int32, rising: piece `i` goes from cut `i` to cut `i + 1`.
    """

    data: Bytes
    cuts: Places | Narrow


class Cells(Struct, frozen=True):
    """Byte strings in one buffer.

    Attributes:
        data: uint8; where cells are looked at through windows, with `SPARE` bytes behind the
            last one.
        starts: int64, where each cell begins.
        lengths: int64, bytes in each cell.
    """

    data: Bytes
    starts: Places
    lengths: Places

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def of(cls, cells: Sequence[bytes], fence: int = 0) -> Cells:
        """Return some byte strings as cells, with `fence` zero bytes before and behind each."""
        between = bytes(fence)
        data = bytearray().join(between + cell + between for cell in cells)
        lengths = np.array([len(cell) for cell in cells], np.int64)
        all_of_them = cls.side_by_side(np.frombuffer(data, np.uint8), lengths + 2 * fence)
        return all_of_them.part(fence, lengths)

    @classmethod
    def side_by_side(cls, data: Bytes, lengths: Places) -> Cells:
        """Look at a buffer as cells of the given lengths, one behind the other."""
        return cls(data, np.cumsum(lengths) - lengths, lengths)

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

    def pieces(self) -> Pieces:
        """Cut the buffer around the cells, which stand in order: cell `i` is piece `2 * i`."""
        cuts = np.empty(2 * len(self), np.int64)
        cuts[0::2] = self.starts
        np.add(self.starts, self.lengths, out=cuts[1::2])
        return Pieces(self.data, cuts)

    def text(self) -> pa.Array:
        """Return cells of UTF-8 that stand in order as an array of strings."""
        if not len(self):
            return pa.array([], pa.string())
        array = _taken([self.pieces()], np.arange(0, 2 * len(self), 2, dtype=np.int32))
        kind = pa.string() if array.type == pa.binary() else pa.large_string()
        return pa.Array.from_buffers(kind, len(self), array.buffers())

    def packed(self, order: Places) -> Cells:
        """Return cells in another order, one behind the other, and `SPARE` bytes behind them."""
        if not len(self):
            return Cells(np.zeros(SPARE, np.uint8), self.starts, self.lengths)
        standing, index = self, order
        if (self.starts[1:] < self.starts[:-1]).any():
            by_place = self.starts.argsort(kind="stable")
            standing, index = self.take(by_place), _inverse(by_place)[order]
        pieces = standing.pieces()
        behind_last = len(pieces.cuts) - 1
        table = PieceTable()
        table.add(Pieces(pieces.data, np.append(pieces.cuts, pieces.cuts[-1] + SPARE)))
        packed = table.assemble(np.append(2 * index, behind_last))
        return Cells.side_by_side(packed.data, self.lengths[order])


class CellPool(Struct, frozen=True):
    """Cells in several buffers, in an order of their own.

    Attributes:
        parts: cells that stand in order in their buffers. They are numbered from part to part.
        where: int64, the number of each cell of the pool.
    """

    parts: tuple[Cells, ...]
    where: Places

    @classmethod
    def of(cls, parts: Sequence[Cells], index: Places) -> CellPool:
        """Return a pool of parts whose numbers `0, 1, ...` are the pool's cells `index`."""
        return cls(tuple(parts), _inverse(index))

    @property
    def lengths(self) -> Places:
        """The bytes in each cell, int64."""
        none = np.empty(0, np.int64)
        return np.concatenate([none, *(part.lengths for part in self.parts)])[self.where]

    def packed(self) -> Cells:
        """Return the cells, one behind the other in a buffer of their own."""
        table = PieceTable()
        index = table.add_pool(self)
        return Cells.side_by_side(table.assemble(index).data, self.lengths)


class PieceTable:
    """Pieces of several buffers. Each gets its number when it is added, from what is there."""

    def __init__(self) -> None:
        self._sources: list[Pieces] = []
        self._count = 0

    def add(self, pieces: Pieces) -> int:
        """Add a buffer; return the number of its first piece, which the others follow."""
        first = self._count
        self._sources.append(pieces)
        # Behind the last cut of a buffer is a piece, too: it leads to the next buffer.
        self._count += len(pieces.cuts)
        return first

    def add_cells(self, cells: Cells) -> Places:
        """Add cells that stand in order; return the number of each."""
        return self.add(cells.pieces()) + 2 * np.arange(len(cells))

    def add_pool(self, pool: CellPool) -> Places:
        """Add the buffers of a pool; return the number of each of its cells."""
        numbers = [np.empty(0, np.int64), *map(self.add_cells, pool.parts)]
        return np.concatenate(numbers)[pool.where]

    def assemble(self, index: Places | Narrow) -> Pieces:
        """Return the pieces of these numbers, one behind the other: piece `i` is the `i`-th."""
        if not len(index):
            return Pieces(np.empty(0, np.uint8), np.zeros(1, np.int32))
        array = _taken(self._sources, index)
        _, offsets, data = array.buffers()
        width = np.dtype(np.int32 if array.type == pa.binary() else np.int64)
        cuts = np.frombuffer(offsets, width, len(array) + 1)  # from 0 on
        return Pieces(np.frombuffer(data, np.uint8, int(cuts[-1])), cuts)


def _taken(sources: Sequence[Pieces], index: Places | Narrow) -> pa.Array:
    """Return pieces of some buffers, of which there is one at the least, as an array."""
    buffers = [source.data for source in sources]
    data = buffers[0] if len(buffers) == 1 else np.concatenate(buffers)
    large = len(data) > _INT32_MAX
    offsets = np.empty(sum(len(source.cuts) for source in sources), np.int64 if large else np.int32)
    base, first = 0, 0
    for source in sources:
        part = offsets[first : first + len(source.cuts)]
        np.add(source.cuts, base, out=part, casting="same_kind")
        base, first = base + len(source.data), first + len(part)
    frames = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    kind = pa.large_binary() if large else pa.binary()
    return take(pa.Array.from_buffers(kind, len(offsets) - 1, frames), index)


def is_utf8(text: Bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    ends = pa.array([0, len(text)], pa.int64()).buffers()[1]
    array = pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(text))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def take(values: pa.Array, index: Places | Narrow) -> pa.Array:
    """Return the values at some places."""
    # Public as pyarrow.compute, which writes a wrapper for each of 300 functions: 25 ms a start.
    from pyarrow._compute import TakeOptions, call_function  # noqa: PLC0415  # see above

    # Of an array of NumPy's, pa.array() imports numpy.ma to see whether it is masked: 8 ms a start.
    kind = pa.int32() if index.dtype == np.int32 else pa.int64()
    frames = [None, pa.py_buffer(np.ascontiguousarray(index))]
    places = pa.Array.from_buffers(kind, len(index), frames)
    return call_function("take", [values, places], TakeOptions(boundscheck=False))


def _inverse(order: Places) -> Places:
    where = np.empty_like(order)
    where[order] = np.arange(len(order))
    return where


class CellRun(Struct, frozen=True):
    """Neighbours that share one length: `start:stop` of cells sorted by length."""

    length: int
    start: int
    stop: int


def runs_of(sorted_lengths: Places) -> list[CellRun]:
    """Cut sorted lengths into runs of equal ones."""
    if not len(sorted_lengths):
        return []
    borders = np.flatnonzero(sorted_lengths[1:] != sorted_lengths[:-1]) + 1
    starts = [0, *borders.tolist()]
    stops = [*starts[1:], len(sorted_lengths)]
    lengths = sorted_lengths[starts].tolist()
    return [CellRun(*facts) for facts in zip(lengths, starts, stops, strict=True)]


def windows(data: Bytes, width: int) -> NDArray[np.void]:
    """Look at a buffer as overlapping items of `width` bytes, one beginning at each byte."""
    count = max(0, len(data) - width + 1)
    return np.ndarray((count,), np.dtype((np.void, width)), data, 0, (1,))
