"""Delivers in a thread of its own, while the next source is spooled."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.jobs.deliver import Deliverer
    from piienc.state import JobEntry

_ENDING = 5.0  # seconds: the connections are cut, and what hangs in spite of it is left alone


class DeliveryThread:
    """A thread that delivers sources in their order, several at a time.

    It gives up if the connection fails. Undelivered sources stay in the spool, so that the caller
    can try once more at the end.
    """

    def __init__(self, deliverer: Deliverer) -> None:
        """Prepare; only the thread may use the deliverer until it has ended."""
        self._deliverer = deliverer
        self._changed = threading.Condition()
        self._waiting: list[JobEntry] = []
        self._over = False
        self._failed: BaseException | None = None
        self._thread: threading.Thread | None = None

    def begin(self, waiting: Sequence[JobEntry], *, asks: bool) -> None:
        """Connect, and begin to deliver.

        Args:
            waiting: the entries that are already in the spool.
            asks: the login may prompt for a passphrase. Then the calling thread logs in first, and
                the thread starts only if that succeeds.
        """
        self._waiting += waiting
        if asks:
            try:
                self._deliverer.pool.connect()
            except PiiencError:
                return
        thread = threading.Thread(target=self._run, name="piienc-deliver", daemon=True)
        thread.start()
        self._thread = thread  # only now: a signal may come in between, and nobody waits for it

    def take(self, entry: JobEntry) -> None:
        """Queue a source that this run has just spooled.

        Raises:
            BaseException: the error that ended the thread, except one of the destination.
        """
        self._require_well()
        self._deliverer.trust(entry)
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify()

    def end(self) -> None:
        """Wait until the queue is delivered, as far as possible.

        Raises:
            BaseException: likewise.
        """
        self._close()
        self._require_well()

    def stop(self) -> None:
        """Stop at once."""
        with self._changed:
            self._waiting.clear()
        self._deliverer.pool.stop()
        self._close(_ENDING)

    def _close(self, seconds: float | None = None) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread:
            self._thread.join(seconds)

    def _require_well(self) -> None:
        if self._failed:
            raise self._failed

    def _run(self) -> None:
        try:
            self._deliverer.pool.connect()
            while waiting := self._next():
                self._deliverer.deliver(waiting)
        except PiiencError:
            pass  # it is tried once more at the end, and reported then
        except BaseException as error:  # noqa: BLE001  # raised for who waits
            self._failed = error

    def _next(self) -> list[JobEntry]:
        """Wait for entries and return them; nothing when the queue has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._over)
            entries, self._waiting = self._waiting, []
        return entries


@contextmanager
def delivering(deliverer: Deliverer) -> Iterator[DeliveryThread]:
    """Deliver while the block runs, and wait for the end; stop if the block fails."""
    thread = DeliveryThread(deliverer)
    try:
        yield thread
        thread.end()
    except BaseException:
        thread.stop()
        raise
