"""The words that all forms of a report share, and names made harmless."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from piienc.base.printable import printable

if TYPE_CHECKING:
    from piienc.report.groups import FindingGroup
    from piienc.report.model import Report

_LONGEST_NAME = 200  # characters
_WITH_LINES = {".csv", ".tsv", ".txt"}

ABOUT_LINES = (
    "a line is the row's number plus one; line breaks within quotes move the lines below them"
)


def visible(text: str, most: int = _LONGEST_NAME) -> str:
    r"""Return a name as any reader may have it: one line, cut if it is very long.

    Control characters, marks of direction and broken Unicode become escapes such as `\u202e`.
    """
    shown = printable(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `3,012 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(part: int, total: int) -> str:
    """Return a share; what is not all and not nothing never looks like it."""
    if part == total or not part:
        return "100%" if part else "0%"
    return f"{min(max(100 * part / total, 0.1), 99.9):.1f}%"


def verdict(report: Report) -> str:
    """Return the verdict in a word or three."""
    if report.exit_code == 6:  # noqa: PLR2004  # the exit codes stand in errors.py
        return "TAMPERED"
    if report.errors:
        return "FAILED"
    if report.missing_keys:
        return "INCOMPLETE"
    return "PASSED with warnings" if report.counts or report.warnings else "PASSED"


def reason(report: Report) -> str:
    """Return what the verdict rests on, in one sentence without a full stop."""
    rows = counted(report.rows, "row")
    where = f"{rows} and {counted(len(report.columns), 'column')}"
    parts = []
    if report.errors:
        parts.append(counted(report.errors, "error"))
    if warnings := sum(report.counts.values()) - report.errors:
        parts.append(counted(warnings, "warning"))
    counts = " and ".join(parts) or "nothing was found"
    text = f"{counts} in {where}"
    if report.exit_code == 6:  # noqa: PLR2004  # the exit codes stand in errors.py
        text += "; cells are not authentic: changed, or of another key or context"
    if report.missing_keys:
        names = ", ".join(visible(name) for name in report.missing_keys)
        keys = "key" if len(report.missing_keys) == 1 else "keys"
        text += f"; not all could be checked, for lack of the {keys} {names}"
    return text


def place(group: FindingGroup) -> str:
    """Return where a group of findings is: the column, or the file."""
    return "the file" if group.column is None else visible(group.column)


def rows_of(group: FindingGroup, most: int = 3) -> str:
    """Return the first rows of a group and how many findings there are beside them.

    `rows 17, 18, 40 and 3,012 more`; empty where findings have no rows.
    """
    rows = [f"{one.row:,}" for one in group.findings if one.row is not None][:most]
    more = group.count - len(rows)
    if not rows:
        return "" if group.findings else counted(more, "finding")
    label = "row" if group.count == 1 else "rows"
    return f"{label} {', '.join(rows)}" + (f" and {more:,} more" if more else "")


def line_of(report: Report, row: int | None) -> int | None:
    """Return about which line a row stands in, from 1; None where the file has no such lines."""
    plain = PurePath(report.file.name).suffix.lower() in _WITH_LINES
    return row + 1 if row is not None and plain and not report.wrapped else None


def facts(report: Report) -> list[tuple[str, str]]:
    """Return what was verified, and by what: names and texts in the order to show them."""
    file, schema = report.file, report.schema
    pairs = [
        ("file", f"{visible(file.name)}, {counted(file.bytes, 'byte')}"),
        ("file's SHA-256", file.sha256),
        ("schema", f"{visible(schema.name)}, version {schema.version}, {visible(schema.file)}"),
        ("schema's SHA-256", schema.sha256),
        ("expected", "encrypted" if report.expect == "encrypted" else "plain, to be encrypted"),
    ]
    if report.wrapped:
        pairs.append(("wrapped", "yes, in OpenPGP"))
    if report.against:
        pairs.append(("compared with", visible(report.against.name)))
        pairs.append(("its SHA-256", report.against.sha256))
    if report.round_trip:
        pairs.append(("round trip", ", ".join(map(visible, report.round_trip))))
    if report.profile:
        pairs.append(("receiver's profile", visible(report.profile)))
    pairs.append(("key ids", ", ".join(map(str, report.key_ids)) or "none"))
    if report.missing_keys:
        pairs.append(("missing keys", ", ".join(map(visible, report.missing_keys))))
    pairs.append(("verified", f"{report.time}, in {report.seconds:.1f} s"))
    pairs.append(("by", visible(report.tool)))
    return pairs
