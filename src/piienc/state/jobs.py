"""The ledger of jobs: each source file that a job has begun, and how far it came.

An entry is saved before each step that a run could die in, so that the next run of the job knows
what is done and what is not. The transfers themselves are in `transfers.py`.
"""

from __future__ import annotations

from enum import StrEnum
from json import dumps, loads
from secrets import token_hex
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from piienc.state.database import StateRecords
from piienc.state.transfers import now


class JobStep(StrEnum):
    """How far a source has come."""

    SPOOLING = "spooling"
    """It is being encrypted; nothing of it is whole yet."""
    SPOOLED = "spooled"
    """All of it is wrapped, and its files have their names in the spool, or are about to."""
    DELIVERED = "delivered"
    """All of its files are at the destination; what is done with the source afterwards follows."""
    DONE = "done"
    """There is nothing more to do."""
    SKIPPED = "skipped"
    """A file of that name was at the destination: nothing was delivered, and the source stays."""


_SENT = (JobStep.SPOOLED, JobStep.DELIVERED, JobStep.DONE, JobStep.SKIPPED)


class JobEntry(Struct, frozen=True):
    """A source file on its way.

    Attributes:
        id: 16 hexadecimal digits; the folder in the spool is named by it.
        job: the job's name, or what stands for it.
        source: its absolute path.
        size: in bytes.
        modified: when it was last written to, in nanoseconds.
        inode: of the file.
        number: counts the files of the job that were spooled, from 1.
        name: what it is called at the destination, before it is wrapped.
        step: how far it came.
        begun: in UTC, as ISO 8601.
        changed: when the step was saved.
        sha256: of the source, once it is known.
        files: JSON: of each wrapped file its name, size and hash.
        facts: JSON: the receipts of what was done.
    """

    id: str
    job: str
    source: str
    size: int
    modified: int
    inode: int
    number: int
    name: str
    step: str = JobStep.SPOOLING
    begun: str = ""
    changed: str = ""
    sha256: str | None = None
    files: str = "[]"
    facts: str = "{}"

    @property
    def wrapped(self) -> list[dict[str, Any]]:
        """Of each wrapped file its name, size and hash."""
        files: list[dict[str, Any]] = loads(self.files)
        return files

    def spooled(self, sha256: str, files: list[dict[str, Any]], facts: dict[str, Any]) -> JobEntry:
        """Return it with what was made of it."""
        entry = replace(self, sha256=sha256, files=dumps(files), facts=dumps(facts))
        return replace(entry, step=JobStep.SPOOLED)


def new_id() -> str:
    """Return an id for an entry."""
    return token_hex(8)


_COLUMNS = ", ".join(JobEntry.__struct_fields__)
_PLACES = ", ".join("?" * len(JobEntry.__struct_fields__))
# The columns are this file's own; what comes from outside is always a parameter.
_SAVE = f"REPLACE INTO sendings ({_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608  # see above
_FIND = f"SELECT {_COLUMNS} FROM sendings WHERE "  # noqa: S608  # see above
_AT_STEPS = "job = ? AND step IN (SELECT value FROM json_each(?))"
_LAST_NUMBER = f"SELECT coalesce(max(number), 0) FROM sendings WHERE {_AT_STEPS}"  # noqa: S608  # see above


class JobLedger(StateRecords):
    """The sources that the jobs of a state folder have begun."""

    doing = "keep the ledger of jobs"

    def save(self, entry: JobEntry) -> JobEntry:
        """Keep how far a source has come, and return it.

        Raises:
            ConfigError: it cannot be kept.
        """
        entry = replace(entry, changed=now())
        with self.database() as database:
            database.execute(_SAVE, astuple(entry))
        return entry

    def forget(self, entry: JobEntry) -> None:
        """Remove an entry: nothing of it was sent."""
        with self.database() as database:
            database.execute("DELETE FROM sendings WHERE id = ?", (entry.id,))

    def at(self, job: str, *steps: JobStep) -> list[JobEntry]:
        """Return the job's entries at these steps, in the order in which they were begun."""
        return self._find(_AT_STEPS, job, dumps(steps))

    def like(self, job: str, size: int) -> list[JobEntry]:
        """Return the entries of sources of this size: sent, skipped, or about to be sent."""
        entries = self._find("job = ? AND size = ?", job, size)
        return [entry for entry in entries if entry.step in _SENT]

    def next_number(self, job: str) -> int:
        """Return the number of the file that is spooled next."""
        if not self.is_begun:
            return 1
        with self.database() as database:
            (last,) = database.execute(_LAST_NUMBER, (job, dumps(_SENT))).fetchone()
        return int(last) + 1

    def ids(self) -> dict[str, JobEntry]:
        """Return the entries of all jobs by their ids."""
        return {entry.id: entry for entry in self._find("1")}

    def _find(self, where: str, *values: object) -> list[JobEntry]:
        if not self.is_begun:
            return []
        with self.database() as database:
            rows = database.execute(f"{_FIND}{where} ORDER BY rowid", values).fetchall()
        return [JobEntry(*row) for row in rows]
