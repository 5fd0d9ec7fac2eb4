"""One column of a manifest: its property, its data type and its date format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base.document import nearest, shown
from piienc.base.lines import dotted
from piienc.receivers.clevertap import words
from piienc.receivers.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from piienc.schema import Column

_BY_CASE = {name.casefold(): name for name in words.DATA_TYPES}
_DATE = "Date"
_DEFAULT = "STRING"  # what the receiver takes where no type is told
_BITS = 31  # of an INTEGER, beside its sign


def data_types(column: Column) -> tuple[str, ...]:
    """Return the data types that a column may have at the receiver; the first is the best.

    STRING is there for every column, since it keeps what is written; but the receiver cannot
    compute with it, so it comes behind what fits better. Dates also stand in text and integers.
    """
    if column.encrypt is not None:
        return ("STRING",)  # the cells are base64
    if column.type == "integer":
        # LONG holds all that INTEGER does, and an integer of the schema has 64 bits. So only
        # rules that keep the column within 32 bits make it an INTEGER; without them, a value
        # that is too long would be cut or refused there, row by row.
        bounds = [bound for bound in (column.min, column.max) if bound is not None]
        if any(not -(1 << _BITS) <= bound < (1 << _BITS) for bound in bounds):
            return ("LONG", "Date", "STRING")
        integers = ("LONG", "INTEGER") if None in (column.min, column.max) else ("INTEGER", "LONG")
        return (*integers, "Date", "STRING")
    return {
        "float": ("FLOAT", "STRING"),
        "decimal": ("FLOAT", "STRING"),
        "boolean": ("BOOLEAN", "STRING"),
        "date": ("Date", "STRING"),
        "timestamp": ("Date", "STRING"),
        "string": ("STRING", "Date"),
        "binary": ("STRING",),
    }[column.type]


def property_of(name: str, column: Column) -> str:
    """Return the property that a column carries, as the receiver spells it; else its own name."""
    if column.property is None:
        return name
    return words.PROPERTIES.spelt(column.property)


def check_types(name: str, entry: Mapping[str, str], column: Column | None) -> Iterator[Problem]:
    """Find what is wrong with a column's data type and date format."""
    place = dotted(("columns", name, "dataType"))
    kind = entry.get("dataType", _DEFAULT)
    canonical = _BY_CASE.get(kind.casefold())
    if canonical is None:
        message = f"{shown(kind)} is not one of {', '.join(words.DATA_TYPES)}"
        yield Problem("data-type", place, message + nearest(kind, words.DATA_TYPES))
        return
    if kind != canonical:
        # The receiver's pages write "Integer" in one sample, and ask for INTEGER elsewhere.
        yield Problem("data-type", place, f"write {canonical}", "warning")
    yield from _dates(name, canonical, entry.get("dateFormat"))
    if column is None:
        return
    if canonical not in (allowed := data_types(column)):
        what = "encrypted" if column.encrypt is not None else f"of type {column.type}"
        message = f"the schema's column is {what}, so it is {' or '.join(allowed)}, not {canonical}"
        yield Problem("data-type", place, message)
    elif canonical == "INTEGER" and allowed[0] != canonical:
        message = "no rule of the schema keeps it within 32 bits; write LONG, or give min and max"
        yield Problem("data-type", place, message, "warning")


def _dates(name: str, kind: str, form: str | None) -> Iterator[Problem]:
    place, choices = dotted(("columns", name, "dateFormat")), ", ".join(words.DATE_FORMATS)
    if kind == _DATE and form is None:
        message = f"missing, for the data type is {_DATE}; it is one of {choices}"
        yield Problem("date-format", place, message)
    if kind != _DATE and form is not None:
        yield Problem("date-format", place, f"only for the data type {_DATE}")
    if form is not None and form not in words.DATE_FORMATS:
        yield Problem("date-format", place, f"{shown(form)} is not one of {choices}")
