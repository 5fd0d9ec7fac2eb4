"""The JSON Schema of `schema.toml`, for editors.

`python -m piienc.schema.json_schema` writes it anew after a change of the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic.json_schema import GenerateJsonSchema

from piienc.schema.model import Schema

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

FILE = Path(__file__).with_name("schema.schema.json")


def json_schema() -> str:
    """Make the JSON Schema (draft 2020-12) of the model, as text."""
    made = Schema.model_json_schema(schema_generator=_ForToml)
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": "schema.toml of piienc"}
    return json.dumps(head | {key: made[key] for key in made if key not in head}, indent=2) + "\n"


class _ForToml(GenerateJsonSchema):
    """TOML has no null: what may be left out is not offered as null. Keys need no title."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            del made["default"]
        return made

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # never
        return False


if __name__ == "__main__":
    FILE.write_text(json_schema(), encoding="utf-8")
