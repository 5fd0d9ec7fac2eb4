"""The names of a table's columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that stand more than once, in alphabetical order."""
    return sorted(name for name, times in Counter(names).items() if times > 1)
