"""Deliveries in a thread of their own, while the next source is made."""

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
    """A thread that delivers sources in the order in which they come, several at a time.

    Where the destination lets nobody in, it gives up. What is not delivered stays in the spool,
    for who waits for its end to try once more.
    """

    def __init__(self, deliverer: Deliverer) -> None:
        """Make ready; the deliverer is the thread's alone, until it has ended."""
        self._deliverer = deliverer
        self._changed = threading.Condition()
        self._waiting: list[JobEntry] = []
        self._over = False
        self._failed: BaseException | None = None
        self._thread: threading.Thread | None = None

    def begin(self, waiting: Sequence[JobEntry], *, asks: bool) -> None:
        """Connect, and begin to deliver.

        Args:
            waiting: what is in the spool already.
            asks: whether somebody may be asked for a passphrase at the login, which is no work
                for a thread: then it is done first, and without it nothing begins.
        """
        self._waiting += waiting
        if asks:
            try:
                self._deliverer.connect()
            except PiiencError:
                return
        thread = threading.Thread(target=self._run, name="piienc-deliver", daemon=True)
        thread.start()
        self._thread = thread  # only now: a signal may come in between, and nobody waits for it

    def take(self, entry: JobEntry) -> None:
        """Have a source delivered that this run has just put into the spool, whole.

        Raises:
            BaseException: what has ended the thread, unless that was the destination.
        """
        self._require_well()
        self._deliverer.trust(entry)
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify()

    def end(self) -> None:
        """Wait until all is delivered that can be.

        Raises:
            BaseException: likewise.
        """
        self._close()
        self._require_well()

    def stop(self) -> None:
        """End at once, wherever it is."""
        with self._changed:
            self._waiting.clear()
        self._deliverer.stop()
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
            self._deliverer.connect()
            while waiting := self._next():
                self._deliverer.deliver(waiting)
        except PiiencError:
            pass  # it is tried once more at the end, and reported then
        except BaseException as error:  # noqa: BLE001  # raised for who waits
            self._failed = error

    def _next(self) -> list[JobEntry]:
        """Return all that waits, as soon as there is anything; nothing when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._over)
            entries, self._waiting = self._waiting, []
        return entries


@contextmanager
def delivering(deliverer: Deliverer) -> Iterator[DeliveryThread]:
    """Deliver beside the block, and wait for the end of it; stop if the block fails."""
    thread = DeliveryThread(deliverer)
    try:
        yield thread
        thread.end()
    except BaseException:
        thread.stop()
        raise
