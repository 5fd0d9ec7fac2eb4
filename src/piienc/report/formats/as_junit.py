"""A report as JUnit XML: a test suite for the file, a test case for each thing that was checked.

There is no standard; this keeps to what both the schema of Jenkins and that of Ant's JUnit task
take, but for skipped cases, which the older form of the latter does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.report.groups import groups, unchecked
from piienc.report.words import facts, place, reason, rows_of, verdict, visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element  # it is only written here

    from piienc.report.groups import FindingGroup
    from piienc.report.model import ColumnReport, Report

CHECKS = {
    "columns": ("columns",),
    "values": (
        *("type", "required", "unique", "pattern", "enum"),
        *("min", "max", "max_length", "format"),
    ),
    "encryption": ("plaintext", "key", "authentic", "encrypted"),
    "personal data": ("personal",),
    "receiver": ("profile",),
    "comparison": ("rows", "row", "value"),
    "round trip": ("round-trip",),
    "leak": ("leak",),
}
"""The rules that are one test case of a column or of the file."""

_MOST_ROWS = 10


def junit(report: Report) -> str:
    """Write a report as JUnit XML: failures for errors, skipped cases for what was not checked.

    Warnings stand in the suite's `system-out`, for a test case knows no warning.
    """
    from xml.etree import ElementTree as ET  # noqa: PLC0415  # start-up; written only

    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite")
    properties = ET.SubElement(suite, "properties")
    for name, value in facts(report):
        ET.SubElement(properties, "property", {"name": name, "value": value})
    counts = _write_cases(report, suite)
    ET.SubElement(suite, "system-out").text = "\n".join(_spoken(report))
    ET.SubElement(suite, "system-err")
    name = visible(report.file.name)
    suite.attrib |= {
        "name": name,
        "package": "piienc",
        "id": "0",
        "hostname": "localhost",
        "timestamp": report.time[:19],  # the schema of Ant's task allows no zone
        "time": f"{report.seconds:.3f}",
        **{what: str(count) for what, count in counts.items()},
    }
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, "unicode") + "\n"


def _write_cases(report: Report, suite: Element) -> dict[str, int]:
    """Put the test cases into a suite and return their numbers, by the suite's attributes."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415  # start-up; written only

    failures = _by_case(report)
    counts = {"tests": 0, "failures": 0, "errors": 0}

    def case(name: str, kind: str = "", text: str = "", **attributes: str) -> None:
        counts["tests"] += 1
        classname = visible(report.file.name)
        element = ET.SubElement(suite, "testcase", name=name, classname=classname, time="0")
        if kind:
            ET.SubElement(element, kind, attributes).text = text

    for column, check in dict.fromkeys([*_checked(report), *failures]):
        name = f"{'the file' if column is None else visible(column)}: {check}"
        if case_groups := failures.get((column, check)):
            counts["failures"] += 1
            lines = [_line(group, _MOST_ROWS) for group in case_groups]
            case(
                name,
                "failure",
                "\n".join(lines),
                message=_line(case_groups[0], 3),
                type=case_groups[0].rule,
            )
        else:
            case(name)
    for missing in report.missing_keys:
        counts["errors"] += 1
        case(f"key {visible(missing)}", "error", message="the key is not there", type="key")
    for column, rule, why in unchecked(report):
        counts["skipped"] = counts.get("skipped", 0) + 1
        case(f"{visible(column)}: {rule}, not checked", "skipped", visible(why, 500))
    return counts


def _by_case(report: Report) -> dict[tuple[str | None, str], list[FindingGroup]]:
    """Return the groups of errors by column and check."""
    check_of = {rule: check for check, rules in CHECKS.items() for rule in rules}
    failures: dict[tuple[str | None, str], list[FindingGroup]] = {}
    for group in groups(report):
        if group.severity == "error":
            failures.setdefault((group.column, check_of[group.rule]), []).append(group)
    return failures


def _checked(report: Report) -> Iterator[tuple[str | None, str]]:
    """Return what was checked: of the file, then of each column."""
    if not report.counts.get("columns"):
        yield None, "columns"
    if report.against:
        yield None, "comparison"
    if report.profile:
        yield None, "receiver"
    for name, column in report.columns.items():
        for check in _checked_of(report, column):
            yield name, check


def _checked_of(report: Report, column: ColumnReport) -> Iterator[str]:
    if column.type is not None:
        yield "values"
    yield "encryption" if column.marked else "personal data"
    if report.against:
        yield "comparison"
    if column.marked and "columns" in report.round_trip:
        yield "round trip"
    if column.distinct is not None:
        yield "leak"


def _line(group: FindingGroup, most: int) -> str:
    rows = rows_of(group, most)
    return visible(": ".join(filter(None, (group.rule, rows, group.detail))), 500)


def _spoken(report: Report) -> Iterator[str]:
    yield f"{verdict(report)}: {reason(report)}"
    for group in groups(report):
        if group.severity == "warning":
            yield f"warning: {place(group)}: {_line(group, 3)}"
    for one in report.warnings:
        yield f"warning: {visible(one, 500)}"
