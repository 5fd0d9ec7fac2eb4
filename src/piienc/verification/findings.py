"""The violations of units, which become findings of the file."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc.report.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from piienc.base.cells import Places
    from piienc.report.model import Severity


class Violation(Struct, frozen=True):
    """Rows that break a rule.

    Attributes:
        column: the column's name; None if it concerns whole rows or the file.
        rule: its name in reports.
        detail: the fault, without the value.
        rows: int64, from 0 within the unit, ascending; None if no row is concerned.
        severity: the severity of the findings.
    """

    column: str | None
    rule: str
    detail: str
    rows: Places | None = None
    severity: Severity = "error"


class ColumnCounts(Struct):
    """A column's counts, of a unit or of all.

    Attributes:
        nulls: cells that are null.
        encrypted: cells that have the form of a ciphertext.
        authentic: cells that are authentic.
        key_ids: the key ids in ciphertexts.
        suspicious: the number of cells that look like personal data, by finder.
    """

    nulls: int = 0
    encrypted: int = 0
    authentic: int = 0
    key_ids: set[int] = field(default_factory=set)
    suspicious: Counter[str] = field(default_factory=Counter)

    def add(self, other: ColumnCounts) -> None:
        """Add the counts of another unit."""
        self.nulls += other.nulls
        self.encrypted += other.encrypted
        self.authentic += other.authentic
        self.key_ids |= other.key_ids
        self.suspicious += other.suspicious


class Findings:
    """The findings of a file: all are counted, the first of each column and rule are kept."""

    def __init__(self, most: int) -> None:
        """Begin; so many are kept of each column and rule."""
        self._most = most
        self._count: Counter[Finding] = Counter()  # without their rows
        self._kept: dict[tuple[str | None, str], list[Finding]] = {}

    def add(self, violations: Iterable[Violation], first_row: int = 1) -> None:
        """Add the violations of a unit, whose first row has this number in the file, from 1."""
        for violation in violations:
            self._add(violation, first_row)

    def _add(self, violation: Violation, first_row: int) -> None:
        facts = (violation.column, violation.rule, violation.detail, violation.severity)
        rows = [None] if violation.rows is None else violation.rows
        if not len(rows):
            return
        self._count[Finding(None, *facts)] += len(rows)
        findings = self._kept.setdefault((violation.column, violation.rule), [])
        for row in rows[: self._most]:
            number = None if row is None else first_row + int(row)
            findings.append(Finding(number, *facts))
        if len(findings) > self._most:  # not all violations come in the order of their rows
            findings.sort(key=lambda each: each.row or 0)
            del findings[self._most :]

    @property
    def errors(self) -> int:
        """How many are errors."""
        return sum(count for kind, count in self._count.items() if kind.severity == "error")

    def by_rule(self) -> dict[str, int]:
        """Return how many there are of each rule."""
        counts: Counter[str] = Counter()
        for kind, count in self._count.items():
            counts[kind.rule] += count
        return dict(counts)

    def of_column(self, column: str) -> dict[str, int]:
        """Return how many there are of each rule in a column; personal data is counted apart."""
        counts: Counter[str] = Counter()
        for kind, count in self._count.items():
            if kind.column == column and kind.rule != "personal":
                counts[kind.rule] += count
        return dict(counts)

    def in_order(self, columns: Sequence[str]) -> tuple[Finding, ...]:
        """Return the kept findings: those of whole columns first, then by row and column."""
        places = {name: place for place, name in enumerate(columns)}
        return tuple(
            sorted(
                chain.from_iterable(self._kept.values()),
                key=lambda each: (
                    each.row or 0,
                    -1 if each.column is None else places.get(each.column, len(places)),
                    each.rule,
                ),
            )
        )
