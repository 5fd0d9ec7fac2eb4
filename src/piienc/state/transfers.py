"""The ledger: each file that was sent or fetched, and how far it came.

A transfer is saved before each step that another run could not see, so that after a crash it is
known what may have happened already, and nothing is delivered twice or not at all.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from enum import StrEnum
from json import dumps
from secrets import token_hex
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple, replace

from piienc.base.printable import as_text
from piienc.errors import ConfigError
from piienc.state.database import StateRecords
from piienc.state.locks import is_held

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from piienc.errors import PiiencError


class Phase(StrEnum):
    """What a transfer is at; each phase is saved before it begins."""

    SENDING = "sending"
    """The bytes are on their way, to a temporary name."""
    PUBLISHING = "publishing"
    """All bytes are there; the file gets its final name, and may have it.

    From here on, nobody removes what it has grown under: if that is gone, it was renamed.
    """
    TRIGGERING = "triggering"
    """The file has its final name; the trigger file follows."""
    DONE = "done"
    """There is nothing to go on with: it was delivered, or failed with what will not pass."""


class Transfer(Struct, frozen=True):
    """The transfer of a file to or from a destination.

    Attributes:
        id: 16 hexadecimal digits; temporary names carry it.
        direction: push or pull.
        destination: the URL of the folder.
        name: the file's name in that folder.
        source: the local path.
        size: in bytes.
        phase: how far it came.
        outcome: running, delivered, failed, or given-up where another file took its place.
        begun: in UTC, as ISO 8601.
        ended: likewise; None while it runs.
        sha256: of the file, once it is known.
        remote_size: the file's size, as the destination reports it.
        trigger: the name of the trigger file.
        attempts: how often it was tried.
        job: the name of the job that it belongs to.
        growing: the name under which the file grows at the destination; None where it is to be
            written in place and was not made yet.
        again: 1 if it was begun although the content was delivered before.
        error_code: the exit code of what it failed with.
        error: what it failed with.
    """

    id: str
    direction: str
    destination: str
    name: str
    source: str
    size: int
    phase: str = Phase.SENDING
    outcome: str = "running"
    begun: str = ""
    ended: str | None = None
    sha256: str | None = None
    remote_size: int | None = None
    trigger: str | None = None
    attempts: int = 0
    job: str | None = None
    growing: str | None = None
    again: int = 0
    error_code: int | None = None
    error: str | None = None

    def ended_with(self, error: PiiencError, *, over: bool) -> Transfer:
        """Return it as failed; if it is over, no run resumes it."""
        return replace(
            self,
            phase=Phase.DONE if over else self.phase,
            outcome="failed",
            ended=now(),
            error_code=error.exit_code,
            error=str(error).encode(errors="backslashreplace").decode(),
        )


_COLUMNS = ", ".join(Transfer.__struct_fields__)
# The columns are this file's own; what comes from outside is always a parameter.
_PLACES = ", ".join("?" * len(Transfer.__struct_fields__))
_SAVE = f"REPLACE INTO transfers ({_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608  # see above
_FIND = f"SELECT {_COLUMNS} FROM transfers WHERE "  # noqa: S608  # see above
_THERE = "destination IN (SELECT value FROM json_each(?))"
# By what was saved last, and not by the clock, which may be set back: REPLACE makes a new row.
_NEWEST = " ORDER BY rowid DESC LIMIT ?"


def new_transfer(
    direction: str,
    destination: str,
    name: str,
    path: Path,
    *,
    size: int = 0,
    job: str | None = None,
) -> Transfer:
    """Make a transfer that begins now."""
    # The ledger holds text, and a path may hold bytes that are none.
    about = direction, destination, name, as_text(path), size
    return Transfer(token_hex(8), *about, begun=now(), job=job)


def lock_name(transfer: Transfer) -> str:
    """Return what is held while a file is pushed: see `locks.held`."""
    return f"the transfer of {transfer.name} to {transfer.destination}"


class Ledger(StateRecords):
    """The transfers of a state folder."""

    doing = "keep the ledger of transfers"

    def save(self, transfer: Transfer) -> Transfer:
        """Save the current state of a transfer, and return the transfer.

        Raises:
            ConfigError: it cannot be kept.
        """
        with self.database() as database:
            database.execute(_SAVE, astuple(transfer))
        return transfer

    def failed(self, transfer: Transfer, error: PiiencError) -> None:
        """Keep that a transfer has failed, and is over; if that cannot be kept, so be it."""
        with contextlib.suppress(ConfigError):  # the error itself matters more
            self.save(transfer.ended_with(error, over=True))

    def unfinished(self, places: Sequence[str], name: str) -> Transfer | None:
        """Return the last push of a name to one of these URLs that can be resumed."""
        rows = self._find(
            f"direction = 'push' AND {_THERE} AND name = ? "
            "AND outcome IN ('running', 'failed') AND phase != 'done'",
            (dumps(places), name),
        )
        return rows[0] if rows else None

    def delivered(self, places: Sequence[str], name: str, size: int) -> list[Transfer]:
        """Return the pushes of files of a name and a size that have ended well, newest first."""
        return self._find(
            f"direction = 'push' AND {_THERE} AND name = ? AND size = ? AND outcome = 'delivered'",
            (dumps(places), name, size),
        )

    def unfinished_ids(self, ids: Iterable[str]) -> set[str]:
        """Return those of these ids whose transfers are to be resumed."""
        where = "id IN (SELECT value FROM json_each(?)) AND phase <> ?"
        rows = self._find(where, (dumps(sorted(ids)), Phase.DONE))
        return {row.id for row in rows}

    def history(
        self,
        *,
        places: Sequence[str] | None = None,
        job: str | None = None,
        outcome: str | None = None,
        since: str | None = None,
        until: str | None = None,
        most: int = -1,
    ) -> list[Transfer]:
        """Return transfers, the most recently saved first.

        Args:
            places: only to or from one of these URLs.
            job: only of this job.
            outcome: only with this outcome; `interrupted` is running, and nobody is at work on it.
            since: only what has begun then or later: UTC, as ISO 8601.
            until: only what has begun before.
            most: how many at the most; -1 for all.
        """
        if not self.is_begun:
            return []
        alive = outcome in {"running", "interrupted"}
        clauses = {
            _THERE: None if places is None else dumps(places),
            "job = ?": job,
            "outcome = ?": "running" if alive else outcome,
            "begun >= ?": since,
            "begun < ?": until,
        }
        conditions = {clause: value for clause, value in clauses.items() if value is not None}
        rows = self._find(
            " AND ".join(conditions) or "1", tuple(conditions.values()), -1 if alive else most
        )
        rows = [self._as_it_is(one) for one in rows]
        return [one for one in rows if outcome in {None, one.outcome}][
            : most if most >= 0 else None
        ]

    def _as_it_is(self, transfer: Transfer) -> Transfer:
        """Tell a running transfer from one whose run was killed."""
        if transfer.outcome != "running" or is_held(self.folder, lock_name(transfer)):
            return transfer
        return replace(transfer, outcome="interrupted")

    def _find(self, where: str, values: tuple[object, ...], most: int = -1) -> list[Transfer]:
        with self.database() as database:
            rows = database.execute(_FIND + where + _NEWEST, (*values, most)).fetchall()
        return [Transfer(*row) for row in rows]


def now() -> str:
    """Return the time in UTC as the ledger has it."""
    return as_time(datetime.now(UTC))


def as_time(time: datetime) -> str:
    """Return a time in UTC as the ledger has it; later times are greater texts."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
