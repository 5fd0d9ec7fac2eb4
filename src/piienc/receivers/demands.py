"""What a receiver's demands on cells mean, each as one operation on a whole column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from piienc.base.cells import numpy_of
from piienc.base.regex import whole
from piienc.checks.text import is_text
from piienc.receivers.rows import CONTENTS, LENGTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from piienc.receivers import RowRule
    from piienc.receivers.rows import Level, When

    Test = Callable[[pa.Array], Any]  # which cells break a demand; null where the cell is


class CellDemand(Struct, frozen=True):
    """One demand on the cells of a column.

    Attributes:
        detail: what a cell is that breaks it, for people.
        severity: error or warning.
        when: which of a cell's two forms is meant.
        starting: only cells that begin so are meant.
        of_text: whether it can be judged of text alone, and not of bytes.
        test: finds the cells that break it.
    """

    detail: str
    severity: Level
    when: When
    starting: str | None
    of_text: bool
    test: Test

    def broken_in(self, cells: pa.Array) -> NDArray[np.int64]:
        """Return the rows of the cells that break the demand, from 0; a null breaks none.

        Args:
            cells: string, large_string, binary or large_binary, as `as_text` gives them.
        """
        if (self.of_text or self.starting is not None) and not is_text(cells.type):
            return _NONE
        if self.starting is None:
            return _rows(self.test(cells))
        selection = _rows(pc.starts_with(cells, self.starting))
        return selection[_rows(self.test(cells.take(pa.array(selection))))]


_NONE: NDArray[np.int64] = np.empty(0, np.int64)


def cell_demands(rule: RowRule) -> Iterator[CellDemand]:
    """Make the demands on cells that a rule has."""
    for name, value in rule.demands.items():
        if name in LENGTHS:
            detail, test = _length(name, value)
        elif name in CONTENTS:
            detail, test = _content(name, value)
        else:
            continue
        when = rule.when or ("always" if name in LENGTHS else "plain")
        of_text = name in CONTENTS
        yield CellDemand(rule.says or detail, rule.level, when, rule.starting, of_text, test)


def _length(name: str, most: int) -> tuple[str, Test]:
    def too_many_bytes(cells: pa.Array) -> pa.Array:
        return pc.greater(pc.binary_length(cells), most)

    def too_many_characters(cells: pa.Array) -> pa.Array:
        bytes_enough = too_many_bytes(cells)
        if not is_text(cells.type) or not pc.any(bytes_enough).as_py():
            return bytes_enough
        return pc.greater(pc.utf8_length(cells), most)

    if name == "max_bytes":
        return f"longer than {most} bytes", too_many_bytes
    return f"longer than {most} characters", too_many_characters


def _content(name: str, value: Any) -> tuple[str, Test]:  # noqa: ANN401  # of its field
    if name == "lower_case":
        return "not in lower case", lambda cells: pc.not_equal(cells, pc.utf8_lower(cells))
    if name == "refused":
        words = pa.array([word.lower() for word in value])
        detail = "one of the words that are refused"
        return detail, lambda cells: _is_in(pc.utf8_lower(cells), words)
    if name == "allowed":
        words = pa.array(value)
        detail = f"not one of {', '.join(value)}"
        return detail, lambda cells: pc.and_(pc.invert(_is_in(cells, words)), pc.is_valid(cells))
    pattern = whole(value)
    detail = "not of the form that is demanded"
    return detail, lambda cells: pc.invert(pc.match_substring_regex(cells, pattern))


def _is_in(cells: pa.Array, words: pa.Array) -> pa.Array:
    return pc.is_in(cells, value_set=words.cast(cells.type))


def _rows(broken: pa.Array) -> NDArray[np.int64]:
    if not pc.any(broken).as_py():
        return _NONE
    return np.flatnonzero(numpy_of(pc.fill_null(broken, fill_value=False)))
