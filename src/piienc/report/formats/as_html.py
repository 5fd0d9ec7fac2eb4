"""A report as one HTML file, for people: no scripts, nothing fetched, good on paper too."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.report.groups import groups, leaks, unchecked
from piienc.report.model import RULES
from piienc.report.words import counted, facts, percent, place, reason, verdict, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Template

    from piienc.report.groups import FindingGroup
    from piienc.report.model import ColumnReport, Report

_TEMPLATES = Path(__file__).parent / "templates"
_TONES = {"PASSED": "good", "PASSED with warnings": "fair", "INCOMPLETE": "fair"}
_SHOWN_COLUMNS = 40
"""Of more columns than this, those without a failure are folded away."""


class Share(Struct, frozen=True):
    """A number of cells with a bar.

    Attributes:
        count: the number.
        percent: the share that the bar shows, from 0 to 100.
        text: the share in words, for who does not see the bar.
        tone: good, fair, bad or plain.
    """

    count: int
    percent: float
    text: str
    tone: str


def html(report: Report) -> str:
    """Write a report as one HTML file, in which every name is text and nothing is run."""
    columns = [(name, column, _shares(report, column)) for name, column in report.columns.items()]
    troubled = [one for one in columns if _is_troubled(one[1])]
    sound = [one for one in columns if not _is_troubled(one[1])]
    if len(columns) <= _SHOWN_COLUMNS:
        troubled, sound = columns, []
    all_groups = groups(report)
    word = verdict(report)
    return (
        _template().render(
            report=report,
            verdict=word,
            tone=_TONES.get(word, "bad"),
            reason=reason(report),
            facts=facts(report),
            shown_columns=troubled,
            folded_columns=sound,
            groups=[(one, _details(one)) for one in all_groups],
            listed=sum(len(one.findings) for one in all_groups),
            leaks=leaks(report),
            unchecked=unchecked(report),
            rules=RULES,
        )
        + "\n"
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  # start-up

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"visible": visible, "percent": percent, "counted": counted}
    environment.filters["place"] = place
    return environment.get_template("report.html.j2")


def _is_troubled(column: ColumnReport) -> bool:
    return any((*column.failures.values(), *column.suspicious.values(), column.unchecked))


def _shares(report: Report, column: ColumnReport) -> dict[str, Share | None]:
    """Return the bars of a column; None for what does not apply to it or was not looked at."""
    cells = report.rows - column.nulls
    failures, worst = sum(column.failures.values()), max([0, *column.failures.values()])
    suspicious = sum(column.suspicious.values())
    is_expected = report.expect == "encrypted"

    def tone_of(count: int) -> str:
        if not is_expected:
            return "plain"
        return "good" if count == cells else "bad"

    def share(count: int | None, total: int, tone: str) -> Share | None:
        if count is None:
            return None
        part = min(count, total)
        return Share(count, _length(part, total), percent(part, total), tone)

    return {
        "nulls": share(column.nulls, report.rows, "plain"),
        "encrypted": share(column.encrypted, cells, tone_of(column.encrypted or 0)),
        "authentic": share(column.authentic, cells, tone_of(column.authentic or 0)),
        "failures": Share(
            failures,
            _length(min(worst, report.rows), report.rows),
            f"at least {percent(min(worst, report.rows), report.rows)} of the rows",
            "bad" if failures else "plain",
        ),
        "suspicious": share(suspicious, cells, "fair") if suspicious else None,
    }


def _length(part: int, total: int) -> float:
    """Return the length of a bar in percent; one that is not empty can be seen."""
    return round(max(100 * part / total, 2), 1) if part else 0


def _details(group: FindingGroup) -> list[tuple[str, str]]:
    """Return what is wrong in a group, and in which rows: each text once."""
    rows: dict[str, list[int]] = {}
    for one in group.findings:
        rows.setdefault(one.detail, []).extend([] if one.row is None else [one.row])
    return [(detail, _ranges(where)) for detail, where in rows.items()]


def _ranges(rows: Iterable[int]) -> str:
    """Return rows with runs put together: `17, 40-97`."""
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row <= runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ", ".join(
        f"{first:,}" if first == last else f"{first:,}\N{EN DASH}{last:,}" for first, last in runs
    )
