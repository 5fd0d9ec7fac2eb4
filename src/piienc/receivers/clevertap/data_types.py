"""The data type and the date format of one column of a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base.document import nearest, shown
from piienc.base.lines import dotted
from piienc.receivers.clevertap import words
from piienc.receivers.clevertap.columns import data_types, is_bounded
from piienc.receivers.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from piienc.schema import Column

_BY_CASE = {name.casefold(): name for name in words.DATA_TYPES}
_DATE = "Date"
_DEFAULT = "STRING"  # what the receiver takes where no type is told


def check_types(name: str, entry: Mapping[str, str], column: Column | None) -> Iterator[Problem]:
    """Find what is wrong with a column's data type and date format.

    Args:
        name: the column's.
        entry: what the manifest says of it, those fields that are strings.
        column: what the schema says of it.
    """
    place = dotted(("columns", name, "dataType"))
    kind = entry.get("dataType", _DEFAULT)
    known = _BY_CASE.get(kind.casefold())
    if known is None:
        said = f"{shown(kind)} is not one of {', '.join(words.DATA_TYPES)}"
        yield Problem("data-type", place, said + nearest(kind, words.DATA_TYPES))
        return
    if kind != known:
        # The receiver's pages write "Integer" in one sample, and ask for INTEGER elsewhere.
        yield Problem("data-type", place, f"write {known}", "warning")
    yield from _dates(name, known, entry.get("dateFormat"))
    if column is not None:
        yield from _against(place, known, column)
    if column is None or column.encrypt is None:
        yield from _system(name, place, known, entry)


def _dates(name: str, kind: str, form: str | None) -> Iterator[Problem]:
    place, choices = dotted(("columns", name, "dateFormat")), ", ".join(words.DATE_FORMATS)
    if kind == _DATE and form is None:
        said = f"missing, for the data type is {_DATE}; it is one of {choices}"
        yield Problem("date-format", place, said)
    if kind != _DATE and form is not None:
        yield Problem("date-format", place, f"only for the data type {_DATE}")
    if form is not None and form not in words.DATE_FORMATS:
        yield Problem("date-format", place, f"{shown(form)} is not one of {choices}")


def _against(place: str, kind: str, column: Column) -> Iterator[Problem]:
    """Hold a data type against the schema."""
    allowed = data_types(column)
    what = "encrypted" if column.encrypt is not None else f"of type {column.type}"
    if kind not in allowed:
        said = f"the schema's column is {what}, so it is {' or '.join(allowed)}, not {kind}"
        yield Problem("data-type", place, said)
    elif kind == _DEFAULT and allowed[0] != _DEFAULT:
        said = f"the schema's column is {what}: as {kind}, it is only text there, not {allowed[0]}"
        yield Problem("data-type", place, said, "warning")
    elif kind == "INTEGER" and not is_bounded(column):
        said = "no rule of the schema keeps it within 32 bits; write LONG, or give min and max"
        yield Problem("data-type", place, said, "warning")


def _system(name: str, place: str, kind: str, entry: Mapping[str, str]) -> Iterator[Problem]:
    """Hold a data type against what the receiver does with the property."""
    carried = words.PROPERTIES.known(entry.get("ctName", name)) or ""
    allowed = words.SYSTEM_TYPES.get(carried)
    if allowed is not None and kind not in allowed:
        said = f"the property {carried} is {' or '.join(allowed)}, not {kind}"
        yield Problem("data-type", place, said, "warning")
