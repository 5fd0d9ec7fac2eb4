"""The sessions of one connection: as many as its round trip needs and the server allows.

A channel of OpenSSH has a window of 2 MB: with a round trip of 100 ms, one channel carries 20 MB/s.
So a large file goes through several channels, block by block in turn. With a short round trip, one
channel is fastest.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

from piienc.errors import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from piienc.remote.sftp.session import Session
    from piienc.remote.ssh.connection import Connection

_AIM = 200_000_000  # bytes in a second, over any distance
_FILES_A_SESSION = 4  # of small files, most of the time is waiting


class SessionPool:
    """Sessions that share a connection; any thread may use any of them.

    Attributes:
        first: the session that is always there.
        round_trip: how many seconds an answer takes at least.
    """

    def __init__(self, connection: Connection, first: Session, *, most: int) -> None:
        self.first = first
        self._connection = connection
        self._sessions = [first]
        self._most = max(1, most)
        self._lock = threading.Lock()
        self._opening = 0
        self.round_trip = 0.0

    @property
    def worthwhile(self) -> int:
        """How many sessions the distance calls for, within what is allowed."""
        return min(self._most, 1 + int(self.round_trip * _AIM / self.first.window))

    @property
    def concurrency(self) -> int:
        """How many files may usefully be on their way at the same time."""
        return _FILES_A_SESSION * self.worthwhile

    @contextlib.contextmanager
    def taken(self) -> Iterator[Session]:
        """Give the least busy session; a new one if all are busy and another one is worthwhile."""
        with self.another(set()) as session:
            yield session or self.first

    @contextlib.contextmanager
    def another(self, used: set[Session]) -> Iterator[Session | None]:
        """Give a session that is not among `used`, and add it there; None if there is no other."""
        with self._lock:
            session = self._take((one for one in self._sessions if not one.users), used)
        session = session or self._opened(used)
        if session is None:
            with self._lock:
                session = self._take(sorted(self._sessions, key=lambda one: one.users), used)
        try:
            yield session
        finally:
            with self._lock:
                if session:
                    session.users -= 1

    def _take(self, among: Iterable[Session], used: set[Session]) -> Session | None:
        session = next((one for one in among if one not in used), None)
        if session:
            session.users += 1
            used.add(session)
        return session

    def _opened(self, used: set[Session]) -> Session | None:
        """Open a new session, if that is worthwhile, and allowed."""
        with self._lock:
            if len(self._sessions) + self._opening >= self.worthwhile:
                return None
            self._opening += 1
        session = None
        try:
            # A server that refuses has its way: the sessions that are there must do.
            with contextlib.suppress(SSHException, EOFError, TimeoutError, IncompleteError):
                session = self._connection.new_session()
        finally:
            with self._lock:
                self._opening -= 1
                if session:
                    self._sessions.append(session)
                    self._take([session], used)
                else:
                    self._most = len(self._sessions) + self._opening
        return session
