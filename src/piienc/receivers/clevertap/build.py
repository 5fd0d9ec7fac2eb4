"""A manifest made of the schema, of what is said beside it, and of the data file's name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from piienc.base.document import nearest
from piienc.errors import ConfigError
from piienc.receivers.clevertap.data_types import data_types, property_of
from piienc.receivers.clevertap.lint import lint
from piienc.receivers.clevertap.words import SUFFIX
from piienc.remote.names import LONGEST, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.receivers.clevertap.words import ManifestTable
    from piienc.schema import Column, Schema

_UNIQUE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def build(
    facts: ManifestTable, *, data_name: str, schema: Schema, header: Sequence[str] | None = None
) -> bytes:
    """Make the manifest of a data file, as `ManifestForm` has it; not where `lint` finds an error.

    Returns:
        Strict JSON, in ASCII: so no reader can take it for another encoding.

    Raises:
        ConfigError: the receiver would refuse or drop it; the message lists all mistakes.
    """
    document: dict[str, Any] = {
        "fileName": data_name,
        "type": facts.type,
        "columns": {
            name: _entry(name, column, facts)
            for name, column in schema.columns.items()
            if name not in (facts.exclude or ())
        },
        "clientEmail": facts.client_email,
    }
    for name, carried in (facts.columns or {}).items():
        document["columns"].setdefault(name, {"ctName": carried, "dataType": "STRING"})
    if facts.key_id is not None:
        document["keyId"] = facts.key_id
    manifest = json.dumps(document, indent=2).encode() + b"\n"
    problems = lint(manifest, data_name=data_name, header=header, schema=schema)
    errors = [f"{one.place}: {one.message}" for one in problems if one.level == "error"]
    if mistakes := [*_misnamed(facts, schema), *errors]:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ConfigError(
            f"the manifest of {data_name!r}: {count}",
            details=mistakes,
            hint="mend the schema or what is said for the manifest; see docs/manifests.md",
        )
    return manifest


def _entry(name: str, column: Column, facts: ManifestTable) -> dict[str, str]:
    carried = (facts.columns or {}).get(name) or property_of(name, column)
    entry = {} if carried == name else {"ctName": carried}
    form = (facts.date_formats or {}).get(name)
    if form is not None and column.encrypt is None:
        return {**entry, "dataType": "Date", "dateFormat": form}
    return {**entry, "dataType": data_types(column)[0]}


def _misnamed(facts: ManifestTable, schema: Schema) -> Iterator[str]:
    """Find what is said of columns that are not there, or cannot be."""
    excluded, formats = facts.exclude or (), facts.date_formats or {}
    for name in dict.fromkeys((*excluded, *formats)):
        column = schema.columns.get(name)
        if column is None:
            yield f"the schema has no column {name!r}{nearest(name, schema.columns)}"
        elif name in excluded and name in {*formats, *(facts.columns or ())}:
            yield f"the column {name!r} is excluded, and more is said of it"
        elif name in formats and column.encrypt is not None:
            yield f"the column {name!r} is encrypted, and its dates with it"


def name_for(data_name: str, unique: str) -> str:
    """Return a name for a data file's manifest that no other manifest has.

    The receiver takes each name once. So a delivery that is tried again behind a manifest that
    has landed needs another `unique`.

    Args:
        data_name: the data file's name.
        unique: an id that no other manifest of the account has: letters, digits, `-` and `_`.

    Returns:
        A plain name of ASCII that ends in `.manifest`, at most 255 bytes long.

    Raises:
        ValueError: `unique` is not of that form, so its name might be another's.
    """
    if not _UNIQUE.fullmatch(unique):
        raise ValueError("an id of a transfer has 1 to 64 letters, digits, '-' and '_'")
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", data_name).lstrip(".")
    end = f".{unique}{SUFFIX}"
    return safe_name((plain or "data")[: LONGEST - len(end)] + end)
