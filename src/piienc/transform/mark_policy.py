"""Marks cannot be undone: a schema must keep the marks of earlier files of its name.

Receivers rely on a column that has once been encrypted. So a column stays marked, never gets a
weaker mode, and keeps its context. A new key of the same mode is allowed, and so is a sealed key
for a searchable column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import PolicyError
from piienc.keys import Mode
from piienc.state import RecordedMark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from piienc.keys import Keyset
    from piienc.schema import Schema
    from piienc.state import Marks

_HINT = (
    "mark it as before; if these are other data, give the schema, or the column, a name of its own"
)


def hold_to_marks(
    schema: Schema,
    keys: Callable[[str], Keyset],
    marks: Marks,
    columns: Collection[str] | None = None,
) -> None:
    """Refuse a schema that would undo a mark.

    Args:
        schema: the schema to check.
        keys: finds a keyset by its name.
        marks: the recorded marks.
        columns: the file's columns; without them, a column that the schema does not name counts
            as removed.

    Raises:
        PolicyError: a column is unmarked, or has a weaker mode or a different context.
        KeyAccessError: a key is missing or locked.
        ConfigError: the state folder cannot be used.
    """
    present = present_marks(schema, lambda _, key: keys(key).mode)
    refuse_undoing(schema, present, marks.of(schema.name), columns)


def record_marks(
    schema: Schema,
    keys: Callable[[str], Keyset],
    marks: Marks,
    columns: Collection[str] | None = None,
) -> None:
    """Record the marks of a schema before its file appears, and check it once more.

    A mark without a file only makes later runs stricter, while a file without its mark could be
    followed by a plain one. The second check is in the same transaction, so one of two
    contradicting runs is refused.

    Raises:
        PolicyError: another run has recorded a mark that this schema would undo.
        KeyAccessError: a key is missing or locked.
        ConfigError: the state folder cannot be used.
    """
    present = present_marks(schema, lambda _, key: keys(key).mode)
    marks.record(
        schema.name,
        present.values(),
        lambda recorded: refuse_undoing(schema, present, recorded, columns),
    )


def refuse_undoing(
    schema: Schema,
    present: Mapping[str, RecordedMark],
    recorded: Mapping[str, RecordedMark],
    columns: Collection[str] | None = None,
) -> None:
    """Refuse a schema that would undo recorded marks.

    Args:
        schema: the schema.
        present: its marks, by column.
        recorded: the recorded marks, by column.
        columns: the file's columns; empty without a file.

    Raises:
        PolicyError: marks would be undone; the message lists all of them.
    """
    undone = list(_undone(schema, present, recorded, {*(columns or ())}))
    if undone:
        first = f"the schema {schema.name!r} would undo what cannot be undone"
        raise PolicyError(first, details=undone, hint=_HINT)


def present_marks(schema: Schema, mode_of: Callable[[str, str], str]) -> dict[str, RecordedMark]:
    """Return the marks of a schema, by column.

    Args:
        schema: the schema.
        mode_of: returns the mode of a key, given the names of the column and the key.
    """
    return {
        name: RecordedMark(
            name,
            str(column.encrypt),
            str(mode_of(name, str(column.encrypt))),
            schema.context_of(name),
            schema.version,
        )
        for name, column in schema.marked.items()
    }


def _undone(
    schema: Schema,
    present: Mapping[str, RecordedMark],
    recorded: Mapping[str, RecordedMark],
    columns: Collection[str],
) -> Iterator[str]:
    for name, before in recorded.items():
        what = f"column {name!r}, encrypted since {before.since}"
        after = present.get(name)
        if after is None:
            if name in schema.columns:
                yield f"{what} under {before.key!r}, is not marked any more"
            elif name in columns:
                yield f"{what} under {before.key!r}, is not in the schema any more, but in the file"
            continue
        if before.mode == Mode.SEALED and after.mode != Mode.SEALED:
            yield f"{what}, was sealed, and the key {after.key!r} is {after.mode}"
        if before.context != after.context:
            yield f"{what}, had another context"
