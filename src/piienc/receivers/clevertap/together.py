"""The columns of a manifest together: whose rows they are, and which property each carries.

A column of the file that the manifest does not name is taken as text, under its own name; so
what a file lacks can be told only where all its columns are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from piienc.base.document import nearest, shown
from piienc.base.lines import dotted
from piienc.receivers.clevertap import words
from piienc.receivers.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from piienc.schema import Schema


def together(
    fields: Mapping[str, Any], header: Sequence[str] | None, schema: Schema | None
) -> Iterator[Problem]:
    """Find what is wrong between columns."""
    properties = {
        name: entry["ctName"]
        if isinstance(entry, dict) and isinstance(entry.get("ctName"), str)
        else name
        for name, entry in fields.get("columns", {}).items()
    }
    if header is not None and _is_data(header, properties, schema):
        what = "none of the columns is in the data file's header; see that the file has one"
        yield Problem("column", "columns", what)
        header = None
    yield from _unknown(properties, header, schema)
    others = header if header is not None else schema.columns if schema else ()
    carried = {**properties, **{name: name for name in others if name not in properties}}
    yield from _names(properties)
    yield from _twice(properties, carried)
    is_complete = header is not None or schema is not None
    yield from _missing(carried, fields.get("type", "").casefold(), is_complete=is_complete)
    if schema is not None:
        yield from _encrypted(carried, schema)


def _is_data(header: Sequence[str], properties: Mapping[str, str], schema: Schema | None) -> bool:
    """Tell whether the first line may be a row of data, of which nothing may be shown."""
    names = {*properties, *(schema.columns if schema else ())}
    return bool(names) and names.isdisjoint(header)


def _unknown(
    properties: Mapping[str, str], header: Sequence[str] | None, schema: Schema | None
) -> Iterator[Problem]:
    if header is not None:
        names, where = header, "the data file's header"
    elif schema is not None and schema.extra_columns == "error":
        names, where = list(schema.columns), "the schema"
    else:
        return
    for name in properties:
        if name not in names:
            hint = nearest(name, names)
            yield Problem("column", dotted(("columns", name)), f"not in {where}{hint}")


def _names(properties: Mapping[str, str]) -> Iterator[Problem]:
    for column, name in properties.items():
        if not name.strip() or len(name.encode(errors="replace")) > words.LONGEST_NAME:
            message = f"the property's name is empty or longer than {words.LONGEST_NAME} bytes"
            yield Problem("property", dotted(("columns", column, "ctName")), message)


def _twice(properties: Mapping[str, str], carried: Mapping[str, str]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for column, name in carried.items():
        first = owners.setdefault(words.PROPERTIES.spelt(name), column)
        if first == column:
            continue
        if column in properties:
            message = f"the property of column {shown(first)} already"
            yield Problem("property", dotted(("columns", column, "ctName")), message)
        elif first in properties:
            message = (
                "a column of the file that is not named here has this name, and is taken as it"
            )
            yield Problem("property", dotted(("columns", first, "ctName")), message)
        else:  # the first line may be data, so nothing of it is shown
            yield Problem("property", "columns", "two columns of the file carry one property")


def _missing(carried: Mapping[str, str], kind: str, *, is_complete: bool) -> Iterator[Problem]:
    """See to it that the rows have an owner, and events a name, as far as it can be known."""
    properties = {words.PROPERTIES.known(name) for name in carried.values()}
    level: Literal["error", "warning"] = "error" if is_complete else "warning"
    if properties.isdisjoint(words.IDENTITIES):
        message = f"no column carries one of {', '.join(words.IDENTITIES)}: nobody's rows"
        yield Problem("identity", "columns", message, level)
    if kind == "event" and words.EVENT_NAME not in properties:
        message = f"no column carries {words.EVENT_NAME}, the name of each row's event"
        yield Problem("event", "columns", message, level)
    if kind == "profile":
        for column, name in carried.items():
            if words.PROPERTIES.known(name) == words.EVENT_NAME:
                message = f"{words.EVENT_NAME} is for events, and the type is profile"
                yield Problem("event", dotted(("columns", column, "ctName")), message)


def _encrypted(carried: Mapping[str, str], schema: Schema) -> Iterator[Problem]:
    for column in schema.marked:
        property_name = words.PROPERTIES.known(carried.get(column, ""))
        if property_name is not None:
            message = (
                f"{property_name} is encrypted, so it is useless to a receiver that has not the key"
            )
            yield Problem("encrypted", dotted(("columns", column)), message, "warning")
