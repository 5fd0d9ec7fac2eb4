"""What `piienc verify` shows people: the verdict, the columns, the findings, the open questions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.files import translated
from piienc.base.trust import held_name
from piienc.cli import ui
from piienc.report.formats import FORMATS
from piienc.report.groups import groups, leaks, unchecked
from piienc.report.words import percent, place, reason, rows_of, verdict, visible

if TYPE_CHECKING:
    from piienc.report.groups import FindingGroup
    from piienc.report.model import ColumnReport, Report

_BY_UMASK = 0o666
_MOST_GROUPS = 20
_MOST_ROWS = 3
_STYLES = {
    "PASSED": "bold green",
    "PASSED with warnings": "bold yellow",
    "INCOMPLETE": "bold yellow",
}
_ADVICE = {
    "authentic": "compare the file with its original; see which key wrote it: piienc inspect",
    "plaintext": "do not send the file: encrypt it with piienc encrypt-file",
    "key": "see which keys the file has: piienc inspect; import the one that is missing",
    "encrypted": "the file is encrypted already, at least in part: give --expect encrypted",
    "personal": "mark the column, if it holds personal data: piienc schema mark",
    "leak": "seal the column, unless it must be joined or looked up",
}


def show(report: Report) -> None:
    """Show a report on standard output; a quiet command does not call this."""
    word = verdict(report)
    name = visible(report.file.name)
    ui.paragraph(f"{word}: {name}: {reason(report)}", style=_STYLES.get(word, "bold red"))
    if report.columns:
        rows = [_row(name, column) for name, column in report.columns.items()]
        head = ("column", "nulls", "encrypted", "authentic", "failures", "suspicious")
        ui.table("columns", head, rows, fold=True)
    all_groups = groups(report)
    _show_groups("errors", [one for one in all_groups if one.severity == "error"])
    _show_groups("warnings", [one for one in all_groups if one.severity == "warning"])
    _show_list("also", [visible(one, 500) for one in report.warnings])
    _show_list(
        "what equal values show",
        [
            f"{visible(one.column)}: {one.distinct:,} different values in {one.cells:,} cells, "
            f"the most frequent in {percent(one.most_frequent, one.cells)} of them"
            for one in leaks(report)
        ],
    )
    _show_list(
        "not checked",
        [f"{visible(name)}: {rule}: {visible(why, 500)}" for name, rule, why in unchecked(report)],
    )


def add_summary(report: Report) -> None:
    """Put a report into the summary of a step of GitHub Actions, if this is one.

    Raises:
        IncompleteError: the summary could not be written.
    """
    if name := os.environ.get("GITHUB_STEP_SUMMARY"):
        with (
            translated(name),
            held_name(Path(name)) as final,
            open(final, "a", encoding="utf-8", opener=_as_itself) as summary,
        ):
            summary.write(FORMATS["markdown"](report))


def _as_itself(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, _BY_UMASK)


def _row(name: str, column: ColumnReport) -> tuple[str, ...]:
    return (
        visible(name, 60),
        f"{column.nulls:,}",
        "-" if column.encrypted is None else f"{column.encrypted:,}",
        "-" if column.authentic is None else f"{column.authentic:,}",
        f"{sum(column.failures.values()):,}",
        f"{sum(column.suspicious.values()):,}" if column.suspicious else "-",
    )


def _show_groups(title: str, all_groups: list[FindingGroup]) -> None:
    lines = [_line(one) for one in all_groups[:_MOST_GROUPS]]
    if more := len(all_groups) - len(lines):
        lines.append(f"{more:,} more columns and rules: see the whole report")
    _show_list(title, lines)
    for rule in dict.fromkeys(one.rule for one in all_groups):
        if advice := _ADVICE.get(rule):
            ui.paragraph(f"hint: {rule}: {advice}", indent=2)


def _line(group: FindingGroup) -> str:
    text = f"{place(group)}: {group.rule}: {visible(group.detail, 500)}"
    rows = rows_of(group, _MOST_ROWS)
    return f"{text}: {rows}" if rows else text


def _show_list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    ui.paragraph(title, style="bold")
    for line in lines:
        ui.paragraph(line, indent=2)
