"""Places in a TOML document: how they are written, and on which line they are.

`tomllib` gives values without places. So the text is cut into statements, and each is parsed
by itself for the keys that it holds.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Place = tuple[str | int, ...]  # the keys, and the indices of lists, that lead to a value

_MAX_DEPTH = 64  # far deeper than any model; beyond it, lines are not looked for


def dotted(place: Place) -> str:
    """Write a place as TOML writes a dotted key: `columns."e-mail (work)".enum[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in place)
    return "".join(parts).removeprefix(".") or "the file"


def _key(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def locate(text: str) -> dict[Place, int]:
    """Map the tables and keys of a valid TOML document to their lines, counted from 1.

    The keys of an inline table stand on the line where its statement begins; the items of a
    list, other than `[[tables]]`, have no line of their own.
    """
    lines: dict[Place, int] = {}
    arrays: dict[Place, int] = {}
    table: Place = ()
    for line, statement in _statements(text):
        places = list(_places(tomllib.loads(statement)))
        if not statement.startswith("["):
            for place in places:
                lines.setdefault(table + place, line)
            continue
        table = ()
        for names in places:
            lines.setdefault(table := (*table, names[-1]), line)
            if statement.startswith("[[") and names == places[-1]:
                arrays[table] = arrays.get(table, -1) + 1
            if table in arrays:
                table = (*table, arrays[table])
        lines[table] = line
    return lines


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """Find the line of a place, or else of what it stands in."""
    outwards = (place[:length] for length in range(len(place), 0, -1))
    return next((lines[up] for up in outwards if up in lines), None)


# What may hide a line's end (strings, comments, brackets), and the line's end itself.
_HIDES_OR_ENDS = r'''
      """ (?: \\. | [^\\] )*? "{3,5} | \'\'\' .*? '{3,5}
    | "   (?: \\. | [^"\\] )* "      | '      [^']* '
    | \# [^\n]*
    | [\[\]{}\n]
'''


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Cut a valid document into its headers and assignments, each with its first line."""
    start, line, depth = 0, 1, 0
    for token in re.finditer(_HIDES_OR_ENDS, text + "\n", re.DOTALL | re.VERBOSE):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if token[0] != "\n" or depth:
            continue
        statement = text[start : token.start()].strip()
        if statement and not statement.startswith("#"):
            yield line, statement
        line += text.count("\n", start, token.start()) + 1
        start = token.end()


def _places(value: object, above: Place = ()) -> Iterator[Place]:
    """Go through the keys of nested tables, outer before inner."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*above, name)
            if len(above) < _MAX_DEPTH:
                yield from _places(inner, (*above, name))
