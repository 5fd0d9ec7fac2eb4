"""Tables in memory, and what a project has recorded of them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from piienc.state.cells import CellCounter

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.date(1999, 12, 31)


def people(rows: int = 3) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "email": pa.array([None if n % 3 == 1 else f"a{n}@b.example" for n in range(rows)]),
            "born": pa.array([DAY] * rows, pa.date32()),
        }
    )


def counted(project: Path) -> int:
    """Return how many cells the sealed key has encrypted, as the state folder keeps it."""
    with CellCounter(project / ".piienc") as counter, counter.database() as database:
        rows = database.execute("SELECT coalesce(sum(cells), 0) FROM sealed_keys").fetchone()
        return int(rows[0])


def audited(project: Path) -> list[dict[str, Any]]:
    """Return the lines of the audit log."""
    lines = []
    for path in sorted((project / ".piienc").rglob("*.jsonl")):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    return lines
