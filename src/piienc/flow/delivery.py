"""The delivery of one file: the receiver sees it once, whole, and never half.

    sending     under a temporary name, of which only this transfer knows
    publishing  renamed to its final name, which is one step at the destination
    triggering  the file that the receiver waits for comes last

Before each step the ledger is told, so that a run that begins where another was killed or lost
its connection can find out at the destination how far it came.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import IncompleteError, InputError, NameTakenError, PiiencError
from piienc.remote import OURS
from piienc.state import Phase, Transfer
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.remote import Remote
    from piienc.state import Ledger


@dataclass(frozen=True, slots=True)
class Rules:
    """How files are delivered.

    Attributes:
        if_exists: where the name is taken: fail, skip or replace.
        again: also what the ledger knows to be delivered already.
        verify_content: read everything back, and compare.
        rename: let files grow under a temporary name; else they are written in place.
        job: the job's name, for the ledger.
        trigger: makes name and content of the trigger file, of the file's name and the
            transfer's id; None if there is none.
    """

    if_exists: str = "fail"
    again: bool = False
    verify_content: bool = False
    rename: bool = True
    job: str | None = None
    trigger: Callable[[str, str], tuple[str, bytes] | None] = lambda _name, _id: None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why nothing was sent: `delivered already`, or `there already`."""

    why: str
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """A finished transfer.

    Attributes:
        transfer: as the ledger has it.
        resumed_at: where sending went on, in bytes.
        warnings: what the user should know.
    """

    transfer: Transfer
    resumed_at: int
    warnings: tuple[str, ...] = ()


class Source:
    """A local file that is delivered; it must stay as it is meanwhile.

    Attributes:
        path: where it is.
        file: opened for reading.
        size: in bytes.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.file = path, file
        self._identity = self._look()
        self.size = self._identity[0]

    @cached_property
    def _hashed(self) -> Future[str]:
        pool = ThreadPoolExecutor(1, thread_name_prefix="piienc-hash")
        future = pool.submit(_hash, os.dup(self.file.fileno()))
        pool.shutdown(wait=False)
        return future

    def begin_hashing(self) -> None:
        """Let the file be hashed beside other work."""
        _ = self._hashed

    @property
    def sha256(self) -> str:
        """The hash of the file, in hex."""
        return self._hashed.result()

    def require_unchanged(self) -> None:
        """Refuse a file that was written to since it was opened.

        Raises:
            InputError: it was.
        """
        if self._look() != self._identity:
            raise InputError(
                f"{self.path} has changed while it was sent",
                hint="send it when it is finished: write it under another name, then rename it",
            )

    def _look(self) -> tuple[int, int, int]:
        found = os.fstat(self.file.fileno())
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _hash(descriptor: int) -> str:
    digest, at = hashlib.sha256(), 0
    try:
        while data := os.pread(descriptor, 1 << 20, at):
            digest.update(data)
            at += len(data)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


class Delivery:
    """Delivers one file, in as many attempts as it takes."""

    def __init__(
        self,
        source: Source,
        name: str,
        destination: str,
        rules: Rules,
        ledger: Ledger,
        progress: Callable[[int], object],
    ) -> None:
        """Prepare a delivery.

        Args:
            source: the file.
            name: its name at the destination.
            destination: the URL of the folder.
            rules: how it is delivered.
            ledger: told of each step.
            progress: told of the bytes that have arrived, with each of them once an attempt.
        """
        self._source, self._name, self._destination = source, name, destination
        self._rules, self._ledger, self._progress = rules, ledger, progress
        self._transfer: Transfer | None = None
        self._resumed_at = 0
        self._warnings: list[str] = []

    def delivered_before(self) -> Skipped | None:
        """Tell whether the ledger knows this content to be at the destination already.

        What was begun behind that, to be sent again, is gone on with.
        """
        if self._rules.again or self._ledger.unfinished(self._destination, self._name):
            return None
        known = self._ledger.delivered(self._destination, self._name, self._source.size)
        found = next((one for one in known if one.sha256 == self._source.sha256), None)
        return Skipped("delivered already", found) if found else None

    def attempt(self, remote: Remote) -> Delivered | Skipped:
        """Go on from where the last attempt has ended, in this run or in one before.

        Raises:
            PiiencError: `transient` where another attempt may help.
        """
        self._warnings.clear()
        try:
            transfer = self._unfinished(remote)
            if transfer is None:
                if skipped := self.delivered_before():
                    return skipped
                transfer = self._begun()
            return self._finish(remote, self._counted(transfer))
        except PiiencError as error:
            self._failed(remote, error)
            if isinstance(error, NameTakenError) and self._rules.if_exists == "skip":
                return Skipped("there already")
            raise

    def _finish(self, remote: Remote, transfer: Transfer) -> Delivered:
        if transfer.phase == Phase.PUBLISHING:
            transfer = self._found(remote, transfer)
        if transfer.phase == Phase.SENDING:
            transfer = self._send(remote, transfer)
        if transfer.phase == Phase.PUBLISHING:
            transfer = self._publish(remote, transfer)
        if transfer.phase == Phase.TRIGGERING:
            transfer = self._trigger(remote, transfer)
        done = replace(
            transfer,
            phase=Phase.DONE,
            outcome="delivered",
            ended=now(),
            error=None,
            error_code=None,
        )
        return Delivered(self._save(done), self._resumed_at, tuple(self._warnings))

    def _unfinished(self, remote: Remote) -> Transfer | None:
        """Return the transfer that is to be gone on with; one of another content is given up."""
        known = self._ledger.unfinished(self._destination, self._name)
        if known is None:
            return None
        # While it was being sent, its hash was not known: then the bytes that are there decide.
        if known.size == self._source.size and known.sha256 in {None, self._source.sha256}:
            return self._save(known)
        if known.phase in {Phase.SENDING, Phase.PUBLISHING} and self._rules.rename:
            remote.remove(_temporary(known))
        self._save(replace(known, outcome="given-up", ended=now()))
        self._transfer = None
        return None

    def _begun(self) -> Transfer:
        return self._save(
            Transfer(
                id=secrets.token_hex(8),
                direction="push",
                destination=self._destination,
                name=self._name,
                source=str(self._source.path),
                size=self._source.size,
                begun=now(),
                job=self._rules.job,
            )
        )

    def _counted(self, transfer: Transfer) -> Transfer:
        return self._save(
            replace(transfer, attempts=transfer.attempts + 1, outcome="running", ended=None)
        )

    def _send(self, remote: Remote, transfer: Transfer) -> Transfer:
        source = self._source
        source.begin_hashing()
        name = self._growing(transfer)
        offset = self._resume(remote, name, first=transfer.attempts == 1)
        facts = remote.upload(
            name, source.file, size=source.size, offset=offset, progress=self._progress
        )
        if self._rules.verify_content:
            same = remote.same_prefix(name, source.file, source.size)
            if same < source.size:
                raise IncompleteError(
                    f"{self._name}: what arrived differs from the file at byte {same}",
                    hint="run the same command again; if it differs again, the destination's disk "
                    "or the network is at fault",
                )
        source.require_unchanged()
        return self._save(
            replace(
                transfer,
                phase=Phase.PUBLISHING,
                sha256=source.sha256,
                remote_size=facts.size,
            )
        )

    def _resume(self, remote: Remote, name: str, *, first: bool) -> int:
        """Return how many bytes need not be sent again: those that are proven to be there."""
        free = self._rules.if_exists == "replace" or (name == self._name and not first)
        if not free and remote.stat(self._name):
            raise NameTakenError(
                f"{self._name} is at the destination already",
                hint="send it under another name, or say --if-exists replace or skip",
            )
        # Nobody else knows the temporary name of a transfer that has just begun.
        there = None if first and self._rules.rename else remote.stat(name)
        if there is None:
            return 0
        same = 0
        if there.size <= self._source.size:
            same = remote.same_prefix(name, self._source.file, there.size, self._progress)
        if not same:
            remote.remove(name)
        self._resumed_at = same
        return same

    def _publish(self, remote: Remote, transfer: Transfer) -> Transfer:
        if self._rules.rename:
            replacing = self._rules.if_exists == "replace"
            remote.publish(_temporary(transfer), self._name, replace=replacing)
        there = remote.stat(self._name)
        if there is None:
            self._warnings.append(f"{self._name}: the receiver has taken it away already")
        elif there.size != transfer.size:
            raise IncompleteError(
                f"{self._name} has {there.size} bytes at the destination, not {transfer.size}",
                hint="another program writes there: look at the file before it is sent again",
            )
        return self._save(replace(transfer, phase=Phase.TRIGGERING))

    def _found(self, remote: Remote, transfer: Transfer) -> Transfer:
        """Find out whether a file whose renaming may have been under way has its final name."""
        if remote.stat(self._growing(transfer)) is not None:
            # It was looked at when it was sent; what has happened to it since is not known.
            return self._save(replace(transfer, phase=Phase.SENDING))
        final = remote.stat(self._name)
        if final is None:
            self._warnings.append(
                f"{self._name}: an earlier run has renamed it, and the receiver has taken it away"
            )
        elif (
            final.size != transfer.size
            or remote.same_prefix(self._name, self._source.file, transfer.size) < transfer.size
        ):
            raise NameTakenError(
                f"{self._name} is at the destination already, with another content",
                hint="send it under another name, or say --if-exists replace --again",
            )
        return self._save(replace(transfer, phase=Phase.TRIGGERING))

    def _trigger(self, remote: Remote, transfer: Transfer) -> Transfer:
        made = self._rules.trigger(self._name, transfer.id)
        if made is None:
            return transfer
        name, content = made
        temporary = f"{OURS}{transfer.id}.trigger" if self._rules.rename else name
        remote.remove(temporary)
        remote.upload(temporary, io.BytesIO(content), size=len(content))
        if self._rules.rename:
            remote.publish(temporary, name, replace=True)
        return replace(transfer, trigger=name)

    def _save(self, transfer: Transfer) -> Transfer:
        self._transfer = self._ledger.save(transfer)
        return transfer

    def _failed(self, remote: Remote, error: PiiencError) -> None:
        """Leave the destination as it was, unless it is worth while to go on from there."""
        transfer = self._transfer
        if transfer is None:
            return
        if not error.transient and transfer.phase != Phase.TRIGGERING:
            self._clear(remote, transfer, error)
            transfer = replace(transfer, phase=Phase.DONE)
        self._save(
            replace(
                transfer,
                outcome="failed",
                ended=now(),
                error_code=error.exit_code,
                error=str(error),
            )
        )

    def _clear(self, remote: Remote, transfer: Transfer, error: PiiencError) -> None:
        # Written in place, what is there may be somebody else's: only what was being sent is ours.
        ours = transfer.phase == Phase.SENDING and not isinstance(error, NameTakenError)
        if self._rules.rename or ours:
            with contextlib.suppress(PiiencError):  # there is an error to tell of already
                remote.remove(self._growing(transfer))

    def _growing(self, transfer: Transfer) -> str:
        """The name under which the file grows."""
        return _temporary(transfer) if self._rules.rename else self._name


def _temporary(transfer: Transfer) -> str:
    return f"{OURS}{transfer.id}.part"
