"""A report as workflow commands of GitHub Actions: annotations at the file.

Source: GitHub's documentation, "Workflow commands for GitHub Actions". GitHub shows ten errors,
ten warnings and ten notices of a step, and fifty annotations of a job; what is beyond is dropped
without a word. So findings are put together by column and rule, the gravest first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base.printable import printable
from piienc.report.groups import groups, unchecked
from piienc.report.words import counted, line_of, place, reason, rows_of, verdict, visible

if TYPE_CHECKING:
    from piienc.report.groups import FindingGroup
    from piienc.report.model import Report

MOST = 10
"""Annotations of one level that GitHub shows of one step."""


def github(report: Report) -> str:
    """Write a report as workflow commands: the verdict, then the findings by column and rule."""
    all_groups = groups(report)
    errors = [_of_group(report, group) for group in all_groups if group.severity == "error"]
    warnings = [_of_group(report, group) for group in all_groups if group.severity == "warning"]
    warnings += [
        _command("warning", report, "warning", visible(one, 500)) for one in report.warnings
    ]
    notices = [
        _command("notice", report, f"{visible(column)}: not checked: {rule}", visible(why, 500))
        for column, rule, why in unchecked(report)
    ]
    kept = errors[: MOST - 1], warnings[:MOST], notices[: MOST - 1]
    left_out = len(errors) + len(warnings) + len(notices) - sum(map(len, kept))
    text = reason(report)
    if left_out:
        text += f"; {counted(left_out, 'annotation')} left out here: see the whole report"
    level = "notice" if report.ok else "error"
    head = _command(level, report, f"piienc verify: {verdict(report)}", text)
    return "\n".join([head, *kept[0], *kept[1], *kept[2]]) + "\n"


def _of_group(report: Report, group: FindingGroup) -> str:
    row = next((one.row for one in group.findings if one.row is not None), None)
    rows = rows_of(group)
    text = f"{rows}: {group.detail}" if rows else group.detail
    title = f"{place(group)}: {group.rule}"
    return _command(group.severity, report, title, visible(text, 500), line_of(report, row))


def _command(level: str, report: Report, title: str, text: str, line: int | None = None) -> str:
    properties = [] if report.file.name == "-" else [f"file={_property(report.file.name)}"]
    properties += [] if line is None else [f"line={line}"]
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_message(text)}"


def _message(text: str) -> str:
    """Escape a message as GitHub reads it."""
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    """Escape a property, in which two more characters have a meaning."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")
