"""Cells of any length, side by side in one buffer, and their way into blocks and back.

The kernels want rectangles: all first blocks, all second blocks. So cells are sorted by
length, cut into groups of one number of blocks, and gathered 16 bytes at a time through
overlapping windows over the buffer. Rows of one length share a shape, so they are put
together and scattered as one void item each: a single copy for a whole row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from piienc.columns.aes import BLOCK, Blocks, constant_blocks, empty_blocks, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SPARE = 32
"""Bytes behind the last cell of a buffer, so that a window may reach over its end."""

_KEEP = constant_blocks([b"\xff" * kept + bytes(BLOCK - kept) for kept in range(BLOCK + 1)])


@dataclass(frozen=True, slots=True)
class Cells:
    """Byte strings in one buffer.

    Attributes:
        data: uint8, with `SPARE` bytes behind the last cell.
        starts: int64, where each cell begins.
        lengths: int64, bytes in each cell.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, index: NDArray[np.int64]) -> Cells:
        """Return the cells of the given index, over the same buffer."""
        return Cells(self.data, self.starts[index], self.lengths[index])

    def part(self, begin: int, length: NDArray[np.int64]) -> Cells:
        """Return the part of each cell that begins at an offset and has the given length."""
        return Cells(self.data, self.starts + begin, length)

    def one(self, index: int) -> bytes:
        """Return one cell's bytes."""
        start = int(self.starts[index])
        return self.data[start : start + int(self.lengths[index])].tobytes()

    def windows(self, width: int) -> NDArray[np.void]:
        """Look at the buffer as overlapping items of `width` bytes, one beginning at each byte."""
        return windows(self.data, width)


def windows(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Look at a buffer as overlapping items of `width` bytes, one beginning at each byte."""
    count = max(0, len(data) - width + 1)
    base = np.ndarray((1,), np.dtype((np.void, width)), data) if count else np.empty(0, f"V{width}")
    return as_strided(base, (count,), (1,))


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in a group that share one length: `start:stop` of the group's rows."""

    length: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Group:
    """Cells of one number of blocks, sorted by length, block by block.

    Attributes:
        blocks: shape (blocks a cell, cells); what lies behind a cell's end is zero. An empty
            cell has one block, all zero.
        runs: the cells of each length, in order.
    """

    blocks: Blocks
    runs: tuple[Run, ...]

    @property
    def rows(self) -> int:
        """The number of cells."""
        return self.blocks.shape[1]

    def each(self, constant: Callable[[int], bytes]) -> Blocks:
        """Return a block for every cell that depends on the cell's length alone."""
        made = constant_blocks([constant(run.length) for run in self.runs])
        if len(self.runs) == 1:
            return np.broadcast_to(made, self.rows).copy()
        return made.repeat([run.stop - run.start for run in self.runs])

    def clear_behind(self) -> None:
        """Set to zero what lies behind the end of each cell."""
        last = words(self.blocks[-1])
        np.bitwise_and(last, words(self.each(keep_mask)), out=last)


def keep_mask(length: int) -> bytes:
    """Return the mask of a cell's last block: ones for its bytes, zeros behind them."""
    kept = length - BLOCK * (block_count(length) - 1)
    return _KEEP[kept].tobytes()


def block_count(length: int) -> int:
    """Return how many blocks a cell fills; an empty one has a block of its own."""
    return max(1, -(-length // BLOCK))


def by_length(lengths: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Return the stable order of cells by length; none is longer than `longest`."""
    # Up to 16 bits wide, NumPy's stable sort is a radix sort.
    narrow = np.uint8 if longest < 1 << 8 else np.uint16 if longest < 1 << 16 else np.int64
    return lengths.astype(narrow).argsort(kind="stable")


def runs_of(sorted_lengths: NDArray[np.int64]) -> list[Run]:
    """Cut sorted lengths into runs of equal ones."""
    if not len(sorted_lengths):
        return []
    borders = np.flatnonzero(np.diff(sorted_lengths)) + 1
    edges = [0, *borders.tolist(), len(sorted_lengths)]
    return [
        Run(int(sorted_lengths[start]), start, stop)
        for start, stop in zip(edges, edges[1:], strict=False)
    ]


def groups(cells: Cells) -> Iterator[tuple[slice, Group]]:
    """Cut cells that are sorted by length into groups, each gathered into blocks.

    Yields:
        Which of the cells, and the group.
    """
    window = cells.windows(BLOCK)
    runs = runs_of(cells.lengths)
    while runs:
        count = block_count(runs[0].length)
        members = [run for run in runs if block_count(run.length) == count]
        runs = runs[len(members) :]
        where = slice(members[0].start, members[-1].stop)
        starts = cells.starts[where]
        blocks = empty_blocks(count, len(starts))
        for number in range(count):
            blocks[number] = window[starts + BLOCK * number]
        group = Group(
            blocks,
            tuple(
                Run(run.length, run.start - where.start, run.stop - where.start) for run in members
            ),
        )
        group.clear_behind()
        yield where, group
