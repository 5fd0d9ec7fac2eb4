"""A file on its way before it is whole: what of it is written is sent, under a hidden name.

Nothing depends on it. Where it fails, or comes to nothing, the delivery sends the whole file; and
only the delivery gives a file its name. What was sent of a file that never becomes whole is removed
again, by this run or by the next one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from piienc.errors import ConfigError, LockError, PiiencError
from piienc.flow.delivery import growing_of
from piienc.flow.receipt import SentFile
from piienc.flow.source import Ahead
from piienc.state import Phase, held, lock_name, new_transfer
from piienc.state.transfers import now

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from piienc.flow.crew import Crew
    from piienc.flow.push import Pushing
    from piienc.remote import Remote
    from piienc.state import Ledger, Transfer

LEAST = 16 << 20  # bytes: a smaller file is sent fast enough when it is whole
_STEP = 1 << 20  # bytes


class Fate(StrEnum):
    """What becomes of a file that grows."""

    WHOLE = "whole"
    """It is whole, and its delivery goes on with what was sent."""
    LOST = "lost"
    """It will never be whole: what was sent is removed."""
    LEFT = "left"
    """The run is ended: what was sent is left for the next one to remove."""


class Advance:
    """Sends the beginning of a file that is being written; use it as a context.

    An error at the context's end says that the file will not become whole. What ends the run is
    no error: what was sent is then left to the next run.
    """

    def __init__(self, path: Path, pushing: Pushing, crew: Crew | None) -> None:
        """Make ready.

        Args:
            path: the name that the file will have here.
            pushing: where it goes to, and how.
            crew: whose connection is used, once there is one; None if nothing is to be sent.
        """
        self._path, self._pushing, self._crew = path, pushing, crew
        self._changed = threading.Condition()
        self._count = self._left = 0
        self._size: int | None = None
        self._held = False
        self._fate: Fate | None = None
        self._file: int | None = None
        self._thread: threading.Thread | None = None
        self._transfer: Transfer | None = None
        self._remote: Remote | None = None
        self._ahead: Ahead | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file = None
        if kind is not None:
            self.end(Fate.LOST if issubclass(kind, Exception) else Fate.LEFT)

    def of(self, file: int) -> Self:
        """Take the descriptor of the file that grows."""
        self._file = file
        return self

    def grew(self, count: int) -> None:
        """Learn how many bytes are written; called by who writes them."""
        if count - self._count < _STEP:
            return
        with self._changed:
            self._count = count
            self._changed.notify_all()
        if self._thread is None and not self._held and count >= LEAST:
            self._begin()

    def hold(self) -> None:
        """Send no more before the file is whole, and is found to be as it should be."""
        with self._changed:
            self._held = True
            self._changed.notify_all()

    def whole(self, size: int) -> None:
        """Send no more: the file has this size, and its name, and its delivery sends the rest."""
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def end(self, fate: Fate) -> None:
        """Have the thread end, without waiting for it; what was said first of the file holds."""
        with self._changed:
            self._fate = self._fate or fate
            self._changed.notify_all()

    def sent(self) -> Ahead | None:
        """Leave a whole file to its delivery, and return how much of it was sent.

        Returns:
            None if nothing was sent, or nobody knows how much.
        """
        self.end(Fate.WHOLE)
        self._join()
        # A server that has failed meanwhile may have lost what it had acknowledged.
        return self._ahead if self._remote and self._remote.alive else None

    def taken_back(self) -> SentFile | None:
        """Wait until what was sent of a lost file is removed, and tell of it."""
        self.end(Fate.LOST)
        self._join()
        if self._transfer is None:
            return None
        why = "it was sent while it was made, and did not become whole"
        about = SentFile(str(self._path), self._path.name, self._left, "failed", None, why)
        return replace(about, transfer=self._transfer.id, attempts=1)

    def _join(self) -> None:
        if self._thread:
            self._thread.join()

    def _begin(self) -> None:
        if self._file is None or not (self._crew and self._crew.connected):
            return
        with contextlib.suppress(OSError, RuntimeError):  # then it is sent when it is whole
            source = os.fdopen(os.dup(self._file), "rb", buffering=0)
            run = partial(self._run, source, self._crew)
            thread = threading.Thread(target=run, name="piienc-ahead", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system gives no more threads
                source.close()
                raise
            self._thread = thread

    def _run(self, source: BinaryIO, crew: Crew) -> None:
        with contextlib.suppress(PiiencError), source:  # the delivery meets it again, and tells
            crew.once(partial(self._send, source))

    def _send(self, source: BinaryIO, remote: Remote) -> None:
        pushing, name = self._pushing, self._path.name
        ledger, rules, places = pushing.ledger, pushing.rules, pushing.way.places
        begun = new_transfer("push", places[0], name, self._path, job=rules.job)
        begun = replace(begun, attempts=1, growing=growing_of(begun), again=int(rules.again))
        with held(ledger.folder, lock_name(begun)):
            if ledger.unfinished(places, name):
                return  # the delivery knows what is to be done about that
            rules.require_free(remote, name, begun.id)
            self._transfer, self._remote = ledger.save(begun), remote
            try:
                there = remote.upload_growing(growing_of(begun), source, self._is_ready)
                self._ahead = Ahead(begun.id, there)
            finally:
                self._see_out(remote, begun)

    def _is_ready(self, count: int) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._count >= count or self._is_over)
            if not self._is_over:
                self._left = count
            return not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._held or self._size is not None or self._fate is not None

    def _see_out(self, remote: Remote, transfer: Transfer) -> None:
        """Keep the lock until the delivery begins: before its name, a file looks lost."""
        with self._changed:
            self._changed.wait_for(lambda: self._size is not None or self._fate)
        if self._size is not None:  # so that its delivery, by this run or another, goes on with it
            transfer = self._pushing.ledger.save(replace(transfer, size=self._size))
        with self._changed:
            self._changed.wait_for(lambda: self._fate)
        if self._fate is Fate.LOST:
            _take_back(remote, self._pushing.ledger, transfer)


def take_back_lost(crew: Crew, pushing: Pushing, spool: Path) -> list[str]:
    """Remove what killed runs have sent of files that never became whole, as far as possible.

    Args:
        crew: whose connection is used; if nothing was lost, none is made.
        pushing: the destination.
        spool: the folder in which the files would be.

    Returns:
        What is left there, in words; the next run tries again.
    """
    left: list[str] = []
    with contextlib.suppress(ConfigError):  # the ledger cannot be read: all else has told of it
        for transfer in pushing.ledger.lost(pushing.way.places, spool):
            try:
                crew.once(
                    partial(_take_back_again, pushing=pushing, transfer=transfer, spool=spool)
                )
            except LockError:
                pass  # another run is at it
            except PiiencError as error:
                name = transfer.name
                left.append(
                    f"{name} did not become whole, and what was sent of it is left: {error}"
                )
    return left


def _take_back_again(remote: Remote, pushing: Pushing, transfer: Transfer, spool: Path) -> None:
    ledger = pushing.ledger
    with held(ledger.folder, lock_name(transfer)):
        # Before it was locked, another run may have gone on with it, or even delivered it.
        if transfer in ledger.lost(pushing.way.places, spool):
            _take_back(remote, ledger, transfer)


def _take_back(remote: Remote, ledger: Ledger, transfer: Transfer) -> None:
    growing = str(transfer.growing)
    if remote.stat(growing):  # somebody else may have removed it where we may not
        remote.remove(growing)
    ledger.save(replace(transfer, phase=Phase.DONE, outcome="given-up", ended=now()))
