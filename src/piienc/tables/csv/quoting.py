"""Quotes around fields: taken off before a column is worked on, put on where it is text again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.base.cells import CellPool, Cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.base.cells import Places

_LF, _CR = ord("\n"), ord("\r")


def unquoted(fields: Cells, index: Places, doubled: Places) -> Cells:
    """Return the values of fields: without their quotes, and with doubled quotes made single.

    Args:
        fields: the fields as written in the file, in order.
        index: the indices of the quoted fields.
        doubled: the positions in the buffer of the second of two doubled quotes, in order.
    """
    if not len(index):
        return fields
    starts, lengths = fields.starts.copy(), fields.lengths.copy()
    starts[index] += 1
    lengths[index] -= 2
    return _made_single(Cells(fields.data, starts, lengths), doubled)


def quoted(pool: CellPool, quote: int, delimiter: int) -> CellPool:
    """Return cells as fields: in quotes where they need them, and only there.

    Args:
        pool: with a zero byte before and behind each cell, which may be overwritten. An empty
            cell is the empty string, not null.
        quote: the character.
        delimiter: between fields.
    """
    mark = bytes([quote])
    parts: list[Cells] = []
    moved = np.arange(sum(map(len, pool.parts)))
    doubled: list[bytes] = []
    count = 0
    for part in pool.parts:
        indices = _holding(part, part.data == quote)
        moved[count + indices] = len(moved) + len(doubled) + np.arange(len(indices))
        doubled += (mark + part.one(n).replace(mark, mark + mark) + mark for n in indices.tolist())
        parts.append(_in_quotes(part, quote, delimiter))
        count += len(part)
    if not doubled:
        return CellPool(tuple(parts), pool.where)
    return CellPool((*parts, Cells.of(doubled)), moved[pool.where])


def _in_quotes(part: Cells, quote: int, delimiter: int) -> Cells:
    """Write quotes before and behind each cell that is empty or holds what ends a field."""
    data = part.data
    needs = part.lengths == 0
    needs[_holding(part, (data == _LF) | (data == _CR) | (data == delimiter))] = True
    if not needs.any():
        return part
    starts, lengths = part.starts - needs, part.lengths + 2 * needs
    data[starts[needs]] = quote
    data[(starts + lengths)[needs] - 1] = quote
    return Cells(data, starts, lengths)


def _holding(part: Cells, special: NDArray[np.bool_]) -> Places:
    """Return the index of each cell that holds a byte of some kind; there are none between."""
    places = np.flatnonzero(special)
    return np.unique(np.searchsorted(part.starts, places, side="right") - 1)


def _made_single(cells: Cells, doubled: Places) -> Cells:
    """Return cells that stand in order without the bytes at some places."""
    ends = cells.starts + cells.lengths
    at = np.searchsorted(cells.starts, doubled, "right") - 1
    inside = (at >= 0) & (doubled < ends[at])
    if not inside.any():
        return cells
    at, doubled = at[inside], doubled[inside]
    starts = np.sort(np.concatenate([cells.starts, doubled + 1]), kind="stable")
    stops = np.sort(np.concatenate([ends, doubled]), kind="stable")
    between = Cells(cells.data, starts, stops - starts).packed(np.arange(len(starts)))
    gone = np.bincount(at, minlength=len(cells))
    return Cells.side_by_side(between.data, cells.lengths - gone)
