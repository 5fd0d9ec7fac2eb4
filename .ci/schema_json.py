"""Write the JSON Schema of `schema.toml`, for editors, to standard output."""

from __future__ import annotations

import json
import sys
from typing import Any

from msgspec.json import schema_components

from piienc.schema.model import Schema


def json_schema() -> str:
    """Make the JSON Schema (draft 2020-12) of the model, as text."""
    _, tables = schema_components([Schema])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_for_toml(tables.pop("Schema")),
        "title": "schema.toml of piienc",
    }
    return json.dumps(head | {"$defs": _for_toml(tables)}, indent=2) + "\n"


def _for_toml(made: Any) -> Any:  # noqa: ANN401  # any part of a JSON Schema
    """Take null out: TOML has none, so what may be left out is not offered as null."""
    if isinstance(made, list):
        return [_for_toml(part) for part in made if part != {"type": "null"}]
    if not isinstance(made, dict):
        return made
    parts = {key: _for_toml(part) for key, part in made.items() if part is not None}
    if len(parts.get("anyOf", ())) == 1:
        parts |= parts.pop("anyOf")[0]
    return parts


if __name__ == "__main__":
    sys.stdout.write(json_schema())
