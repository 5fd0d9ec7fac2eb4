"""A schema file checked by itself, and against the keys and the marks that are there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc import schema as schemas
from piienc.errors import ConfigError, KeyAccessError, PolicyError
from piienc.keys import KeyFolder
from piienc.schema.personal import personal_by_name
from piienc.transform.mark_policy import present_marks, refuse_undoing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from piienc.schema import Column, Schema
    from piienc.state import Marks, RecordedMark


class KnownKeys(Struct, frozen=True):
    """The keys that are there.

    Attributes:
        modes: by name; None if there is no key folder, or it cannot be read.
        problem: why it cannot be read.
    """

    modes: Mapping[str, str] | None = None
    problem: str | None = None


class CheckedSchema(Struct, frozen=True):
    """What a check has found.

    Attributes:
        path: the file.
        schema: what it holds; None if it has mistakes.
        error: the mistakes, or the marks that it would undo.
        warnings: what is allowed and doubtful.
    """

    path: Path
    schema: Schema | None
    error: ConfigError | PolicyError | None
    warnings: tuple[str, ...] = ()


def known_keys(folder: Path) -> KnownKeys:
    """Look at the keys in a folder; no passphrase is needed."""
    if not folder.is_dir():
        return KnownKeys()
    try:
        return KnownKeys({info.name: str(info.mode) for info in KeyFolder(folder).list()})
    except KeyAccessError as error:
        return KnownKeys(problem=str(error))


def check(path: Path, keys: KnownKeys, marks: Marks) -> CheckedSchema:
    """Check a schema file.

    Raises:
        ConfigError: the state folder cannot be used; the schema's own mistakes are returned.
    """
    try:
        schema = schemas.load(path)
    except ConfigError as error:
        return CheckedSchema(path, None, error)
    recorded, modes = marks.of(schema.name), keys.modes or {}
    warnings = (*_doubts(schema, modes), *_of_keys(schema, keys), *_gone(schema, recorded))
    present = present_marks(
        schema,
        lambda name, key: modes.get(key) or (recorded[name].mode if name in recorded else ""),
    )
    try:
        refuse_undoing(schema, present, recorded)
    except PolicyError as error:
        return CheckedSchema(path, schema, error, warnings)
    return CheckedSchema(path, schema, None, warnings)


def _doubts(schema: Schema, modes: Mapping[str, str]) -> Iterator[str]:
    """Find what is allowed and doubtful; `modes`: of the keys that are known, by name."""
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


def _of_keys(schema: Schema, keys: KnownKeys) -> Iterator[str]:
    if keys.problem:
        yield keys.problem
    if keys.modes is None:
        return
    for key in dict.fromkeys(str(column.encrypt) for column in schema.marked.values()):
        if key not in keys.modes:
            yield f"there is no key {key!r} in the key folder"


def _gone(schema: Schema, recorded: Mapping[str, RecordedMark]) -> Iterator[str]:
    if schema.extra_columns == "error":
        return
    for name in recorded:
        if name not in schema.columns:
            yield f"column {name!r} was encrypted before; a file that still has it is refused"
