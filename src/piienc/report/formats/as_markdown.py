"""A report as Markdown, for the summary of a step of GitHub Actions.

Source: GitHub's documentation, "Workflow commands for GitHub Actions": a step's summary is GitHub
Flavored Markdown of at most 1 MiB, or it is not shown at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from piienc.report.groups import groups, leaks, unchecked
from piienc.report.words import facts, percent, place, reason, rows_of, verdict, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.report.model import ColumnReport, Report

MOST_BYTES = 1_000_000  # below 1 MiB, for a summary may hold something before this one
_CUT = "\nThe rest is left out: see the whole report.\n"
_MARKS = {"PASSED": "✅", "PASSED with warnings": "⚠️", "INCOMPLETE": "❔"}


def markdown(report: Report, most: int = MOST_BYTES) -> str:
    """Write a report as Markdown of at most `most` bytes; what is too much is cut at a line."""
    output: list[str] = []
    size = len(_CUT)
    for line in _lines(report):
        size += len(line.encode()) + 1
        if size > most:
            return "\n".join(output) + "\n" + _CUT
        output.append(line)
    return "\n".join(output) + "\n"


def _lines(report: Report) -> Iterator[str]:
    word = verdict(report)
    yield f"## {_MARKS.get(word, '❌')} piienc verify: {word}"
    yield ""
    yield f"{_text(reason(report))}."
    yield from _table("", ("what", "value"), [(what, _text(text)) for what, text in facts(report)])
    yield from _table(
        "Findings",
        ("column", "rule", "level", "count", "where", "detail"),
        [
            (
                _code(place(one)) if one.column is not None else "the file",
                one.rule,
                one.severity,
                f"{one.count:,}",
                rows_of(one),
                _text(one.detail),
            )
            for one in groups(report)
        ],
    )
    yield from _table("Warnings", ("warning",), [(_text(one),) for one in report.warnings])
    yield from _table(
        "Columns",
        ("column", "type", "key", "nulls", "encrypted", "authentic", "failures", "suspicious"),
        [_column(name, column) for name, column in report.columns.items()],
    )
    yield from _table(
        "What equal values show",
        ("column", "distinct", "most frequent", "share"),
        [
            (
                _code(one.column),
                f"{one.distinct:,}",
                f"{one.most_frequent:,}",
                percent(one.most_frequent, one.cells),
            )
            for one in leaks(report)
        ],
    )
    yield from _table(
        "Not checked",
        ("column", "rule", "why"),
        [(_code(column), rule, _text(why)) for column, rule, why in unchecked(report)],
    )


def _column(name: str, column: ColumnReport) -> tuple[str, ...]:
    key = _text(f"{column.key} ({column.mode or 'not there'})") if column.key else "-"
    return (
        _code(name),
        _text(column.type or "not in the schema"),
        key,
        f"{column.nulls:,}",
        "-" if column.encrypted is None else f"{column.encrypted:,}",
        "-" if column.authentic is None else f"{column.authentic:,}",
        f"{sum(column.failures.values()):,}",
        f"{sum(column.suspicious.values()):,}",
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    if title:
        yield f"### {title}"
        yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _text(text: str) -> str:
    """Return text that Markdown takes as it is: what could mean something becomes an entity."""
    return re.sub(r"[^\w ,.;()%-]|_", lambda match: f"&#{ord(match[0])};", visible(text, 500))


def _code(name: str) -> str:
    """Return a column's name in the type of code, in which nothing becomes a link."""
    return f"<code>{_text(visible(name))}</code>"
