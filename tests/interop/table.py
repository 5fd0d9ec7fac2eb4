"""The table at the end: what came of each counterpart in each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Table:
    """Outcomes, as the reports of the tests tell them."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[str, str]]] = {}
        self._reasons: dict[str, str] = {}

    def take(self, report: Any) -> None:  # pytest's TestReport
        """Take the report of one phase of a test."""
        said = dict(report.user_properties)
        if "table" not in said or (report.when != "call" and report.passed):
            return
        rows = self._tables.setdefault(said["table"], {})
        row = rows.setdefault(said["counterpart"], {})
        row[said["scenario"]] = self._outcome(report, said)

    def _outcome(self, report: Any, said: dict[str, str]) -> str:  # as above
        if hasattr(report, "wasxfail"):
            return "known fault"
        if report.skipped:
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            self._reasons[said["counterpart"]] = reason
            return "skipped"
        if report.failed:
            return "FAILED"
        return said.get("outcome", "ok")

    def lines(self) -> Iterator[str]:
        """Return the lines, in Markdown."""
        for name, rows in self._tables.items():
            scenarios = list(dict.fromkeys(s for row in rows.values() for s in row))
            table = [[name, *scenarios]]
            table += [[who, *(row.get(s, "") for s in scenarios)] for who, row in rows.items()]
            widths = [max(map(len, column)) for column in zip(*table, strict=True)]
            yield ""
            for number, cells in enumerate(table):
                yield _line(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
                if not number:
                    yield _line("-" * width for width in widths)
        for counterpart, reason in self._reasons.items():
            yield f"skipped: {counterpart}: {reason}"


def _line(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"
