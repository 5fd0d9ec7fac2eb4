"""Cells laid out for the kernels: all first blocks, all second blocks, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from piienc.cells import Run, runs_of
from piienc.columns.aes import BLOCK, Blocks, constant_blocks, empty_blocks, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from piienc.cells import Cells

_KEEP = [b"\xff" * kept + bytes(BLOCK - kept) for kept in range(BLOCK + 1)]


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
        return int(self.blocks.shape[1])

    def each(self, constant: Callable[[int], bytes]) -> Blocks:
        """Return a block for every cell that depends on the cell's length alone."""
        made = constant_blocks([constant(run.length) for run in self.runs])
        return made.repeat([run.stop - run.start for run in self.runs])

    def clear_behind(self) -> None:
        """Set to zero what lies behind the end of each cell."""
        last = words(self.blocks[-1])
        np.bitwise_and(last, words(self.each(_kept)), out=last)

    def holding(self, byte: int) -> NDArray[np.intp]:
        """Return the number of each cell that holds a byte, which is not zero."""
        found = self.blocks.view(np.uint8) == byte
        if not found.any():
            return np.empty(0, np.intp)
        return np.flatnonzero(found.reshape(len(self.blocks), -1, BLOCK).any(axis=(0, 2)))

    def parts(self, run: Run) -> list[NDArray[np.void]]:
        """Return a run's cells as their blocks, the last one cut to the cell's length."""
        whole, rest = divmod(run.length, BLOCK)
        parts: list[NDArray[np.void]] = [
            self.blocks[number, run.start : run.stop] for number in range(whole)
        ]
        if rest:
            cut = np.dtype({"names": ["cell"], "formats": [f"V{rest}"], "itemsize": BLOCK})
            parts.append(self.blocks[whole, run.start : run.stop].view(cut)["cell"])
        return parts


def block_count(length: int) -> int:
    """Return how many blocks a cell fills; an empty one has a block of its own."""
    return max(1, -(-length // BLOCK))


def inside_last(length: int) -> int:
    """Return how many bytes of a cell stand in its last block."""
    return length - BLOCK * (block_count(length) - 1)


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
        first, last = members[0].start, members[-1].stop
        starts = cells.starts[first:last]
        blocks = empty_blocks(count, len(starts))
        for number in range(count):
            blocks[number] = window[starts + BLOCK * number]
        shifted = tuple(Run(run.length, run.start - first, run.stop - first) for run in members)
        group = Group(blocks, shifted)
        group.clear_behind()
        yield slice(first, last), group


def joined(
    parts: list[NDArray[np.void]],
    prefix: bytes = b"",
    padding: int = 0,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.void]:
    """Put the parts of rows together, each row one item: prefix, parts, zeros.

    Args:
        parts: one array for each part, all of one length.
        prefix: what every row begins with.
        padding: how many zeros every row ends with.
        out: where the rows are made, one behind the other; else in an array of their own.
    """
    kinds = [np.dtype(f"V{len(prefix)}")] if prefix else []
    kinds += [part.dtype for part in parts]
    kinds += [np.dtype(f"V{padding}")] if padding else []
    kind = np.dtype([(f"f{n}", kind) for n, kind in enumerate(kinds)])
    rows = np.empty(len(parts[0]), kind) if out is None else out.view(kind)
    fields = iter(kind.names or ())
    if prefix:
        rows[next(fields)] = np.void(prefix)
    for part in parts:
        rows[next(fields)] = part
    if padding:
        rows[next(fields)] = np.void(bytes(padding))
    return rows


def _kept(length: int) -> bytes:
    """Return the mask of a cell's last block: ones for its bytes, zeros behind them."""
    return _KEEP[inside_last(length)]
