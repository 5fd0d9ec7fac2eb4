"""Removes old transfers, sources of jobs, receipts and reports from the state folder.

Records that are still needed stay at any age: marks, counts of cells, unfinished transfers and
sources, sources that the job still finds, the last number of each job, and the audit log.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from piienc.state.database import FILE, transaction
from piienc.state.transfers import as_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from sqlite3 import Connection

DOCUMENTS = ("receipts", "reports")
"""Folders of files whose names begin with the time they tell of."""

_STAMP = "%Y%m%dT%H%M%SZ-"
_TRANSFERS = "DELETE FROM transfers WHERE phase = 'done' AND ended < ?"
_SOURCES = """
    SELECT id, source FROM sendings WHERE step IN ('done', 'skipped') AND changed < ?
    AND number < (SELECT max(number) FROM sendings AS later WHERE later.job = sendings.job)"""
_SOURCE = "DELETE FROM sendings WHERE id = ?"


def prune(folder: Path, days: float) -> None:
    """Remove what has been over for some days; nothing is made.

    Raises:
        ConfigError: the database cannot be used.
        OSError: a file cannot be removed.
    """
    end = datetime.now(UTC) - timedelta(days=days)
    if (folder / FILE).exists():
        with transaction(folder, "remove what is over") as database:
            database.execute(_TRANSFERS, (as_time(end),))
            rows = [(each,) for each in _gone(database, folder, as_time(end))]
            database.executemany(_SOURCE, rows)
    for kind in DOCUMENTS:
        for path in (folder / kind).glob("*Z-*.json"):
            if path.name < end.strftime(_STAMP):
                path.unlink(missing_ok=True)


def _gone(database: Connection, folder: Path, end: str) -> Iterator[str]:
    """Yield the ids of sources that are over, and of which nothing is left."""
    for each, source in database.execute(_SOURCES, (end,)).fetchall():
        # Of a folder that is not there, such as a disk that is not mounted now, nothing is known.
        is_gone = os.path.isdir(os.path.dirname(source)) and not os.path.lexists(source)  # noqa: PTH112,PTH120  # text
        if is_gone and not (folder / "spool" / each).exists():
            yield each
