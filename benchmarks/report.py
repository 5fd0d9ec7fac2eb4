"""Plain tables on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = list[tuple[str, ...]]

_WIDTH = 110  # whatever the terminal, so that the output can be compared


def show(title: str, heads: Sequence[str], rows: Rows) -> None:
    """Print a table; all columns but the first are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=_WIDTH, highlight=False).print(table)
