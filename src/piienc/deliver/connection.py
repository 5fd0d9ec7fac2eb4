"""A connection to a destination that is made anew when it has broken."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from piienc.errors import ConnectError, PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.remote import Remote


class PooledConnection:
    """A connection that several threads share; safe between them."""

    def __init__(self, connect: Callable[[], Remote]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._remote: Remote | None = None
        self._closed = False

    @contextlib.contextmanager
    def remote(self) -> Iterator[Remote]:
        """Give the connection; it is dropped if the block fails with what may pass by itself.

        One that has ended since it was used is made anew.

        Raises:
            ConnectError: there is none to be had.
        """
        with self._lock:
            self._require_open()
            remote = self._remote  # which close() may take away at any moment
            if remote and not remote.alive:
                remote.close()
                remote = None
            remote = self._remote = remote or self._connect()
            if self._closed:
                remote.close()
            self._require_open()
        try:
            yield remote
        except PiiencError as error:
            if error.transient:
                self._drop(remote)
            raise

    def close(self) -> None:
        """End the connection for good, also under the hands of those who use it."""
        self._closed = True
        remote, self._remote = self._remote, None
        if remote:
            remote.close()

    def _require_open(self) -> None:
        if self._closed:
            raise ConnectError("the transfer was stopped", hint="run the same command again")

    def _drop(self, broken: Remote) -> None:
        with self._lock:
            if self._remote is broken:
                self._remote = None
        broken.close()
