"""Columns marked in a schema file; comments and layout stay as they are."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from msgspec import Struct
from tomlkit.items import Table

from piienc.base.document import closest, parse
from piienc.base.files import edited
from piienc.errors import ConfigError, PolicyError, UsageError
from piienc.schema.model import Schema, load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BOM = "\ufeff"


class Marking(Struct, frozen=True):
    """What marking has changed.

    Attributes:
        marked: the columns that were not marked before.
        before: those that were, with the same key.
        version: the schema's now.
    """

    marked: tuple[str, ...]
    before: tuple[str, ...]
    version: int


def mark(path: Path, columns: Sequence[str], key: str, context: str | None = None) -> Marking:
    """Mark columns of a schema file, all or none, and count its version up.

    Args:
        path: the schema file; it is replaced at once, and keeps its mode and owner.
        columns: to mark; those that are marked with this key already stay as they are.
        key: the key's name.
        context: for a single column: what binds its cells to their place.

    Raises:
        ConfigError: the file cannot be read, has mistakes or would have some, or cannot be changed
            by a program.
        UsageError: there is no such column, or a context is given for several.
        PolicyError: a column is marked with another key, or with another context.
        IncompleteError: the file could not be written.
    """
    columns = list(dict.fromkeys(columns))
    if context is not None and len(columns) != 1:
        raise UsageError(
            "a context is for one column, and more are named",
            hint="mark them one by one: cells of one context can be moved between its columns",
        )
    load(path)  # without its folder, it could not be locked: tell of a missing file first
    with edited(path) as replace:
        schema = load(path)
        new = _unmarked(path, schema, columns, key, context)
        version = schema.version + bool(new)
        if new:
            added = {"encrypt": key} | ({} if context is None else {"context": context})
            content = _changed(path.read_bytes(), new, added, version, path)
            parse(content, path, Schema, hint="mend this first: the file was not changed")
            replace(content)
    return Marking(tuple(new), tuple(name for name in columns if name not in new), version)


def _unmarked(
    path: Path, schema: Schema, columns: Sequence[str], key: str, context: str | None
) -> list[str]:
    """Return those of the columns that are not marked yet; refuse what cannot be marked so."""
    for name in columns:
        if name not in schema.columns:
            raise _unknown(path, schema, name)
        column = schema.columns[name]
        if column.encrypt not in (None, key):
            raise PolicyError(
                f"{path}: column {name!r} is marked with the key {column.encrypt!r} already",
                hint="marking cannot be undone; to change to another key of the same mode, or to a "
                "sealed one, edit the file",
            )
        if column.encrypt and context not in (None, schema.context_of(name)):
            raise PolicyError(
                f"{path}: column {name!r} is marked already, in another context",
                hint="marking cannot be undone: cells of the old context would not decrypt",
            )
    return [name for name in columns if schema.columns[name].encrypt is None]


def _unknown(path: Path, schema: Schema, name: str) -> UsageError:
    near = closest(name, schema.columns)
    hint = f"did you mean {near!r}?" if near else f"it has {', '.join(schema.columns)}"
    return UsageError(f"{path} has no column {name!r}", hint=hint)


def _changed(
    content: bytes, columns: Sequence[str], added: dict[str, str], version: int, path: Path
) -> bytes:
    """Return a valid schema file's content with more fields in some columns."""
    text = content.decode()
    mark = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    expected = tomllib.loads(text)
    expected["version"] = version
    for name in columns:
        expected["columns"][name] |= added
    document = tomlkit.parse(text)
    faithful = document.as_string() == text
    document["version"] = version
    for name in columns:
        table = document["columns"][name]
        if isinstance(table, Table):
            _add_lines(table, added, "\r\n" if "\r\n" in text else "\n")
        else:
            _add_inline(table, added)
    made = document.as_string()
    if not faithful or tomllib.loads(made) != expected:
        raise ConfigError(
            f"{path} is written in a way that this command cannot change",
            hint='write it by hand: encrypt = "KEY" in the column, and the next version',
        )
    return (mark + made).encode()


def _add_lines(table: Any, added: dict[str, str], line_end: str) -> None:  # noqa: ANN401  # of tomlkit
    """Add fields right behind the last one of a column."""
    for name, value in added.items():
        *_, last = table
        before, item = table.value.item(last), tomlkit.item(value)
        before.trivia.trail = before.trivia.trail or line_end
        item.trivia.indent, item.trivia.trail = before.trivia.indent, line_end
        # Assigning would put it behind comments, which belong to what follows.
        table.value._insert_after(last, name, item)  # noqa: SLF001  # nothing public can do it


def _add_inline(table: Any, added: dict[str, str]) -> None:  # noqa: ANN401  # of tomlkit
    # tomlkit keeps a space before the brace where it was, which is before what is added.
    spaced = table.as_string().endswith(" }")
    first, last = next(iter(added)), list(added)[-1]
    for name, value in added.items():
        item = tomlkit.item(value)
        item.trivia.indent = "" if spaced and name == first else " "
        item.trivia.trail = " " if spaced and name == last else ""
        table[name] = item
