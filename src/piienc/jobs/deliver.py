"""What is in the spool goes to the destination, and the ledger learns of it."""

from __future__ import annotations

from contextlib import suppress
from json import loads
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from piienc.deliver.connections import ConnectionPool
from piienc.deliver.push import push
from piienc.deliver.upload import KnownFile
from piienc.errors import PiiencError
from piienc.jobs.after import apply_after
from piienc.jobs.documents import keep_receipt
from piienc.jobs.outcome import SourceOutcome
from piienc.jobs.spooling.spool import files_of
from piienc.state import JobStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.deliver.push import PushRequest
    from piienc.jobs.context import JobContext
    from piienc.report.receipt import PushReceipt, SentFile
    from piienc.state import JobEntry, JobLedger

THERE = "there already"
"""Why a source is skipped whose name is taken at the destination."""


class Deliverer:
    """Delivers the spool; use it as a context, which keeps the connections.

    One thread at a time may use it. At the end of the context, however it ends, the audit log gets
    all receipts.

    Attributes:
        pool: the connections, which are opened later.
    """

    def __init__(self, context: JobContext, ledger: JobLedger) -> None:
        self._context, self._ledger = context, ledger
        self.pool = ConnectionPool(context.endpoint, context.push_request.on_retry)
        self._outcomes: dict[str, tuple[int, SourceOutcome]] = {}
        self._receipts: list[PushReceipt] = []
        self._known: dict[Path, KnownFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.stop()
        for receipt in self._receipts:
            self._context.on_receipt(receipt)

    def trust(self, entry: JobEntry) -> None:
        """Reuse the hashes of a source's files, which this run has made."""
        for path, file in zip(files_of(self._context, entry), entry.wrapped, strict=True):
            with suppress(OSError):  # who delivers it says that it is not there
                self._known[path] = KnownFile.at(path, file["sha256"])

    def deliver(self, waiting: Sequence[JobEntry]) -> None:
        """Deliver sources; those with the same name, one after the other.

        Raises:
            PiiencError: the login fails; the remaining entries stay unchanged.
        """
        for batch in _without_twins(waiting):
            self._batch(batch)

    def all(self) -> list[SourceOutcome]:
        """Deliver the rest of the job's spool, and finish delivered sources.

        A source that fails stays for the next run.

        Returns:
            The outcome of each source of this context, in the order of their numbers.
        """
        waiting = self._ledger.at(self._context.label, JobStep.SPOOLED)
        for batch in _without_twins([entry for entry in waiting if entry.id not in self._outcomes]):
            try:
                self._batch(batch)
            except PiiencError as error:
                for entry in batch:
                    self._keep(entry, SourceOutcome.failed(entry.source, error))
        for entry in self._ledger.at(self._context.label, JobStep.DELIVERED):
            self._finish(entry)
        return self.so_far()

    def so_far(self) -> list[SourceOutcome]:
        """Return the outcomes so far, in the order of the sources' numbers."""
        return [outcome for _, outcome in sorted(self._outcomes.values(), key=itemgetter(0))]

    def _finish(self, entry: JobEntry) -> None:
        """Do with a delivered source what the job says.

        Not before all sources were read: one may be a link to another.
        """
        try:
            apply_after(self._context.job, entry)
        except PiiencError as error:
            self._keep(entry, SourceOutcome.failed(entry.source, error))
        else:
            self._ledger.save(replace(entry, step=JobStep.DONE))

    @property
    def _push_request(self) -> PushRequest:
        request = self._context.push_request
        rules = replace(request.rules, job=self._context.job.name)
        return replace(request, rules=rules, known=self._known)

    def _batch(self, batch: Sequence[JobEntry]) -> None:
        paths = {entry.id: files_of(self._context, entry) for entry in batch}
        files = [path for entry in batch for path in paths[entry.id]]
        receipt = push(files, self._push_request, self.pool)
        self._receipts.append(receipt)
        by_path = {Path(file.source): file for file in receipt.files}
        for entry in batch:
            try:
                outcome = self._one(entry, [by_path[path] for path in paths[entry.id]])
            except PiiencError as error:
                outcome = SourceOutcome.failed(entry.source, error)
            self._keep(entry, outcome)

    def _keep(self, entry: JobEntry, outcome: SourceOutcome) -> None:
        self._outcomes[entry.id] = entry.number, outcome

    def _one(self, entry: JobEntry, files: Sequence[SentFile]) -> SourceOutcome:
        failure = next((file for file in files if file.error), None)
        if failure and failure.error:
            return SourceOutcome(entry.source, "failed", sha256=entry.sha256, error=failure.error)
        duplicates = [file for file in files if file.why == THERE]
        outcome = SourceOutcome(
            entry.source,
            "skipped" if duplicates else "delivered",
            THERE if duplicates else None,
            tuple(file.name for file in files),
            sum(file.bytes for file in files),
            _rows(entry),
            entry.sha256,
            warnings=tuple(warning for file in files for warning in file.warnings),
        )
        if duplicates:  # whose file that is, nobody knows: the source is not touched
            self._ledger.save(replace(entry, step=JobStep.SKIPPED))
            return outcome
        outcome = replace(outcome, receipt=str(keep_receipt(entry, files, self._context)))
        self._ledger.save(replace(entry, step=JobStep.DELIVERED))
        return outcome


def _without_twins(waiting: Sequence[JobEntry]) -> Iterator[list[JobEntry]]:
    """Yield batches in which all files, parts included, have different destination names."""
    rest = list(waiting)
    while rest:
        batch: list[JobEntry] = []
        later: list[JobEntry] = []
        batch_names: set[str] = set()
        for entry in rest:
            names = {str(file["name"]) for file in entry.wrapped}
            (later if names & batch_names else batch).append(entry)
            batch_names |= names
        yield batch
        rest = later


def _rows(entry: JobEntry) -> int | None:
    rows = loads(entry.facts).get("encrypt", {}).get("rows")
    return rows if isinstance(rows, int) else None
