"""A job, in its steps.

    recover    removes what a killed run has left unfinished
    spool      verifies, encrypts and wraps each new source in one pass
    deliver    delivers the spool to the destination, trigger files last
    finish     keeps, moves or deletes sources, and removes old files from the spool

Only one run of a job takes these steps at a time. A source is delivered while the next one is
spooled. After a killed run, the ledger tells the next run what is done.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from piienc.deliver.push import rehearse
from piienc.errors import IncompleteError, InputError, MovedError, PiiencError, VerificationError
from piienc.jobs.after import move
from piienc.jobs.deliver import THERE, Deliverer
from piienc.jobs.delivery_thread import delivering
from piienc.jobs.documents import keep_report
from piienc.jobs.outcome import SendReceipt, SourceOutcome
from piienc.jobs.spooling.sources import SourceFile, sources
from piienc.jobs.spooling.spool import SpooledSource, drop, files_of, recover, spool, sweep
from piienc.openpgp.encryptor import open_encryptor
from piienc.report.model import Report
from piienc.state import JobEntry, JobLedger, JobStep, held, kept_open
from piienc.state.jobs import new_id
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from piienc.jobs.context import JobContext
    from piienc.jobs.delivery_thread import DeliveryThread
    from piienc.openpgp.encryptor import PgpEncryptor
    from piienc.report.receipt import ErrorFacts

_AGAIN = "the same content was sent already"
_OVER = (JobStep.DONE, JobStep.SKIPPED)


def send(context: JobContext) -> SendReceipt:
    """Send all new sources of a job.

    Raises:
        LockError: another run of the job is active.
        PiiencError: the job could not begin; see `piienc.errors`.
    """
    context.prepare()
    started = time.monotonic()
    with held(context.state, f"the job {context.label}"), kept_open(context.state):
        run = _JobRun(context, JobLedger(context.state))
        if context.dry_run:
            run.rehearse()
        else:
            run.run()
    receipt = SendReceipt(
        "send",
        context.job.name,
        str(context.endpoint.url),
        tuple(run.outcomes),
        round(time.monotonic() - started, 3),
        run.known,
        context.dry_run,
    )
    for outcome in receipt.files:
        _tell(context, outcome)
    context.on_event("finished", files=len(receipt.files), code=receipt.exit_code)
    return receipt


class _JobRun(Struct):
    """One run of a job.

    Attributes:
        waiting: the entries that earlier runs have left in the spool.
        spooled: the sources that this run has spooled.
        in_hand: the ids of both; their current steps depend on timing.
        known: how many sources were sent by earlier runs.
    """

    context: JobContext
    ledger: JobLedger
    outcomes: list[SourceOutcome] = field(default_factory=list)
    waiting: list[JobEntry] = field(default_factory=list)
    spooled: list[SpooledSource] = field(default_factory=list)
    in_hand: set[str] = field(default_factory=set)
    known: int = 0

    def run(self) -> None:
        """Do all steps."""
        for lost in recover(self.context, self.ledger):
            self.outcomes.append(SourceOutcome.failed(lost.source, _lost(lost.source)))
        self.waiting = self.ledger.at(self.context.label, JobStep.SPOOLED)
        self.in_hand.update(entry.id for entry in self.waiting)
        with Deliverer(self.context, self.ledger) as deliverer:
            try:
                with delivering(deliverer) as delivery:
                    self._spool(delivery)
            except BaseException:
                for outcome in deliverer.so_far():  # nobody else tells what has arrived
                    _tell(self.context, outcome)
                raise
            self.outcomes += deliverer.all()
        sweep(self.context, self.ledger)

    def rehearse(self) -> None:
        """Do everything but the upload, and keep nothing."""
        try:
            self._spool(None)
            paths = [path for each in self.spooled for path in files_of(self.context, each.entry)]
            receipt = rehearse(paths, self.context.push_request)
            errors = {file.source: file.error for file in receipt.files if file.error}
            for each in self.spooled:
                self._plan(each, errors)
        finally:
            for each in self.spooled:
                drop(self.context, self.ledger, each.entry)

    def _plan(self, each: SpooledSource, errors: Mapping[str, ErrorFacts]) -> None:
        files = files_of(self.context, each.entry)
        names = tuple(path.name for path in files)
        size = sum(file["bytes"] for file in each.entry.wrapped)
        outcome = SourceOutcome(
            each.entry.source, "planned", None, names, size, each.report.rows, each.entry.sha256
        )
        error = next((errors[str(path)] for path in files if str(path) in errors), None)
        if error is not None:
            outcome = replace(outcome, outcome="failed", error=error)
        self.outcomes.append(outcome)

    def _spool(self, delivery: DeliveryThread | None) -> None:
        """Spool all new sources; with `delivery`, each is delivered while the next is spooled."""
        listing = sources(self.context.job)
        for path, error in listing.refused:  # no sign that the whole export has gone wrong
            self._rejected(path, error, new_id())
        for path in listing.moving:
            why = f"it was written to less than {self.context.job.quiet_for:g} s ago"
            self.outcomes.append(SourceOutcome(str(path), "left", why))
        with ExitStack() as stack:
            encryptor: PgpEncryptor | None = None
            for each in listing.ready:
                if self._is_known(each):
                    continue
                if encryptor is None:
                    encryptor = stack.enter_context(self._open_encryptor())
                    if delivery:
                        delivery.begin(self.waiting, asks=self.context.pgp.unlocker.asks)
                if not self._taken(each, encryptor, delivery):
                    return

    def _number(self) -> int:
        """Return the number of the next file; those of a rehearsal are not in the ledger."""
        rehearsed = len(self.spooled) if self.context.dry_run else 0
        return self.ledger.next_number(self.context.label) + rehearsed

    def _open_encryptor(self) -> AbstractContextManager[PgpEncryptor]:
        context = self.context
        for column in context.schema.marked.values():
            context.keyset(str(column.encrypt))  # asked for a passphrase now, and not in a thread
        return open_encryptor(context.wrap_request, context.pgp)

    def _is_known(self, source: SourceFile) -> bool:
        """Tell whether a source was sent, or is in the spool."""
        context = self.context
        entries = self.ledger.like(context.label, source.size)
        match = next((entry for entry in entries if source.is_source_of(entry)), None)
        if match is not None and (match.step not in _OVER or match.id in self.in_hand):
            return True  # a run before has spooled it: this one delivers it, or finishes it
        if context.again:
            return False
        if match is not None:
            self.known += match.step == JobStep.DONE
            if context.job.name is None:
                why = THERE if match.step == JobStep.SKIPPED else "it was sent already"
                self.outcomes.append(SourceOutcome(match.source, "skipped", why))
            return True
        return self._is_copy(source, entries)

    def _is_copy(self, source: SourceFile, entries: Sequence[JobEntry]) -> bool:
        """Tell whether a source's content was sent under its name."""
        try:
            same = source.has_content_of(entries)
        except InputError as error:
            self.outcomes.append(SourceOutcome.failed(source.path, error))
            return True
        if same is None:
            return False
        in_hand = same.id in self.in_hand
        why = THERE if same.step == JobStep.SKIPPED and not in_hand else _AGAIN
        self.outcomes.append(SourceOutcome(str(source.path), "skipped", why, sha256=same.sha256))
        if not (self.context.dry_run or in_hand):
            self._keep_as_sent(source, same)
        return True

    def _keep_as_sent(self, source: SourceFile, same: JobEntry) -> None:
        """Record the source, so that the next run recognises it without reading it."""
        entry = replace(same, id=new_id(), source=str(source.path), begun=now(), files="[]")
        entry = replace(entry, size=source.size, modified=source.modified, inode=source.inode)
        # What was skipped was never delivered: its like is not deleted either.
        step = JobStep.SKIPPED if same.step == JobStep.SKIPPED else JobStep.DELIVERED
        self.ledger.save(replace(entry, step=step))

    def _taken(
        self, source: SourceFile, encryptor: PgpEncryptor, delivery: DeliveryThread | None
    ) -> bool:
        """Spool a source; return whether the run continues with others."""
        unique = new_id()
        try:
            spooled = spool(source, self._number(), self.context, self.ledger, encryptor)
        except MovedError as error:
            if SourceFile.at(source.path) is None:
                self.outcomes.append(SourceOutcome.failed(source.path, error))
            else:
                self.outcomes.append(
                    SourceOutcome(str(source.path), "left", "it is still being written")
                )
        except (VerificationError, InputError) as error:
            if not source.path.exists():
                self.outcomes.append(SourceOutcome.failed(source.path, error))
                return True
            return self._rejected(source.path, error, unique, source)
        except PiiencError as error:
            self.outcomes.append(SourceOutcome.failed(source.path, error))
            return False
        else:
            self.spooled.append(spooled)
            self.in_hand.add(spooled.entry.id)
            if delivery:
                delivery.take(spooled.entry)
        return True

    def _rejected(
        self,
        path: Path,
        error: VerificationError | InputError,
        unique: str,
        source: SourceFile | None = None,
    ) -> bool:
        """Keep the report of an invalid source; return whether the run continues with others."""
        job, report_path = self.context.job, None
        report = error.report if isinstance(error, VerificationError) else None
        if isinstance(report, Report):
            self.context.on_receipt(report)
            try:
                report_path = keep_report(report, self.context, unique)
            except PiiencError as why:
                self.outcomes.append(SourceOutcome.failed(path, why))
        outcome = SourceOutcome.failed(path, error, report_path)
        if job.on_failed_verification == "quarantine" and not self.context.dry_run:
            assert job.quarantine is not None  # noqa: S101  # the settings see to it
            try:
                move(path, job.quarantine, source)
                outcome = replace(outcome, outcome="quarantined")
            except PiiencError as why:
                self.outcomes.append(SourceOutcome.failed(path, why))
        self.outcomes.append(outcome)
        return job.on_failed_verification == "quarantine"


def _lost(source: str) -> IncompleteError:
    return IncompleteError(
        f"{source} was not delivered: its wrapped file is damaged or gone, and so is the source",
        hint="put the source back: the next run sends it",
    )


def _tell(context: JobContext, outcome: SourceOutcome) -> None:
    facts: dict[str, object] = {"file": outcome.source}
    if outcome.names:
        facts["names"] = list(outcome.names)
    for name in ("why", "sha256", "report", "receipt"):
        if (value := getattr(outcome, name)) is not None:
            facts[name] = value
    if outcome.error:
        facts |= {"code": outcome.error.code, "kind": outcome.error.kind}
        facts["message"] = outcome.error.message
    context.on_event(outcome.outcome, **facts)
