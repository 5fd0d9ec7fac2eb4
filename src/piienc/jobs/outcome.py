"""The outcomes of a job and of its sources."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from piienc.report.receipt import ErrorFacts, StepReceipt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from piienc.errors import PiiencError

WORST_FIRST = (1, 6, 10, 12, 5, 3, 7, 4, 2, 9, 8, 11)
"""Exit codes: first what somebody must look into, last what passes by itself."""


def worst_of(errors: Iterable[ErrorFacts | None]) -> ErrorFacts | None:
    """Return the worst error, by `WORST_FIRST`; None if there is none."""
    present = filter(None, errors)
    return min(present, key=lambda error: WORST_FIRST.index(error.code), default=None)


class SourceOutcome(Struct, frozen=True):
    """The outcome of a source.

    Attributes:
        source: its path.
        outcome: delivered, skipped, left, failed, quarantined or, in a rehearsal, planned.
        why: why it was skipped or left.
        names: the names of its files at the destination.
        bytes: the total size of these files.
        rows: the rows of the table; None if it was not read to its end.
        sha256: the hash of the source, in hex, if known.
        report: the file with the verification's report, if it found errors.
        receipt: the file with the receipts of all steps.
        warnings: warnings for the user.
        error: the error, if it failed.
    """

    source: str
    outcome: str
    why: str | None = None
    names: tuple[str, ...] = ()
    bytes: int = 0
    rows: int | None = None
    sha256: str | None = None
    report: str | None = None
    receipt: str | None = None
    warnings: tuple[str, ...] = ()
    error: ErrorFacts | None = None

    @classmethod
    def failed(
        cls, source: Path | str, error: PiiencError, report: Path | None = None
    ) -> SourceOutcome:
        """Return the outcome of a source that failed."""
        report_path = str(report) if report else None
        name = os.fsencode(source).decode(errors="backslashreplace")  # it may be no text
        return cls(name, "failed", report=report_path, error=ErrorFacts.of(error))


class SendReceipt(StepReceipt, frozen=True):
    """What a job did.

    Attributes:
        step: the command's name.
        job: the job's name; None for one of the command line.
        destination: the URL of the folder.
        files: the sources in the order in which they were processed.
        seconds: how long it took.
        known: how many unchanged sources of the job were sent by earlier runs.
        dry_run: nothing was uploaded, and nothing is kept.
    """

    step: str
    job: str | None
    destination: str
    files: tuple[SourceOutcome, ...]
    seconds: float
    known: int = 0
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """The worst code of all files, by `WORST_FIRST`; 0 if none has failed."""
        return self._worst.code if self._worst else 0

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document; not `ok` if a file has failed."""
        return super().document() | (self._worst.document() if self._worst else {})

    @property
    def _worst(self) -> ErrorFacts | None:
        return worst_of(file.error for file in self.files)
