"""Quotes around fields: taken off before a column is worked on, put on where it is text again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.cells import SPARE, Cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from piienc.cells import Bytes, Placeable, Places, Searchable


def unquoted(fields: Cells, quote: int, quotes: Places) -> Cells:
    """Return what fields hold: without the quotes around, doubled ones inside made single.

    Args:
        fields: as they stand in the file, none of them empty.
        quote: the character.
        quotes: where it stands in the buffer, in order.
    """
    if not len(quotes):
        return fields
    inside = fields.data[fields.starts] == quote
    index = np.flatnonzero(inside)
    cells = Cells(fields.data, fields.starts + inside, fields.lengths - 2 * inside)
    some = cells.take(index)
    before, behind = np.searchsorted(quotes, [some.starts, some.starts + some.lengths])
    mark = bytes([quote])
    doubled = index[behind > before]
    return _replaced(cells, doubled, lambda cell: cell.replace(mark + mark, mark))


def quoted(cells: Searchable, quote: int, delimiter: int) -> Placeable:
    """Return cells as fields: in quotes where they need them, and only there.

    Args:
        cells: an empty one is the empty string, not null.
        quote: the character.
        delimiter: between fields.
    """
    needs = cells.lengths == 0
    for special in (ord("\n"), ord("\r"), delimiter):
        needs[cells.holding(special)] = True
    doubled = cells.holding(quote)
    needs[doubled] = True
    if not needs.any():
        return cells
    mark = bytes([quote])
    fields: Placeable = cells
    if len(doubled):
        fields = _replaced(Cells.of(cells), doubled, lambda cell: cell.replace(mark, mark + mark))
    return _Quoted(fields, needs, quote)


class _Quoted:
    """Cells of which some stand in quotes."""

    def __init__(self, cells: Placeable, needs: NDArray[np.bool_], quote: int) -> None:
        self._cells, self._needs, self._quote = cells, needs, quote
        self.lengths = cells.lengths + 2 * needs

    def write(self, out: Bytes, starts: Places) -> None:
        """Write each field to its own start in `out`."""
        self._cells.write(out, starts + self._needs)
        begins = starts[self._needs]
        out[begins] = self._quote
        out[begins + self.lengths[self._needs] - 1] = self._quote


def _replaced(cells: Cells, index: Places, change: Callable[[bytes], bytes]) -> Cells:
    """Return the cells with a few of them changed one by one."""
    if not len(index):
        return cells
    changed = [change(cells.one(number)) for number in index.tolist()]
    starts, lengths = cells.starts.copy(), cells.lengths.copy()
    lengths[index] = [len(cell) for cell in changed]
    starts[index] = len(cells.data) + np.cumsum(lengths[index]) - lengths[index]
    more = np.frombuffer(b"".join(changed) + bytes(SPARE), np.uint8)
    return Cells(np.concatenate([cells.data, more]), starts, lengths)
