"""Findings by column and rule, the gravest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.report.model import RULES

if TYPE_CHECKING:
    from piienc.report.model import Finding, Report, Severity

_GRAVEST = ("authentic", "plaintext", "key", "round-trip", "encrypted", "columns")
"""What gives values away or loses them, before what is merely wrong."""


class FindingGroup(Struct, frozen=True):
    """All findings of one column and rule.

    Attributes:
        column: the column's name; None for findings of whole rows or of the file.
        rule: a key of `RULES`.
        severity: the gravest of the findings.
        count: how many there are in all.
        findings: the first of them, by row.
    """

    column: str | None
    rule: str
    severity: Severity
    count: int
    findings: tuple[Finding, ...]

    @property
    def detail(self) -> str:
        """What is wrong, in the words of the first finding, or of the rule."""
        if self.findings:
            return self.findings[0].detail
        return f"it is not so that {RULES[self.rule]}"


class Leak(Struct, frozen=True):
    """What equal values of a searchable column show.

    Attributes:
        column: its name.
        distinct: how many different values it holds.
        most_frequent: how many cells hold the most frequent one.
        cells: how many cells are not null.
    """

    column: str
    distinct: int
    most_frequent: int
    cells: int


def groups(report: Report) -> list[FindingGroup]:
    """Return a report's findings in groups, the gravest first, larger ones before smaller.

    Groups of which only the number is known are among them.
    """
    quoted: dict[tuple[str | None, str], list[Finding]] = {}
    for one in report.findings:
        quoted.setdefault((one.column, one.rule), []).append(one)
    counts = _counts(report)
    result = [
        _group(report, column, rule, counts.get((column, rule), 0), quoted.get((column, rule), []))
        for column, rule in dict.fromkeys([*quoted, *counts])
    ]
    return sorted(result, key=_gravity)


def _counts(report: Report) -> dict[tuple[str | None, str], int]:
    """Return how many findings each column and rule has; what no column has is the file's."""
    counts: dict[tuple[str | None, str], int] = {}
    for name, column in report.columns.items():
        of_rules = dict(column.failures)
        if column.suspicious:
            of_rules["personal"] = sum(column.suspicious.values())
        counts |= {(name, rule): count for rule, count in of_rules.items() if count}
    # A column that the file lacks has no counts of its own: its findings stand for themselves.
    for one in report.findings:
        if one.column is not None and one.column not in report.columns:
            key = one.column, one.rule
            counts[key] = counts.get(key, 0) + 1
    for rule, count in report.counts.items():
        rest = count - sum(n for (_, of), n in counts.items() if of == rule)
        if rest > 0:
            counts[None, rule] = rest
    return counts


def _group(
    report: Report, column: str | None, rule: str, count: int, findings: list[Finding]
) -> FindingGroup:
    grave = any(one.severity == "error" for one in findings) if findings else report.errors
    severity: Severity = "error" if grave else "warning"
    findings.sort(key=lambda one: one.row or 0)
    return FindingGroup(column, rule, severity, max(count, len(findings)), tuple(findings))


def _gravity(group: FindingGroup) -> tuple[bool, int, int]:
    rank = _GRAVEST.index(group.rule) if group.rule in _GRAVEST else len(_GRAVEST)
    return group.severity == "warning", rank, -group.count


def leaks(report: Report) -> list[Leak]:
    """Return what equal values show, of the searchable columns whose values were counted."""
    return [
        Leak(name, column.distinct, column.most_frequent or 0, report.rows - column.nulls)
        for name, column in report.columns.items()
        if column.distinct is not None
    ]


def unchecked(report: Report) -> list[tuple[str, str, str]]:
    """Return what could not be checked: column, rule and why."""
    return [
        (name, rule, why)
        for name, column in report.columns.items()
        for rule, why in column.unchecked.items()
    ]
