"""The state folder `.piienc/`: what one run has to know of those before it.

    cells.py      how many cells each sealed key has encrypted
    transfers.py  the ledger: each file that was sent or fetched
    jobs.py       the ledger of jobs: each source, and how far it came
    marks.py      which columns were encrypted: marks that cannot be undone
    migrations.py the versions of that file
    retention.py  how long it keeps what is over
    locks.py      what only one run at a time may do
    database.py   the SQLite file that the first four are in
    audit/        the log of each use of a key and each file, chained and signed

It is kept outside of the key folder, which may be mounted read-only. It holds names, counts and
hashes, and never a value of a cell or a secret. The names below are imported when they are first
asked for: who only keeps the log needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.state.cells import CELL_LIMIT, CELL_WARNING, CellCounter
    from piienc.state.database import kept_open
    from piienc.state.jobs import JobEntry, JobLedger, JobStep
    from piienc.state.locks import held
    from piienc.state.marks import Marks, RecordedMark
    from piienc.state.transfers import Ledger, Phase, Transfer, lock_name, new_transfer

__all__ = [
    "CELL_LIMIT",
    "CELL_WARNING",
    "CellCounter",
    "JobEntry",
    "JobLedger",
    "JobStep",
    "Ledger",
    "Marks",
    "Phase",
    "RecordedMark",
    "Transfer",
    "held",
    "kept_open",
    "lock_name",
    "new_transfer",
]

_HOMES = {
    "CELL_LIMIT": "cells",
    "CELL_WARNING": "cells",
    "CellCounter": "cells",
    "Marks": "marks",
    "RecordedMark": "marks",
    "JobLedger": "jobs",
    "JobEntry": "jobs",
    "JobStep": "jobs",
    "held": "locks",
    "kept_open": "database",
}  # all others are at home in transfers.py


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'transfers')}"), name)
