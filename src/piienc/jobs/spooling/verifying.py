"""The verification of a source while it is encrypted: its plaintext is read once."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

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


class SourceVerification:
    """A verification that looks at what the encryption reads; use it as a context.

    Attributes:
        report: what was found, when all was read.
    """

    report: Report | None = None
    _pass: VerifyPass  # once the table is open

    def __init__(self, context: JobContext) -> None:
        self._context, self._stack = context, ExitStack()
        self._began, self._started = datetime.now(UTC), time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, table: OpenedTable) -> Self:
        """Begin, when the table is open."""
        context = self._context
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
        verify_pass = VerifyPass(table, request, context.available_keys)
        self._pass = self._stack.enter_context(verify_pass)
        return self

    def observe(self, stored: Mapping[str, StoredColumn]) -> UnitResult:
        """Look at a unit."""
        return self._pass.look(stored)

    def merge(self, found: Any) -> None:  # noqa: ANN401  # what `observe` has returned
        """Take what was found."""
        self._pass.merge(found)

    def conclude(self, read: FileFacts) -> None:
        """Make the report.

        Raises:
            VerificationError: it has errors.
        """
        self.report = self._pass.report(read, self._began, time.monotonic() - self._started)
        if self.report.exit_code:
            raise _failed(read.name, self.report)


def _failed(name: str, report: Report) -> VerificationError:
    found = ", ".join(f"{rule} {count:,}" for rule, count in sorted(report.counts.items()))
    error = VerificationError(
        f"{name} is not as its schema says, and was not sent: {found}",
        hint="see the report for rows and columns",
    )
    error.report = report
    return error
