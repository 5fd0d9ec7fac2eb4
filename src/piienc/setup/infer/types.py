"""The type, the format and the doubts that a column's values propose."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pyarrow as pa

from piienc.checks.on_typed import fits
from piienc.schema.model import ColumnType
from piienc.schema.propose import ProposedField
from piienc.setup.infer.profile import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.setup.infer.profile import ColumnProfile

_TWO = 2  # different values of a flag


def counted(part: int, whole: int) -> str:
    """Write how many of how many."""
    return f"{part:,} of {whole:,}"


def type_line(seen: ColumnProfile) -> ProposedField:
    """Propose a type; where values of another would be lost or read otherwise, it is string."""
    if seen.type is not None:
        return _type_of_parquet(seen.type)
    if not seen.values:
        return ProposedField("type", "string", "no value was seen: is it a string?")
    for look in TYPES:
        if seen.all_look(look):
            kind = look.removeprefix("zoned ")
            return ProposedField("type", kind, f"{counted(seen.values, seen.values)} values")
    return ProposedField("type", "string", _why_string(seen))


def _type_of_parquet(kind: pa.DataType) -> ProposedField:
    if pa.types.is_null(kind.value_type if pa.types.is_dictionary(kind) else kind):
        return ProposedField("type", "string", "the file has nulls without a type: is it a string?")
    for name in get_args(ColumnType):
        if fits(kind, name):
            return ProposedField("type", name, "as the file has it")
    return ProposedField("type", "string", "no type of a schema fits the file's; is string right?")


def _why_string(seen: ColumnProfile) -> str:
    """Say why text is no other type, or what it looks like without being it."""
    values, looks = seen.values, seen.looks
    padded = looks["padded"]
    reasons = {
        f"{counted(padded, values)} values are digits with leading zeros, which no integer has": (
            padded
        ),
        "some timestamps with an offset and some without": (
            looks["timestamp"] and looks["timestamp"] + looks["zoned timestamp"] == values
        ),
        "all values have a format of their own": values in seen.formats.values(),
        "digits that 64 bits may not hold, or with a plus sign": seen.all_look("digits"),
        "dates in a local form: which part is the day cannot be told for sure": (
            seen.all_look("local date")
        ),
        "reads like yes and no; a boolean is true or false": seen.all_look("flag"),
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    return found or f"{counted(values, values)} values are text of no other type"


def format_lines(seen: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    """Propose a format for text that all has it."""
    if kind != "string":
        return
    for name, count in seen.formats.items():
        if 0 < count == seen.values:
            yield ProposedField("format", name, f"{counted(count, count)} values")
        elif 2 * count >= seen.values > 0:
            others = f"{counted(seen.values - count, seen.values)} values are not"
            yield ProposedField("format", name, f"{others}: mend them, or leave it out", sure=False)


def notes_of(seen: ColumnProfile, kind: str) -> Iterator[str]:
    """Say what the fields do not tell."""
    if seen.rows == 0:
        yield "no row was seen: what follows is by the name alone"
    elif seen.values < seen.rows:
        yield f"{counted(seen.rows - seen.values, seen.rows)} rows are null"
    if seen.type is not None or not seen.values:
        return
    if kind == "float" and seen.all_look("point"):
        yield 'all values have a decimal point: if it is money, type = "decimal" keeps every digit'
    if kind == "integer" and seen.different is not None and seen.different <= _TWO < seen.values:
        yield f"only {seen.different} different values: is it a flag?"
    for look in ("integer", "float"):
        # The counts of types stop at the first value that does not fit.
        if kind == "string" and not seen.looks["padded"] and 0 < seen.looks[look] < seen.values:
            yield "some values are numbers, and others are not"
            return
