"""A proposed schema, written as TOML with a reason behind each line."""

from __future__ import annotations

import re

import tomlkit
from msgspec import Struct
from tomlkit.items import Key, KeyType, SingleKey, Table


class ProposedField(Struct, frozen=True):
    """A field that is proposed.

    Attributes:
        name: the field's.
        value: the field's.
        why: what was seen.
        sure: without it, the line is a comment: somebody else is to decide.
    """

    name: str
    value: str | bool | int | list[str]
    why: str = ""
    sure: bool = True


class ProposedColumn(Struct, frozen=True):
    """A column that is proposed: its name, its fields, and what else is to be said."""

    name: str
    lines: tuple[ProposedField, ...]
    notes: tuple[str, ...] = ()

    def value(self, name: str) -> str | bool | int | list[str] | None:
        """Return a field's value; None if it is not there or not sure."""
        return next((line.value for line in self.lines if line.sure and line.name == name), None)


class ProposedSchema(Struct, frozen=True):
    """A schema that is proposed: its name, the dialect, the columns, and what was looked at."""

    name: str
    columns: tuple[ProposedColumn, ...]
    csv: tuple[ProposedField, ...] = ()
    notes: tuple[str, ...] = ()


def dump(proposed: ProposedSchema) -> str:
    """Write a proposed schema as TOML; it is a valid schema file."""
    document = tomlkit.document()
    for note in proposed.notes:
        document.add(tomlkit.comment(note))
    document["name"] = proposed.name
    document["version"] = 1
    if proposed.csv:
        dialect = tomlkit.table()
        _fill(dialect, proposed.csv)
        document["csv"] = dialect
    columns = tomlkit.table(is_super_table=True)
    for column in proposed.columns:
        table = tomlkit.table()
        for note in column.notes:
            table.add(tomlkit.comment(note))
        _fill(table, column.lines)
        columns.append(_key(column.name), table)
    document["columns"] = columns
    return _spaced(tomlkit.dumps(document))


def _key(name: str) -> Key:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return tomlkit.key(name)
    # tomlkit does not escape what may not stand in a key, such as a line break.
    plain = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in name)
    return SingleKey(name, KeyType.Basic, original=f'"{"".join(plain)}"')


def _fill(table: Table, lines: tuple[ProposedField, ...]) -> None:
    for line in lines:
        item = tomlkit.item(line.value)
        if not line.sure:
            table.add(tomlkit.comment(f"{line.name} = {item.as_string()}  # {line.why}"))
            continue
        if line.why:
            item.comment(line.why)
            item.trivia.comment_ws = "  "
        table[line.name] = item


def _spaced(text: str) -> str:
    """Put a blank line before each table."""
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        if line.startswith("[") and lines and lines[-1]:
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"
