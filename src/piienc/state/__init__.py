"""The state folder `.piienc/`: what one run has to know of those before it.

    cells.py      how many cells each sealed key has encrypted
    transfers.py  the ledger: each file that was sent or fetched
    marks.py      which columns were encrypted: marks that cannot be undone
    locks.py      what only one run at a time may do
    database.py   the SQLite file that the first three are in

It is kept outside of the key folder, which may be mounted read-only. It holds names, counts and
hashes, and never a value of a cell or a secret.
"""

from piienc.state.cells import CELL_LIMIT, CELL_WARNING, CellCounter
from piienc.state.locks import held
from piienc.state.marks import Marks, RecordedMark
from piienc.state.transfers import Ledger, Phase, Transfer, lock_name, new_transfer

__all__ = [
    "CELL_LIMIT",
    "CELL_WARNING",
    "CellCounter",
    "Ledger",
    "Marks",
    "Phase",
    "RecordedMark",
    "Transfer",
    "held",
    "lock_name",
    "new_transfer",
]
