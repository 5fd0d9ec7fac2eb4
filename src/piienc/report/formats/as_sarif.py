"""A report as SARIF 2.1.0, the format of static analysis results, for code scanning.

Sources: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's
documentation, "SARIF support for code scanning", for how much it takes: 25,000 results of a run, of
which it shows the 5,000 gravest, and 1,000 characters of a message.
"""

from __future__ import annotations

import os
from json import dumps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from piienc.report.groups import groups, unchecked
from piienc.report.model import RULES
from piienc.report.words import ABOUT_LINES, counted, line_of, reason, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.report.groups import FindingGroup
    from piienc.report.model import Finding, Report
    from piienc.report.receipt import FileFacts

MOST_RESULTS = 5_000
"""More are not shown by GitHub."""

_LONGEST = 1_000  # characters of a message
_MOST_NOTES = 100
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_INDEX = {rule: index for index, rule in enumerate(RULES)}


def sarif(report: Report) -> str:
    """Write a report as SARIF: a result for each finding that is quoted, the gravest first.

    What is counted only, and what was not checked, stands in the run's notifications.
    """
    name, _, version = report.tool.partition(" ")
    driver: dict[str, Any] = {"name": name, "rules": [_rule(rule) for rule in RULES]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "invocations": [
            {
                "executionSuccessful": not report.missing_keys,
                "exitCode": report.exit_code,
                "startTimeUtc": report.time,
                "toolExecutionNotifications": list(_notes(report)),
            }
        ],
        "artifacts": [_artifact(report.file)],
        "results": list(_results(report))[:MOST_RESULTS],
        "columnKind": "unicodeCodePoints",
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    text = f"{RULES[rule][0].upper()}{RULES[rule][1:]}."
    level = "warning" if rule == "leak" else "error"
    return {
        "id": rule,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": f"piienc verify demands: {RULES[rule]}."},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["data quality", "encryption"]},
    }


def _artifact(file: FileFacts) -> dict[str, Any]:
    return {
        "location": {"uri": _uri(file.name)},
        "length": file.bytes,
        "hashes": {"sha-256": file.sha256},
    }


def _uri(name: str) -> str:
    """Return a path as a URI; a relative one stays relative, to the root of the repository."""
    quoted = quote(os.fsencode(name))
    return f"file://{quoted}" if PurePath(name).is_absolute() else quoted


def _results(report: Report) -> Iterator[dict[str, Any]]:
    for group in groups(report):
        for one in group.findings:
            yield _result(report, one, one.row, [] if one.row is None else [f"row {one.row}"])
        if not group.findings:  # only the number is known
            yield _result(report, group, None, [counted(group.count, "finding")])


def _result(
    report: Report, one: Finding | FindingGroup, row: int | None, where: list[str]
) -> dict[str, Any]:
    columns = [] if one.column is None else [f"column {visible(one.column)}"]
    place = ", ".join(columns + where)
    text = f"{place}: {one.detail}" if place else one.detail
    return {
        "ruleId": one.rule,
        "ruleIndex": _INDEX[one.rule],
        "level": one.severity,
        "message": {"text": visible(text, _LONGEST)},
        "locations": [_location(report, one.column, row)],
        "properties": {"row": row},
    }


def _location(report: Report, column: str | None, row: int | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(report.file.name), "index": 0}}
    if line := line_of(report, row):
        physical["region"] = {"startLine": line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if column is not None:
        location["logicalLocations"] = [{"name": visible(column), "kind": "member"}]
    return location


def _notes(report: Report) -> Iterator[dict[str, Any]]:
    """Return what is said of the run: it is shown beside the results and not as one of them."""
    yield _note("note" if report.ok else "error", reason(report))
    hidden = sum(report.counts.values()) - min(len(report.findings), MOST_RESULTS)
    if hidden > 0:
        yield _note("note", f"{counted(hidden, 'finding')} are counted and not listed")
    if line_of(report, 1):
        yield _note("note", ABOUT_LINES)
    for name in report.missing_keys:
        yield _note("error", f"key {visible(name)} is not there")
    for one in report.warnings[:_MOST_NOTES]:
        yield _note("warning", visible(one, _LONGEST))
    for column, rule, why in unchecked(report)[:_MOST_NOTES]:
        yield _note("note", visible(f"column {column}, not checked: {rule}: {why}", _LONGEST))


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}
