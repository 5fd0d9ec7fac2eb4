"""The sessions of one connection: as many as its distance calls for, and as the server allows.

A channel's window is 2 MB at OpenSSH, whatever the distance: at a tenth of a second, one
channel carries 20 MB/s. So a large file goes through several channels, block by block in turn.
Nearby, one channel is fastest: there would be nothing to wait for.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

from piienc.errors import IncompleteError
from piienc.remote.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.remote.ssh import Connection

_AIM = 200_000_000  # bytes in a second, over any distance
_FILES_A_SESSION = 4  # of small files, most of the time is waiting


class Pool:
    """Sessions that share a connection; any thread may use any of them.

    Attributes:
        first: the session that is always there.
    """

    def __init__(self, connection: Connection, first: Session, *, most: int) -> None:
        self.first = first
        self._connection = connection
        self._sessions = [first]
        self._most = max(1, most)
        self._lock = threading.Lock()
        self._growing = threading.Lock()
        self._round_trip = 0.0

    def measured(self, round_trip: float) -> None:
        """Tell how long an answer takes at least."""
        self._round_trip = round_trip

    @property
    def worthwhile(self) -> int:
        """How many sessions the distance calls for, within what is allowed."""
        return min(self._most, 1 + int(self._round_trip * _AIM / self.first.window))

    @property
    def lanes(self) -> int:
        """How many files may usefully be on their way at the same time."""
        return _FILES_A_SESSION * self.worthwhile

    @contextlib.contextmanager
    def taken(self, wanted: int) -> Iterator[list[Session]]:
        """Give so many sessions, or as many as there are; those first that have least to do."""
        if wanted > len(self._sessions) or any(one.users for one in self._sessions):
            self._grow()
        with self._lock:
            chosen = sorted(self._sessions, key=lambda one: one.users)[: max(1, wanted)]
            for one in chosen:
                one.users += 1
        try:
            yield chosen
        finally:
            with self._lock:
                for one in chosen:
                    one.users -= 1

    def close(self) -> None:
        """Close all sessions."""
        for one in self._sessions:
            with contextlib.suppress(EOFError, OSError, SSHException):
                one.close()

    def _grow(self) -> None:
        """Open the missing sessions, at the same time; a server that refuses some has its way."""
        with self._growing:
            missing = self.worthwhile - len(self._sessions)
            if missing <= 0:
                return
            with ThreadPoolExecutor(missing) as threads:
                opened = list(threads.map(lambda _: self._another(), range(missing)))
            with self._lock:
                self._sessions += [one for one in opened if one]
            if None in opened:
                self._most = len(self._sessions)

    def _another(self) -> Session | None:
        try:
            return Session.open(self._connection)
        except (SSHException, EOFError, TimeoutError, IncompleteError):
            return None
