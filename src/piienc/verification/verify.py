"""The pass: units of a file are checked in parallel, and their results merged in order."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from piienc.columns import Fingerprinter
from piienc.errors import UsageError
from piienc.report.model import Report
from piienc.transform.batches import by_name, decoded
from piienc.transform.crypt import csv_format
from piienc.transform.pipeline import in_order, usable_cores
from piienc.verification.against import compared
from piienc.verification.by_key import compared_by_key
from piienc.verification.columns.fingerprints import FingerprintStore, Frequencies
from piienc.verification.columns.leaks import leak_of
from piienc.verification.findings import ColumnCounts, Findings, Violation
from piienc.verification.opening import VerifiedFile, opened
from piienc.verification.plan import make_plan
from piienc.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from piienc.base.cells import Places
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.report.receipt import FileFacts
    from piienc.storage import OpenedSource, Source
    from piienc.tables import OpenedTable
    from piienc.transform.batches import StoredColumn
    from piienc.verification.available_keys import AvailableKeys
    from piienc.verification.columns.verifier import ColumnResult
    from piienc.verification.request import VerifyRequest


_MOST_UNKNOWN = 1 << 20  # rows of a column whose values are known to be unknown: 8 MiB


def verify(
    source: Source | VerifiedFile, request: VerifyRequest, *, keys: AvailableKeys, pgp: PgpFolder
) -> Report:
    """Verify a file in one pass.

    Raises:
        UsageError: the request contradicts itself.
        InputError: a file cannot be read.
        PolicyError: the schema would undo a mark.
        PiiencError: a message cannot be unwrapped.
    """
    _require_fitting(source, request)
    started, began = time.monotonic(), datetime.now(UTC)
    threads = request.threads or usable_cores()
    with ExitStack() as stack:
        form = csv_format(request.schema)
        outer = source if isinstance(source, VerifiedFile) else stack.enter_context(source.opened())
        file = stack.enter_context(opened(outer, form, pgp, request.units))
        if request.hold:
            request.hold(file.table.columns)
        pass_ = stack.enter_context(VerifyPass(file.table, request, keys))
        facts = None
        if request.against is None:
            for _ in pass_.batches(file, threads):
                pass
            pass_.send_around(outer, pgp)
        else:
            original = stack.enter_context(opened(request.against, form, pgp, request.units))
            pass_.compare(file, original, threads)
            facts = original.facts()
        report = pass_.report(file.facts(), began, time.monotonic() - started)
        return replace(report, against=facts, wrapped=file.wrapped)


def _require_fitting(source: Source | VerifiedFile, request: VerifyRequest) -> None:
    if request.key_column is not None and request.against is None:
        raise UsageError("--key-column is for --against", hint="name the original: --against FILE")
    if request.round_trip and request.expect != "plain":
        raise UsageError(
            "--round-trip is for a file that is still plain", hint="add --expect plain"
        )
    if request.recipients and not request.round_trip:
        raise UsageError("--recipient is for --round-trip", hint="add --round-trip")
    if request.recipients and (isinstance(source, VerifiedFile) or source.path is None):
        raise UsageError("a stream can be read only once", hint="name the file")


class UnitResult(Struct, frozen=True):
    """The result of a unit; `unknown` has the rows whose values are unknown."""

    rows: int
    columns: dict[str, ColumnResult]
    violations: list[Violation]
    plain: pa.RecordBatch | None
    unknown: dict[str, Places]


class VerifyPass:
    """One pass over a file, and what it has found so far; use it as a context."""

    def __init__(self, table: OpenedTable, request: VerifyRequest, keys: AvailableKeys) -> None:
        self._table, self._request = table, request
        self._fingerprinter = Fingerprinter()
        self._plan = make_plan(table, request, keys, self._fingerprinter)
        self._findings = Findings(request.most)
        self._findings.add(self._plan.violations)
        self._counts = {name: ColumnCounts() for name in self._plan.verifiers}
        self._unique: dict[str, FingerprintStore] = {}
        self._leaks: dict[str, Frequencies] = {}
        self._unknown: dict[str, Places] = {}
        self._stack = ExitStack()
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def batches(self, file: VerifiedFile, threads: int) -> Iterator[pa.RecordBatch]:
        """Check all units, and yield the plain values of each, as far as they are known."""
        progress = self._request.progress or (lambda *_: None)

        def look(unit: Any) -> UnitResult:  # noqa: ANN401  # a source's units are its own
            return self.observe(by_name(self._table, decoded(self._table, unit)))

        with closing(in_order(self._table.units(), look, threads)) as results:
            for result in results:
                self.merge(result)
                progress(self._rows, 0, file.share())
                if result.plain is not None:
                    yield result.plain

    def compare(self, file: VerifiedFile, original: VerifiedFile, threads: int) -> None:
        """Check all units, and compare them with those of the original."""
        table = original.table
        if table.kind != self._table.kind:
            raise UsageError(
                f"{self._table.name} and {table.name} are of different formats",
                hint="compare CSV with CSV and Parquet with Parquet",
            )
        columns, violations = self._plan.comparable(table.columns)
        self._findings.add(violations)

        def read(unit: Any) -> pa.RecordBatch:  # noqa: ANN401  # a source's units are its own
            stored = by_name(table, decoded(table, unit))
            names = columns or list(stored)[:1]  # a batch without columns has no rows
            return pa.RecordBatch.from_arrays([stored[name].array for name in names], names)

        # One thread is enough: the file itself takes longer than the original.
        with closing(in_order(table.units(), read, 1)) as original_batches:
            actual_batches = self.batches(file, threads)
            key = self._request.key_column
            if key is None:
                differences = compared(actual_batches, original_batches, columns)
            else:
                if key not in columns:
                    raise UsageError(
                        f"--key-column: {key!r} is not among the columns that can be compared",
                        hint=f"these are: {', '.join(columns) or 'none'}",
                    )
                differences = compared_by_key(
                    actual_batches, original_batches, columns, key, self._fingerprinter
                )
            self._findings.add(map(self._known, differences))

    def _known(self, violation: Violation) -> Violation:
        """Drop the rows whose values are unknown: another finding explains them."""
        if (
            violation.rule != "value"
            or violation.column not in self._unknown
            or violation.rows is None
        ):
            return violation
        unknown = np.isin(violation.rows, self._unknown[violation.column])
        return replace(violation, rows=violation.rows[~unknown])

    def send_around(self, source: OpenedSource | VerifiedFile, pgp: PgpFolder) -> None:
        """Wrap and unwrap the file, if that was asked for."""
        if self._request.recipients and not isinstance(source, VerifiedFile):
            from piienc.verification.message_trip import message_trip  # noqa: PLC0415  # start-up

            request = self._request
            self._findings.add(message_trip(source, request.recipients, request.profile, pgp))

    def observe(self, stored: Mapping[str, StoredColumn]) -> UnitResult:
        """Check a unit; called in several threads."""
        results = {name: each.check(stored[name]) for name, each in self._plan.verifiers.items()}
        violations = self._plan.of_rows(stored, results)
        rows = next((column.count for column in stored.values()), 0)
        plain: pa.RecordBatch | None = None
        unknown: dict[str, Places] = {}
        if self._request.against is not None:
            plain = self._plan.plain(stored, results)
            unknown = {
                name: each.unknown(stored[name])
                for name, each in results.items()
                if each.violations and each.plain is not None
            }
        # With their values, results would hold the unit in memory while they wait for their turn.
        results = {name: replace(each, plain=None) for name, each in results.items()}
        return UnitResult(rows, results, violations, plain, unknown)

    def merge(self, unit: UnitResult) -> None:
        """Take what was found in the unit that is next in the file."""
        first = self._rows + 1
        for name, result in unit.columns.items():
            self._counts[name].add(result.counts)
            self._findings.add(result.violations, first)
            if result.fingerprints is not None:
                if name not in self._unique:
                    self._unique[name] = self._stack.enter_context(FingerprintStore())
                fingerprints, rows = result.fingerprints
                self._unique[name].add_prints(fingerprints, rows + self._rows)
            if result.leaks is not None:
                if name not in self._leaks:
                    self._leaks[name] = self._stack.enter_context(Frequencies())
                self._leaks[name].add_prints(result.leaks)
        self._findings.add(unit.violations, first)
        for name, rows in unit.unknown.items():
            unknown = self._unknown.get(name, rows[:0])
            if len(unknown) < _MOST_UNKNOWN:
                self._unknown[name] = np.append(unknown, rows + self._rows)
        self._rows += unit.rows

    def report(self, file: FileFacts, began: datetime, seconds: float) -> Report:
        """Add the findings that need all rows, and return the report."""
        request, plan = self._request, self._plan
        trips = (("columns", request.round_trip), ("message", request.recipients))
        for name, store in self._unique.items():
            for rows in store.repeated():
                self._findings.add([Violation(name, "unique", "stands in an earlier row", rows)])
        with ThreadPoolExecutor(usable_cores()) as threads:  # each of them sorts
            results = threads.map(Frequencies.equal, self._leaks.values())
            equal = dict(zip(self._leaks, results, strict=True))
        for name, shares in equal.items():
            if leak := leak_of(name, request.schema.columns[name], shares):
                self._findings.add([leak])
        self._findings.add(plan.of_shares(self._counts, self._rows))
        columns = {}
        for name, counts in self._counts.items():
            failures = self._findings.of_column(name)
            columns[name] = plan.column(name, counts, failures, equal.get(name))
        return Report(
            step="verify",
            tool=f"piienc {__version__}",
            time=began.isoformat(timespec="seconds").replace("+00:00", "Z"),
            file=file,
            schema=request.facts,
            expect=request.expect,
            against=None,
            profile=request.profile.name if request.profile else None,
            wrapped=False,
            round_trip=tuple(name for name, is_asked in trips if is_asked),
            rows=self._rows,
            columns=columns,
            findings=self._findings.in_order(list(columns)),
            counts=self._findings.by_rule(),
            errors=self._findings.errors,
            missing_keys=plan.missing_keys,
            seconds=round(seconds, 3),
            warnings=plan.warnings,
        )
