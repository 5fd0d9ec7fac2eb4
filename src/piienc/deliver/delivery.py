"""The delivery of one file: the receiver sees it once and complete.

    sending     writes the file under a temporary name that only this transfer uses, or in place
    publishing  renames it to its final name, in one step at the destination
    triggering  writes the trigger file that the receiver waits for

The ledger records each phase before it begins. So after a kill or a broken connection, the next
run can find out at the destination how far the transfer got.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.base.printable import as_text
from piienc.deliver.rules import Delivered, Skipped
from piienc.errors import IncompleteError, NameTakenError, OutOfOrderError, PiiencError
from piienc.remote import OURS, UNSEEN, WriteMode, aside_of, find, unless_refused
from piienc.state import Phase, new_transfer
from piienc.state.destinations import Destinations
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from piienc.deliver.rules import DeliveryRules
    from piienc.deliver.upload import UploadFile
    from piienc.remote import FileAttributes, Remote
    from piienc.state import Ledger, Transfer


class Delivery:
    """Delivers one file, in as many attempts as it takes."""

    def __init__(
        self,
        source: UploadFile,
        name: str,
        places: Sequence[str],
        rules: DeliveryRules,
        ledger: Ledger,
        progress: Callable[[int], object],
    ) -> None:
        """Prepare the delivery of a file under a name to a place: see `Endpoint.places`.

        `progress` is called with numbers of arrived bytes; each byte counts once per attempt.
        """
        self._source, self._name, self._places = source, name, tuple(places)
        self._rules, self._ledger, self._progress = rules, ledger, progress
        self._known = Destinations(ledger.folder)
        self._transfer: Transfer | None = None
        self._resumed_at = 0
        self._over = False
        self._warnings: list[str] = []

    def delivered_before(self) -> Skipped | None:
        """Return the skipped delivery if the ledger has this content as delivered.

        An unfinished transfer with `again` is resumed instead.
        """
        unfinished = self._ledger.unfinished(self._places, self._name)
        if self._rules.again or (unfinished and unfinished.again):
            return None
        transfers = self._ledger.delivered(self._places, self._name, self._source.size)
        transfer = next((one for one in transfers if one.sha256 == self._source.sha256), None)
        return Skipped("delivered already", transfer) if transfer else None

    def attempt(self, remote: Remote) -> Delivered | Skipped:
        """Continue where the last attempt ended, in this run or an earlier one.

        Raises:
            PiiencError: `transient` if another attempt may help.
        """
        self._warnings.clear()
        self._over = False
        try:
            if skipped := self.delivered_before():
                return skipped
            transfer = self._unfinished(remote) or self._begun()
            return self._finish(remote, self._counted(transfer))
        except PiiencError as error:
            self._failed(remote, error)
            if isinstance(error, NameTakenError) and self._rules.if_exists == "skip":
                return Skipped("there already")
            raise

    @property
    def begun(self) -> bool:
        """Whether this run has recorded the transfer in the ledger."""
        return self._transfer is not None

    def _finish(self, remote: Remote, transfer: Transfer) -> Delivered:
        if transfer.phase == Phase.PUBLISHING:
            transfer = self._found(remote, transfer)
        if transfer.phase == Phase.SENDING:
            transfer = self._send(remote, transfer)
        if transfer.phase == Phase.PUBLISHING:
            transfer = self._publish(remote, transfer)
        if transfer.phase == Phase.TRIGGERING:
            transfer = self._trigger(remote, transfer)
        if transfer.attempts > 1 and transfer.growing != self._name:
            self._remove(remote, aside_of(str(transfer.growing)))
        done = replace(transfer, phase=Phase.DONE, outcome="delivered", ended=now())
        return Delivered(self._save(done), self._resumed_at, tuple(self._warnings))

    def _unfinished(self, remote: Remote) -> Transfer | None:
        """Return the transfer to resume; end an unfinished one of other content."""
        transfer = self._ledger.unfinished(self._places, self._name)
        if transfer is None:
            return None
        # While it was being sent, its hash was not known: then the bytes that are there decide.
        fits = self._rules.rename or self._is_in_place(transfer)
        same = transfer.size == self._source.size and transfer.sha256 in {None, self._source.sha256}
        if same and (fits or transfer.phase != Phase.SENDING):
            return self._save(transfer)
        # Saved before anything is removed: what a killed run has removed must not count as renamed.
        outcome = "delivered" if transfer.phase == Phase.TRIGGERING else "given-up"
        self._ledger.save(replace(transfer, outcome=outcome, phase=Phase.DONE, ended=now()))
        if outcome == "delivered":
            self._warn(f"{self._name}: the trigger of the file before was never sent")
        elif transfer.growing:
            self._give_back(remote, transfer.growing)
            self._remove(remote, transfer.growing)
        return None

    def _begun(self) -> Transfer:
        source, rules = self._source, self._rules
        transfer = new_transfer(
            "push", self._places[0], self._name, source.path, size=source.size, job=rules.job
        )
        growing = f"{OURS}{transfer.id}.part" if rules.rename else None
        return self._save(replace(transfer, growing=growing, again=int(rules.again)))

    def _counted(self, transfer: Transfer) -> Transfer:
        return self._save(
            replace(
                transfer,
                destination=self._places[0],
                source=as_text(self._source.path),  # it may have been made anew elsewhere
                attempts=transfer.attempts + 1,
                outcome="running",
                ended=None,
                error=None,
                error_code=None,
            )
        )

    def _send(self, remote: Remote, transfer: Transfer) -> Transfer:
        source = self._source
        source.begin_hashing()
        if transfer.growing != self._name:
            self._require_free(remote, transfer)
        once = self._takes_one_go(transfer)
        if once and transfer.attempts > 1:
            transfer = self._begin_anew(remote, transfer)
        try:
            facts = self._write(remote, transfer, once=once)
        except OutOfOrderError:
            self._resumed_at = 0
            again = self._save(replace(transfer, attempts=transfer.attempts + 1))
            facts = self._write(remote, self._begin_anew(remote, again), once=True)
            self._known.learn_one_go(self._places[0])
        transfer = self._transfer or transfer  # it may be in place by now
        if facts is None or facts.size is None:
            self._warn(f"{self._name}: its size at the destination could not be checked")
        if self._rules.verify_content:
            self._verify(remote, str(transfer.growing))
        digest = source.sha256
        source.require_unchanged()
        size = facts.size if facts else None
        return self._save(
            replace(transfer, phase=Phase.PUBLISHING, sha256=digest, remote_size=size)
        )

    def _begin_anew(self, remote: Remote, transfer: Transfer) -> Transfer:
        """Take another temporary name, if the old file can be removed.

        A server may notice a broken connection late. It then closes the old file and sets its size
        to what it has received, even if the file has been renamed meanwhile.
        """
        if self._is_in_place(transfer):
            return transfer
        if unless_refused(lambda: remote.remove(str(transfer.growing)), None) is None:
            return transfer  # some may write and not remove
        fresh = f"{OURS}{transfer.id}.{transfer.attempts}.part"
        return self._save(replace(transfer, growing=fresh))

    def _takes_one_go(self, transfer: Transfer) -> bool:
        """Return whether the file must be opened once, written in order and closed once.

        A receiver that takes files when they are closed would take an incomplete file in place.
        With temporary names, the first refusal of the destination decides.
        """
        if self._is_in_place(transfer) or not self._rules.append:
            return True
        return self._known.take_one_go(self._places)

    def _is_in_place(self, transfer: Transfer) -> bool:
        return transfer.growing in {None, self._name}

    def _write(self, remote: Remote, transfer: Transfer, *, once: bool) -> FileAttributes | None:
        """Write all bytes at the destination, under the temporary name or in place."""
        name = transfer.growing or self._name
        offset = 0 if once else self._resume(remote, name, transfer)
        # Of a transfer that was begun before, the name is ours, and so is what stands there.
        is_ours = transfer.growing is not None and transfer.attempts > 1
        replaces = transfer.growing is None and self._rules.if_exists == "replace"

        def on_warning(words: str) -> None:
            self._warn(f"{self._name}: {words}")

        def on_created() -> None:
            if self._is_in_place(transfer):  # and only now it is called ours
                self._save(replace(transfer, growing=self._name))

        return remote.upload(
            name,
            self._source.file,
            size=self._source.size,
            manner=WriteMode(offset, once, is_ours or replaces, on_created, on_warning),
            progress=self._progress,
        )

    def _require_free(self, remote: Remote, transfer: Transfer) -> None:
        """Refuse to send what could not get its name, or its trigger's, afterwards."""
        if self._rules.if_exists == "replace":
            return
        trigger = self._rules.trigger(self._name, transfer.id)
        for each in (self._name, *([trigger[0]] if trigger else [])):
            existing = find(remote, each)
            if existing is UNSEEN:
                self._warn(f"whether {each} is at the destination already could not be checked")
            elif existing:
                raise NameTakenError(
                    f"{each} is at the destination already",
                    hint="send it under another name, or say --if-exists replace or skip",
                )

    def _resume(self, remote: Remote, name: str, transfer: Transfer) -> int:
        """Return how many bytes at the destination were read back and found equal."""
        # Nobody else knows the temporary name of a transfer that has just begun.
        existing = None if transfer.attempts == 1 else find(remote, name)
        if existing is None:
            return 0
        file, size, same = self._source.file, self._source.size, 0
        if (existing.size or 0) <= size:
            limit = size if existing.size is None else existing.size
            # By an account that may write and not read, nothing is proven.
            same = unless_refused(lambda: remote.same_prefix(name, file, limit, self._progress), 0)
        self._resumed_at = same
        return same

    def _verify(self, remote: Remote, name: str) -> None:
        same = remote.same_prefix(name, self._source.file, self._source.size)
        if same < self._source.size:
            raise IncompleteError(
                f"{self._name}: what arrived differs from the file at byte {same}",
                hint="run the same command again; if it differs again, the destination's disk "
                "or the network is at fault",
            )

    def _publish(self, remote: Remote, transfer: Transfer) -> Transfer:
        if transfer.growing != self._name:
            replacing = self._rules.if_exists == "replace"
            try:
                remote.publish(str(transfer.growing), self._name, replace=replacing)
            except PiiencError as error:
                self._over = not error.transient
                raise
        return self._renamed(remote, transfer)

    def _renamed(self, remote: Remote, transfer: Transfer) -> Transfer:
        """Record the rename, and check the file under its final name."""
        transfer = self._save(replace(transfer, phase=Phase.TRIGGERING))
        existing = None
        with contextlib.suppress(PiiencError):  # it is delivered, whatever can be seen of it
            existing = remote.stat(self._name)
            if existing is None:
                self._warn(f"{self._name}: the receiver has taken it away already")
        if existing is not None and existing.size not in {None, transfer.size}:
            self._warn(
                f"{self._name} has {existing.size:,} bytes by now, not {transfer.size:,}: "
                "another program writes there"
            )
        return transfer

    def _found(self, remote: Remote, transfer: Transfer) -> Transfer:
        """Find out whether a rename whose answer was lost has succeeded."""
        in_place = transfer.growing == self._name
        hidden = None if in_place else find(remote, str(transfer.growing))
        if hidden is None:
            # Nobody but the rename takes it away: it was delivered.
            return self._renamed(remote, transfer)
        if hidden is not UNSEEN and self._has_both_names(remote, transfer):
            transfer = self._save(replace(transfer, phase=Phase.TRIGGERING))
            self._remove(remote, str(transfer.growing))
            return transfer
        # It was looked at when it was sent; what has happened to it since is not known.
        return self._save(replace(transfer, phase=Phase.SENDING))

    def _has_both_names(self, remote: Remote, transfer: Transfer) -> bool:
        """Return whether a rename by linking was interrupted between its two steps."""
        existing = find(remote, self._name)
        if existing is None or existing.size not in {None, transfer.size}:
            return False
        file, size = self._source.file, transfer.size
        same = unless_refused(lambda: remote.same_prefix(self._name, file, size), None)
        return same == size

    def _trigger(self, remote: Remote, transfer: Transfer) -> Transfer:
        trigger = self._rules.trigger(self._name, transfer.id)
        if trigger is None:
            return transfer
        name, content = trigger
        if transfer.growing == self._name:
            existing = find(remote, name)
            if existing is None or existing is UNSEEN:
                try:
                    self._write_trigger(remote, name, content, over=False)
                except NameTakenError:
                    if existing is None:
                        raise
            return replace(transfer, trigger=name)
        temporary = f"{OURS}{transfer.id}.trigger"
        existing = find(remote, temporary)
        if existing is None and transfer.trigger:
            return transfer  # it was renamed: nobody else takes it away
        if existing is None or existing.size != len(content):
            self._write_trigger(remote, temporary, content, over=existing is not None)
        transfer = self._save(replace(transfer, trigger=name))
        remote.publish(temporary, name, replace=self._rules.if_exists == "replace")
        return transfer

    def _write_trigger(self, remote: Remote, name: str, content: bytes, *, over: bool) -> None:
        def on_warning(words: str) -> None:
            self._warn(f"the trigger: {words}")

        manner = WriteMode(once=True, over=over, on_warning=on_warning)
        remote.upload(name, io.BytesIO(content), size=len(content), manner=manner)

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.append(warning)

    def _save(self, transfer: Transfer) -> Transfer:
        self._transfer = self._ledger.save(transfer)
        return transfer

    def _failed(self, remote: Remote, error: PiiencError) -> None:
        """Record an error; a permanent one ends the transfer and removes the partial file."""
        transfer = self._transfer
        if transfer is None or transfer.phase == Phase.DONE:
            return
        # Once it may have been renamed, a transfer is over only if the rename was refused.
        sending = transfer.phase == Phase.SENDING and not error.transient
        over = sending or (transfer.phase == Phase.PUBLISHING and self._over)
        self._save(transfer.ended_with(error, over=over))
        if over and transfer.growing:
            self._remove(remote, transfer.growing)

    def _give_back(self, remote: Remote, growing: str) -> None:
        """Restore a file that was moved aside for a replacement that never came."""
        aside = aside_of(growing)
        with contextlib.suppress(PiiencError):
            if find(remote, growing):
                with contextlib.suppress(NameTakenError):  # somebody else has made a newer one
                    remote.publish(aside, self._name, replace=False)
                    return
            remote.remove(aside)

    def _remove(self, remote: Remote, name: str) -> None:
        with contextlib.suppress(PiiencError):  # some may write and not remove
            remote.remove(name)
