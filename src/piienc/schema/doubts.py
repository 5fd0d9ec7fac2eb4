"""What is allowed in a schema and still doubtful."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from piienc.schema.personal import personal_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from piienc.schema.model import Column, Schema


def doubts(schema: Schema, modes: Mapping[str, str]) -> Iterator[str]:
    """Find what somebody should look at once more.

    Args:
        schema: a valid one.
        modes: of the keys that are known, by name.
    """
    if not schema.marked:
        yield "no column is marked, so no file can be encrypted with it"
    elif schema.extra_columns == "keep":
        yield (
            'with extra_columns = "keep", a new column with personal data would pass in clear '
            "beside the encrypted ones"
        )
    for name, column in schema.columns.items():
        carried = personal_by_name(column.property or "")
        if column.encrypt is None and carried and carried.property:
            yield f"column {name!r} carries {carried.property} and is not marked"
        elif modes.get(str(column.encrypt)) == "searchable" and (few := _few_values(column)):
            yield f"column {name!r} {few}, and its key is searchable: equal cells can be guessed"
    carried_by = Counter(column.property for column in schema.columns.values())
    for shared, count in carried_by.items():
        if shared is not None and count > 1:
            yield f"{count} columns carry the property {shared!r}"


def _few_values(column: Column) -> str:
    carried = personal_by_name(column.property or "")
    if carried and carried.few:
        return f"carries {carried.property}"
    if column.type == "boolean" or column.enum is not None:
        return "has few values"
    return ""
