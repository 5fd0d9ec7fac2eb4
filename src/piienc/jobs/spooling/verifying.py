"""Verifies a source while it is encrypted, so that its plaintext is read once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from piienc.errors import VerificationError
from piienc.transform.treatments import TREATMENTS
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import VerifyPass

if TYPE_CHECKING:
    from piienc.jobs.context import JobContext
    from piienc.report.model import Report
    from piienc.report.receipt import FileFacts
    from piienc.tables import OpenedTable


class SourceVerifier(VerifyPass):
    """Verifies a source while it is encrypted; use it as a context.

    Attributes:
        result: the report, set at the end.
    """

    result: Report

    def __init__(self, table: OpenedTable, context: JobContext) -> None:
        """Begin, when the table is open."""
        self._began, self._started = datetime.now(UTC), time.monotonic()
        treatments = context.job.treatments.items()
        request = VerifyRequest(
            schema=context.schema,
            facts=context.facts,
            expect="plain",
            profile=context.profile if context.profile.rows else None,
            leave_out=frozenset(name for name, kind in treatments if TREATMENTS[kind].hides),
        )
        super().__init__(table, request, context.available_keys)

    def conclude(self, read: FileFacts) -> None:
        """Make the report.

        Raises:
            VerificationError: it has errors.
        """
        self.result = self.report(read, self._began, time.monotonic() - self._started)
        if self.result.exit_code:
            raise _failed(read.name, self.result)


def _failed(name: str, report: Report) -> VerificationError:
    counts = ", ".join(f"{rule} {count:,}" for rule, count in sorted(report.counts.items()))
    error = VerificationError(
        f"{name} is not as its schema says, and was not sent: {counts}",
        hint="see the report for rows and columns",
    )
    error.report = report
    return error
