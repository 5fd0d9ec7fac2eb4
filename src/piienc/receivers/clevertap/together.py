"""The columns of a manifest together: whose rows they are, and which property each carries.

A column of the file that the manifest does not name is taken as text, under its own name; so
what a file lacks can be told only where all its columns are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from piienc.base.document import nearest, shown
from piienc.base.lines import dotted
from piienc.receivers.clevertap import words
from piienc.receivers.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from piienc.schema import Schema

_ODD = ".:$'\"\\"  # characters that the receiver's own programs drop from names of properties
_OPERATION = ".operation"  # COLUMN.operation tells what to do with a profile's property


class _Columns(Struct, frozen=True):
    """The columns as far as they are known.

    Attributes:
        said: those of the manifest, each with its property.
        carried: all that are known, each with its property.
        complete: whether the file has no others.
    """

    said: Mapping[str, str]
    carried: Mapping[str, str]
    complete: bool


def together(
    fields: Mapping[str, Any], header: Sequence[str] | None, schema: Schema | None
) -> Iterator[Problem]:
    """Find what is wrong between columns.

    Args:
        fields: of the manifest, those of the right types.
        header: the columns of the data file, if they are known.
        schema: the data file's, if there is one.
    """
    said = {
        name: entry["ctName"]
        if isinstance(entry, dict) and isinstance(entry.get("ctName"), str)
        else name
        for name, entry in fields.get("columns", {}).items()
    }
    if header is not None and _is_data(header, said, schema):
        what = "none of the columns is in the data file's header; see that the file has one"
        yield Problem("column", "columns", what)
        header = None
    yield from _unknown(said, header, schema)
    others = header if header is not None else schema.columns if schema else ()
    carried = {**said, **{name: name for name in others if name not in said}}
    columns = _Columns(said, carried, header is not None or schema is not None)
    yield from _names(columns)
    yield from _twice(columns)
    kind = fields.get("type", "").casefold()
    yield from _missing(columns, kind)
    yield from _too_many(columns, kind)
    if schema is not None:
        yield from _encrypted(columns, schema)


def _is_data(header: Sequence[str], said: Mapping[str, str], schema: Schema | None) -> bool:
    """Tell whether the first line may be a row of data, of which nothing may be shown."""
    wanted = {*said, *(schema.columns if schema else ())}
    return bool(wanted) and wanted.isdisjoint(header)


def _unknown(
    said: Mapping[str, str], header: Sequence[str] | None, schema: Schema | None
) -> Iterator[Problem]:
    if header is not None:
        known, where = header, "the data file's header"
    elif schema is not None and schema.extra_columns == "error":
        known, where = list(schema.columns), "the schema"
    else:
        return
    for name in said:
        if name not in known:
            hint = nearest(name, known)
            yield Problem("column", dotted(("columns", name)), f"not in {where}{hint}")


def _names(columns: _Columns) -> Iterator[Problem]:
    for column, name in columns.said.items():
        place = dotted(("columns", column, "ctName"))
        if not name.strip() or len(name.encode(errors="replace")) > words.LONGEST_NAME:
            said = f"the property's name is empty or longer than {words.LONGEST_NAME} bytes"
            yield Problem("property", place, said)
        elif not column.endswith(_OPERATION) and any(letter in _ODD for letter in name):
            said = f"the property {shown(name)} has one of {_ODD}, which the receiver may drop"
            yield Problem("property", place, said, "warning")
        known = words.PROPERTIES.known(name)
        if known not in {None, name, *words.IDENTITIES}:
            said = f"{shown(name)} is a property of your own there; did you mean {known!r}?"
            yield Problem("property", place, said, "warning")


def _twice(columns: _Columns) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for column, name in columns.carried.items():
        first = taken.setdefault(words.PROPERTIES.spelt(name), column)
        if first == column:
            continue
        if column in columns.said:
            said = f"the property of column {shown(first)} already"
            yield Problem("property", dotted(("columns", column, "ctName")), said)
        elif first in columns.said:
            said = "a column of the file that is not named here has this name, and is taken as it"
            yield Problem("property", dotted(("columns", first, "ctName")), said)
        else:  # the first line may be data, so nothing of it is shown
            yield Problem("property", "columns", "two columns of the file carry one property")


def _missing(columns: _Columns, kind: str) -> Iterator[Problem]:
    """See to it that the rows have an owner, and events a name, as far as it can be known."""
    carried = {words.PROPERTIES.known(name) for name in columns.carried.values()}
    level: Literal["error", "warning"] = "error" if columns.complete else "warning"
    if carried.isdisjoint(words.IDENTITIES):
        said = f"no column carries one of {', '.join(words.IDENTITIES)}: nobody's rows"
        yield Problem("identity", "columns", said, level)
    if kind == "event" and words.EVENT_NAME not in carried:
        said = f"no column carries {words.EVENT_NAME}, the name of each row's event"
        yield Problem("event", "columns", said, level)
    if kind == "profile":
        for column, name in columns.carried.items():
            if words.PROPERTIES.known(name) == words.EVENT_NAME:
                said = f"{words.EVENT_NAME} is for events, and the type is profile"
                yield Problem("event", dotted(("columns", column, "ctName")), said)


def _too_many(columns: _Columns, kind: str) -> Iterator[Problem]:
    own = [name for name in columns.carried.values() if words.PROPERTIES.known(name) is None]
    most = words.MOST_PROPERTIES.get(kind)
    if most is not None and len(own) > most:
        said = f"{len(own)} properties of your own; by default, the receiver takes {most}"
        yield Problem("limit", "columns", said, "warning")


def _encrypted(columns: _Columns, schema: Schema) -> Iterator[Problem]:
    for column in schema.marked:
        known = words.PROPERTIES.known(columns.carried.get(column, ""))
        if known is not None:
            said = f"{known} is encrypted, so it is useless to a receiver that has not the key"
            yield Problem("encrypted", dotted(("columns", column)), said, "warning")
