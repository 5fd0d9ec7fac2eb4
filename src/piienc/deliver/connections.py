"""Files side by side, over as many connections as a destination may have."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

from piienc.errors import ConnectError, PiiencError
from piienc.remote.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from piienc.deliver.endpoint import Endpoint
    from piienc.remote import Remote
    from piienc.remote.retry import OnRetry

Item = TypeVar("Item")
T = TypeVar("T")


class PooledConnection:
    """A connection that several threads share, and that is made anew when it has broken."""

    def __init__(self, connect: Callable[[], Remote]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._remote: Remote | None = None
        self._closed = False

    @contextlib.contextmanager
    def remote(self) -> Iterator[Remote]:
        """Give the connection; a transient error in the block drops it.

        A connection that has ended since its last use is opened again.

        Raises:
            ConnectError: the connection fails.
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
                with self._lock:
                    if self._remote is remote:
                        self._remote = None
                remote.close()
            raise

    def close(self) -> None:
        """Close the connection for good, even while it is in use."""
        self._closed = True
        remote, self._remote = self._remote, None
        if remote:
            remote.close()

    def _require_open(self) -> None:
        if self._closed:
            raise ConnectError("the transfer was stopped", hint="run the same command again")


class ConnectionPool:
    """Threads that share the connections to a destination; use it as a context."""

    def __init__(self, endpoint: Endpoint, on_retry: OnRetry | None) -> None:
        """Prepare; connections are opened later."""
        self._retries, self._on_retry = endpoint.destination.retries, on_retry
        self._stopped = threading.Event()
        count = endpoint.destination.connections
        self._connections = [PooledConnection(endpoint.connect) for _ in range(count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def connect(self) -> None:
        """Open the first connection now, unless it is open.

        Raises:
            PiiencError: the connection fails.
        """
        with self._connections[0].remote():
            pass

    def stop(self) -> None:
        """Cut the connections, and wait for nothing any more, so that the threads end soon."""
        self._stopped.set()
        self._close()

    def again(self, action: Callable[[Remote], T], number: int = 0) -> T:
        """Do something over the connection of this number, again if what failed may pass.

        Raises:
            PiiencError: the last attempt's.
        """
        connection = self._connections[number % len(self._connections)]

        def attempt(_: int) -> T:
            with connection.remote() as remote:
                return action(remote)

        def on_retry(error: PiiencError, seconds: float) -> None:
            # If it was stopped, the connection is lost through us.
            if self._on_retry and not self._stopped.is_set():
                self._on_retry(error, seconds)

        return retrying(attempt, retries=self._retries, on_retry=on_retry, sleep=self._stopped.wait)

    def each(self, items: Sequence[Item], action: Callable[[int, Item], object]) -> None:
        """Call an action for each item and its number, in several threads.

        Args:
            items: the items, started in this order.
            action: called for each item; an error of one call stops all.

        Raises:
            PiiencError: the login fails.
        """
        # If nobody is let in, one login is enough to find that out.
        concurrency = self.again(lambda remote: remote.concurrency)
        count = min(len(items), concurrency * len(self._connections))
        threads = ThreadPoolExecutor(count, thread_name_prefix="piienc-transfer")
        futures = [threads.submit(action, number, item) for number, item in enumerate(items)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            # Nobody waits any more and connections are cut, so that the threads end soon.
            self._stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
        threads.shutdown()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()
