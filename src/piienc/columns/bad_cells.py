"""Cells that cannot be used, known by their place in a batch until the batch's own is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.errors import PiiencError

_NAMED = 10


class BadCells(Exception):  # noqa: N818  # never seen by a user: it becomes an error of the tree
    """Some cells are refused; they count from 0, among those that were given.

    Batches are worked on side by side, so only who puts them in order knows the rows' numbers
    in the file, and makes the error that the user sees.
    """

    def __init__(
        self,
        kind: type[PiiencError],
        label: str,
        rows: Sequence[int],
        what: str,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self._kind, self._label, self.rows = kind, label, rows
        self._what, self._hint = what, hint

    def located(self, first_row: int) -> PiiencError:
        """Return the error for the user.

        Args:
            first_row: the number of the batch's first row in the file, from 1.
        """
        numbers = [str(first_row + row) for row in sorted(self.rows)[:_NAMED]]
        more = len(self.rows) - len(numbers)
        listed = ", ".join(numbers) + (f" and {more} more in the rows that follow" if more else "")
        word = "row" if len(self.rows) == 1 else "rows"
        return self._kind(f"{self._label}, {word} {listed}: {self._what}", hint=self._hint)
