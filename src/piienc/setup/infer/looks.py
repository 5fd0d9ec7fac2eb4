"""What values look like: types, formats and personal data, counted by whole-array operations.

Formats are judged by the rules of a schema, and personal data by the finders of `piienc.checks`,
so that a proposed schema and a later verification agree. Only what tells types apart is here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, get_args

import pyarrow as pa
from pyarrow import compute as pc

from piienc.base.regex import whole
from piienc.checks import Check, Finder, checks_of, finders_of, search
from piienc.checks.forms import DATE
from piienc.schema.model import Column, Format

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLOCK = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"

LOOKS = {
    # types; an integer of 18 digits fits into 64 bits
    "integer": r"0|-?[1-9][0-9]{0,17}",
    "float": r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?",
    "boolean": r"true|false",
    "date": DATE,
    "timestamp": DATE + _CLOCK,
    "zoned timestamp": DATE + _CLOCK + r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    # what only looks like a type
    "point": r"-?(0|[1-9][0-9]*)\.[0-9]+",
    "padded": r"[+-]?0[0-9]+",
    "digits": r"[+-]?[0-9]+",
    "flag": r"(?i:yes|no|y|n|t|f|true|false|on|off)",
    "local date": r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{2}|[0-9]{4})",
}
"""Each matches a whole value."""

TYPES = ("integer", "float", "boolean", "date", "timestamp", "zoned timestamp")


def count_looks(values: pa.Array, wanted: Iterable[str]) -> dict[str, int]:
    """Count the values that look like something.

    Args:
        values: text, without nulls.
        wanted: keys of `LOOKS`.
    """
    return {name: _count(values, name) for name in wanted}


def count_formats(values: pa.Array) -> dict[str, int]:
    """Count the values that have a format, by format; values are text, without nulls."""
    return {name: len(values) - len(check.failing(values)) for name, check in _formats()}


def count_personal(name: str, values: pa.Array) -> dict[str, int]:
    """Count the values that hold personal data, by finder.

    Args:
        name: the column's; some finders are for columns of certain names.
        values: of any type, without nulls.
    """
    return {finder: len(rows) for finder, rows in search(finders_of(), name, values).items()}


@cache
def finders() -> dict[str, Finder]:
    """Return the finders of personal data, by name."""
    return {finder.name: finder for finder in finders_of()}


@cache
def _formats() -> list[tuple[str, Check]]:
    columns = {name: Column(type="string", format=name) for name in get_args(Format)}
    return [(name, checks_of(column, pa.string())[0]) for name, column in columns.items()]


def _count(values: pa.Array, name: str) -> int:
    matches = pc.match_substring_regex(values, whole(LOOKS[name]))
    return int(pc.sum(matches).as_py() or 0)
