"""Cells laid out for the kernels: all first blocks, all second blocks, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.base.cells import CellRun, runs_of
from piienc.columns.kernels.aes import BLOCK, Blocks, constant_blocks, empty_blocks, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.base.cells import Cells, Places

_KEEP = [b"\xff" * kept + bytes(BLOCK - kept) for kept in range(BLOCK + 1)]


class CellGroup(Struct, frozen=True):
    """Cells of one number of blocks, sorted by length, block by block.

    Attributes:
        blocks: shape (blocks a cell, cells); what lies behind a cell's end is zero. An empty
            cell has one block, all zero.
        runs: the cells of each length, in order.
    """

    blocks: Blocks
    runs: tuple[CellRun, ...]

    @property
    def rows(self) -> int:
        """The number of cells."""
        return int(self.blocks.shape[1])

    def each(self, constant: Callable[[int], bytes]) -> Blocks:
        """Return a block for every cell that depends on the cell's length alone."""
        blocks = constant_blocks([constant(run.length) for run in self.runs])
        return blocks.repeat([run.stop - run.start for run in self.runs])

    def clear_behind(self) -> None:
        """Set to zero what lies behind the end of each cell."""
        last = words(self.blocks[-1])
        np.bitwise_and(last, words(self.each(_kept)), out=last)

    @property
    def lengths(self) -> Places:
        """The bytes in each cell, int64, rising."""
        lengths = np.array([run.length for run in self.runs], np.int64)
        return lengths.repeat([run.stop - run.start for run in self.runs])


def block_count(length: int) -> int:
    """Return how many blocks a cell fills; an empty one has a block of its own."""
    return max(1, -(-length // BLOCK))


def inside_last(length: int) -> int:
    """Return how many bytes of a cell stand in its last block."""
    return length - BLOCK * (block_count(length) - 1)


def groups(cells: Cells) -> Iterator[tuple[slice, CellGroup]]:
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
        first, last = members[0].start, members[-1].stop
        starts = cells.starts[first:last]
        blocks = empty_blocks(count, len(starts))
        for number in range(count):
            blocks[number] = window[starts + BLOCK * number]
        shifted = tuple(CellRun(run.length, run.start - first, run.stop - first) for run in members)
        group = CellGroup(blocks, shifted)
        group.clear_behind()
        yield slice(first, last), group


def rows_of(begin: bytes, parts: Sequence[NDArray[np.void]], room: int) -> NDArray[np.void]:
    """Put the parts of rows together, each row one item of `room` bytes.

    Args:
        begin: what every row begins with.
        parts: what follows, one item for each row.
        room: bytes in a row; those behind the parts are zero.
    """
    end = bytes(room - len(begin) - sum(part.itemsize for part in parts))
    fields: list[np.void | NDArray[np.void]] = [np.void(begin), *parts, np.void(end)]
    kinds = [(f"f{number}", field.dtype) for number, field in enumerate(fields)]
    rows = np.empty(len(parts[0]), kinds)
    for (name, kind), field in zip(kinds, fields, strict=True):
        if kind.itemsize:
            rows[name] = field
    return rows


def _kept(length: int) -> bytes:
    """Return the mask of a cell's last block: ones for its bytes, zeros behind them."""
    return _KEEP[inside_last(length)]
