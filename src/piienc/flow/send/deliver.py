"""What is in the spool goes to the destination, and the ledger learns of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from piienc.errors import PiiencError
from piienc.flow.push import push
from piienc.flow.send.after import apply_after
from piienc.flow.send.outcome import Outcome
from piienc.flow.send.papers import keep_receipt
from piienc.flow.send.spool import files_of
from piienc.state import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.flow.receipt import ErrorFacts, SentFile
    from piienc.flow.send.sending import Sending
    from piienc.state import Sendings, Sent

THERE = "there already"
"""Why a source is skipped whose name is taken at the destination."""


class Deliverer(Struct, frozen=True):
    """Delivers what is in the spool.

    Attributes:
        sending: the job.
        ledger: told of each step.
    """

    sending: Sending
    ledger: Sendings

    def all(self) -> list[Outcome]:
        """Deliver all that the job has in the spool; what fails stays there for the next run."""
        waiting = self.ledger.at(self.sending.label, Step.SPOOLED)
        outcomes: list[Outcome] = []
        for batch in _without_twins(waiting):
            try:
                outcomes += self._batch(batch)
            except PiiencError as error:
                outcomes += [Outcome.failed(sent.source, error) for sent in batch]
        return outcomes

    def finish(self, sent: Sent) -> Outcome | None:
        """Do with a delivered source what the job says; return what failed, if anything did."""
        try:
            apply_after(self.sending.job, sent)
        except PiiencError as error:
            return Outcome.failed(sent.source, error)
        self.ledger.save(replace(sent, step=Step.DONE))
        return None

    def _batch(self, batch: Sequence[Sent]) -> Iterator[Outcome]:
        pushing = self.sending.pushing
        rules = replace(pushing.rules, job=self.sending.job.name)
        paths = {sent.id: files_of(self.sending, sent) for sent in batch}
        receipt = push(
            [path for sent in batch for path in paths[sent.id]], replace(pushing, rules=rules)
        )
        self.sending.evidence(receipt)
        told = {Path(file.source): file for file in receipt.files}
        return (self._one(sent, [told[path] for path in paths[sent.id]]) for sent in batch)

    def _one(self, sent: Sent, files: Sequence[SentFile]) -> Outcome:
        failed = next((file for file in files if file.error), None)
        if failed and failed.error:
            return _with_error(sent, failed.error)
        there = [file for file in files if file.why == THERE]
        made = Outcome(
            sent.source,
            "skipped" if there else "delivered",
            THERE if there else None,
            tuple(file.name for file in files),
            sum(file.bytes for file in files),
            _rows(sent),
            sent.sha256,
            warnings=tuple(said for file in files for said in file.warnings),
        )
        if there:  # whose file that is, nobody knows: the source is not touched
            self.ledger.save(replace(sent, step=Step.SKIPPED))
            return made
        try:
            made = replace(made, receipt=str(keep_receipt(sent, files, self.sending)))
        except PiiencError as error:
            return Outcome.failed(sent.source, error)
        sent = self.ledger.save(replace(sent, step=Step.DELIVERED))
        return self.finish(sent) or made


def _without_twins(waiting: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Yield batches in which no two files have the same name at the destination, parts included."""
    rest = list(waiting)
    while rest:
        batch: list[Sent] = []
        later: list[Sent] = []
        taken: set[str] = set()
        for sent in rest:
            names = {str(file["name"]) for file in sent.wrapped}
            (later if names & taken else batch).append(sent)
            taken |= names
        yield batch
        rest = later


def _rows(sent: Sent) -> int | None:
    from json import loads  # noqa: PLC0415  # a few bytes, once for each file

    rows = loads(sent.facts).get("encrypt", {}).get("rows")
    return rows if isinstance(rows, int) else None


def _with_error(sent: Sent, error: ErrorFacts) -> Outcome:
    return Outcome(sent.source, "failed", sha256=sent.sha256, error=error)
