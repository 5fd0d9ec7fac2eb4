"""The verification of a source while it is encrypted: its plaintext is read once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from msgspec import Struct, field

from piienc.errors import VerificationError
from piienc.transform.treatments import TREATMENTS
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import VerifyPass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from piienc.jobs.context import JobContext
    from piienc.report.model import Report
    from piienc.report.receipt import FileFacts
    from piienc.tables import OpenedTable
    from piienc.transform.batches import StoredColumn
    from piienc.verification.verify import UnitResult


class Verifying(Struct):
    """A verification that looks at what the encryption reads; use it as a context.

    Attributes:
        context: the job.
        report: what was found, when all was read.
    """

    context: JobContext
    report: Report | None = None
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: float = field(default_factory=time.monotonic)
    _pass: VerifyPass | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pass:
            self._pass.__exit__(*error)

    def of(self, table: OpenedTable) -> Self:
        """Begin, when the table is open."""
        context = self.context
        profile = context.profile if context.profile.rows else None
        request = VerifyRequest(
            schema=context.schema,
            facts=context.facts,
            expect="plain",
            profile=profile,
            leave_out=frozenset(
                name
                for name, treatment in context.job.treatments.items()
                if TREATMENTS[treatment].hides
            ),
        )
        self._pass = VerifyPass(table, request, context.available_keys)
        return self

    def observe(self, stored: Mapping[str, StoredColumn]) -> UnitResult:
        """Look at a unit."""
        return self._running.look(stored)

    def merge(self, found: Any) -> None:  # noqa: ANN401  # what `observe` has returned
        """Take what was found."""
        self._running.merge(found)

    def conclude(self, read: FileFacts) -> None:
        """Make the report.

        Raises:
            VerificationError: it has errors.
        """
        self.report = self._running.report(read, self._began, time.monotonic() - self._started)
        if self.report.exit_code:
            raise _failed(read.name, self.report)

    @property
    def _running(self) -> VerifyPass:
        assert self._pass is not None  # noqa: S101  # the table is open
        return self._pass


def _failed(name: str, report: Report) -> VerificationError:
    found = ", ".join(f"{rule} {count:,}" for rule, count in sorted(report.counts.items()))
    error = VerificationError(
        f"{name} is not as its schema says, and was not sent: {found}",
        hint="see the report for rows and columns",
    )
    error.report = report
    return error
