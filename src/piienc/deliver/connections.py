"""Files side by side, over as many connections as a destination may have."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

from piienc.deliver.connection import PooledConnection
from piienc.remote import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from piienc.deliver.endpoint import Endpoint
    from piienc.errors import PiiencError
    from piienc.remote import Remote
    from piienc.remote.retry import OnRetry

Item = TypeVar("Item")
T = TypeVar("T")


class ConnectionPool:
    """Threads that share the connections to a destination; use it as a context."""

    def __init__(self, way: Endpoint, on_retry: OnRetry | None) -> None:
        """Make ready; nothing is connected yet.

        Args:
            way: the destination, and how it is reached.
            on_retry: see `retrying`.
        """
        self._retries, self._on_retry = way.destination.retries, on_retry
        self._stopped = threading.Event()
        self._lines = [PooledConnection(way.connect) for _ in range(way.destination.connections)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for line in self._lines:
            line.close()

    def connect(self) -> None:
        """Connect now, once: the first of the connections, which others will use.

        Raises:
            PiiencError: it cannot be had.
        """
        with self._lines[0].remote():
            pass

    def stop(self) -> None:
        """Cut the connections, and wait for nothing any more, so that the threads end soon."""
        self._stopped.set()
        for line in self._lines:
            line.close()

    def again(self, action: Callable[[Remote], T], number: int = 0) -> T:
        """Do something over the connection of this number, again if what failed may pass.

        Raises:
            PiiencError: the last attempt's.
        """
        line = self._lines[number % len(self._lines)]

        def attempt(_: int) -> T:
            with line.remote() as remote:
                return action(remote)

        def on_retry(error: PiiencError, seconds: float) -> None:
            # If it was stopped, the connection is lost through us.
            if self._on_retry and not self._stopped.is_set():
                self._on_retry(error, seconds)

        return retrying(attempt, retries=self._retries, on_retry=on_retry, sleep=self._stopped.wait)

    def each(self, items: Sequence[Item], action: Callable[[int, Item], object]) -> None:
        """Do something for all items, each with its number, in several threads.

        Args:
            items: in the order in which they are begun.
            action: what it raises ends the work on all others, too.

        Raises:
            PiiencError: nobody is let in.
        """
        # If nobody is let in, one login is enough to find that out.
        lanes = self.again(lambda remote: remote.lanes) * min(len(self._lines), len(items))
        pool = ThreadPoolExecutor(min(len(items), lanes), thread_name_prefix="piienc-crew")
        work = [pool.submit(action, number, item) for number, item in enumerate(items)]
        try:
            for future in work:
                future.result()
        except BaseException:
            # Nobody waits any more and connections are cut, so that the threads end soon.
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
