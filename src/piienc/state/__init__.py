"""The state folder `.piienc/`: what a run needs to know of earlier runs.

    cells.py      how many cells each sealed key has encrypted
    transfers.py  the ledger: each file that was sent or fetched
    jobs.py       the ledger of jobs: each source, and how far it came
    marks.py      which columns were encrypted: marks that cannot be undone
    migrations.py the versions of that file
    retention.py  how long it keeps what is over
    locks.py      what only one run at a time may do
    database.py   the SQLite file that the first four are in
    audit/        the log of each use of a key and each file, chained and signed

It is separate from the key folder, which may be mounted read-only. It has names, counts and hashes,
and never a cell value or a secret. The names below are imported on first use: the audit log needs
none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily

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

__getattr__ = lazily(
    __name__,
    cells="CELL_LIMIT CELL_WARNING CellCounter",
    database="kept_open",
    jobs="JobEntry JobLedger JobStep",
    locks="held",
    marks="Marks RecordedMark",
    transfers="Ledger Phase Transfer lock_name new_transfer",
)
