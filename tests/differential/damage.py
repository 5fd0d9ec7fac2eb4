"""One cell or row of an encrypted table changed, and who must find it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from differential.keysets import has_raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from differential.case import Column

Grid = list[list[Any]]
"""A table by its columns. A cell is None for null, else the bytes of a ciphertext or any value."""

FEW = 2  # rows that have another order

VERIFY, AGAINST, BY_KEY, BY_FORM, DECRYPT = "verify", "against", "by key", "by form", "decrypt"


class Damage(NamedTuple):
    """A damaged table: what was done, its cells, and who must find it."""

    name: str
    sealed: Grid
    found_by: frozenset[str]


class Table(NamedTuple):
    """An encrypted table: its columns, and its cells before and after."""

    columns: tuple[Column, ...]
    plain: Grid
    sealed: Grid
    key: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.plain[0])


def damages(table: Table, seed: int) -> Iterator[Damage]:
    """Yield what can be done to a table, in random order."""
    random = Random(seed)
    kinds: list[Callable[[Table, Random], Damage | None]]
    kinds = [_swapped, _borrowed, _nulled, _flipped, _plain, _moved, _lost, _twice]
    random.shuffle(kinds)
    for kind in kinds:
        if table.rows and (made := kind(table, random)) is not None:
            yield made


def shuffled(table: Table, seed: int) -> Grid | None:
    """Return the encrypted cells with their rows in another order, if the key tells them apart."""
    keys = {repr(value) for value in table.plain[table.key]}
    if table.rows < FEW or len(keys) < table.rows:
        return None
    order = Random(seed).sample(range(table.rows), table.rows)
    return [[cells[row] for row in order] for cells in table.sealed]


def _copied(grid: Grid) -> Grid:
    return [list(cells) for cells in grid]


def _marked_cell(table: Table, random: Random) -> tuple[int, int] | None:
    """Choose a cell that is encrypted: its column and row."""
    columns = [n for n, column in enumerate(table.columns) if column.mark]
    column = random.choice(columns)
    rows = [row for row, cell in enumerate(table.sealed[column]) if cell is not None]
    return (column, random.choice(rows)) if rows else None


def _different(table: Table, random: Random, *, marked: bool) -> tuple[int, int, int] | None:
    """Choose two rows that differ in a column."""
    columns = [n for n, column in enumerate(table.columns) if bool(column.mark) is marked]
    random.shuffle(columns)
    for column in columns:
        first = random.randrange(table.rows)
        value = repr(table.plain[column][first])
        others = [n for n, each in enumerate(table.plain[column]) if repr(each) != value]
        if others:
            return column, first, random.choice(others)
    return None


def _by_key(table: Table, column: int, changed: list[Any]) -> bool:
    """Tell whether the rows of some key are not those that they were."""
    plain = _copied(table.plain)
    plain[column] = changed

    def named(grid: Grid) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in zip(*grid, strict=True):
            found.setdefault(repr(row[table.key]), []).append(repr(row))
        return found

    return named(plain) != named(table.plain)


def _exchanged(table: Table, column: int, new: list[int], name: str) -> Damage:
    """Return the table with the cells of a column in other rows."""
    sealed = _copied(table.sealed)
    sealed[column] = [sealed[column][row] for row in new]
    found = {AGAINST}
    if _by_key(table, column, [table.plain[column][row] for row in new]):
        found.add(BY_KEY)
    return Damage(name, sealed, frozenset(found))


def _swapped(table: Table, random: Random) -> Damage | None:
    """Two cells of a marked column change places."""
    if (found := _different(table, random, marked=True)) is None:
        return None
    column, first, second = found
    new = list(range(table.rows))
    new[first], new[second] = second, first
    return _exchanged(table, column, new, f"rows {first} and {second} of {column} swapped")


def _borrowed(table: Table, random: Random) -> Damage | None:
    """A cell of an unmarked column becomes that of another row."""
    if (found := _different(table, random, marked=False)) is None:
        return None
    column, first, second = found
    new = list(range(table.rows))
    new[first] = second
    return _exchanged(table, column, new, f"row {first} of {column} is that of row {second}")


def _nulled(table: Table, random: Random) -> Damage | None:
    """A marked cell becomes null."""
    if (place := _marked_cell(table, random)) is None:
        return None
    return _with(table, *place, None, "null", {AGAINST, BY_KEY})


def _flipped(table: Table, random: Random) -> Damage | None:
    """A bit of a ciphertext is flipped, behind the prefix, which is not authenticated."""
    if (place := _marked_cell(table, random)) is None:
        return None
    column, row = place
    cell = bytearray(table.sealed[column][row])
    cell[random.randrange(5, len(cell))] ^= 1 << random.randrange(8)
    return _with(table, *place, bytes(cell), "flipped", {VERIFY, AGAINST, BY_KEY, DECRYPT})


def _plain(table: Table, random: Random) -> Damage | None:
    """A cell is in clear."""
    if (place := _marked_cell(table, random)) is None:
        return None
    column, _ = place
    found = {VERIFY, AGAINST, BY_KEY, DECRYPT}
    found |= set() if has_raw(table.columns[column].mark.key) else {BY_FORM}
    return _with(table, *place, b"in clear", "in clear", found)


def _moved(table: Table, random: Random) -> Damage | None:
    """A cell stands in a column of another key or context."""
    if (place := _marked_cell(table, random)) is None:
        return None
    column, row = place
    own = table.columns[column]
    strangers = [
        number
        for number, each in enumerate(table.columns)
        if each.mark
        and (each.mark.key, each.context) != (own.mark.key, own.context)
        and table.sealed[number][row] is not None
    ]
    if not strangers:
        return None
    cell = table.sealed[random.choice(strangers)][row]
    return _with(table, *place, cell, "moved", {VERIFY, AGAINST, BY_KEY, DECRYPT})


def _with(table: Table, column: int, row: int, cell: Any, name: str, found: set[str]) -> Damage:
    sealed = _copied(table.sealed)
    sealed[column][row] = cell
    return Damage(f"row {row} of {column} {name}", sealed, frozenset(found))


def _lost(table: Table, random: Random) -> Damage:
    """The last row, or another, is gone."""
    row = random.choice((table.rows - 1, random.randrange(table.rows)))
    sealed = [cells[:row] + cells[row + 1 :] for cells in table.sealed]
    return Damage(f"row {row} lost", sealed, frozenset({AGAINST, BY_KEY}))


def _twice(table: Table, random: Random) -> Damage:
    """A row is there twice."""
    row = random.randrange(table.rows)
    sealed = [[*cells[: row + 1], *cells[row:]] for cells in table.sealed]
    return Damage(f"row {row} twice", sealed, frozenset({AGAINST, BY_KEY}))
