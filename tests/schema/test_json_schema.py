"""The JSON Schema that ships for editors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import piienc.schema
from piienc.schema import Column, CsvDialect, Schema
from piienc.schema.finder import OwnFinder

MAKER = Path(__file__).parents[2] / ".ci" / "schema_json.py"
FILE = Path(piienc.schema.__file__).with_name("schema.schema.json")
SHIPPED = json.loads(FILE.read_text("utf-8"))


def test_shipped_json_schema_is_current():
    """The shipped file is what the model makes."""
    made = subprocess.run([sys.executable, MAKER], capture_output=True, check=True).stdout
    assert FILE.read_bytes() == made, f"the model changed: python .ci/{MAKER.name} > {FILE}"


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Schema, SHIPPED),
        (Column, SHIPPED["$defs"]["Column"]),
        (CsvDialect, SHIPPED["$defs"]["CsvDialect"]),
        (OwnFinder, SHIPPED["$defs"]["OwnFinder"]),
    ],
)
def test_shipped_json_schema_describes_every_field(model, table):
    """An editor can complete and explain each key, and flags all others."""
    assert list(table["properties"]) == list(model.__struct_fields__)
    assert all(field["description"] for field in table["properties"].values())
    assert table["additionalProperties"] is False


def test_shipped_json_schema_is_of_draft_2020_12_and_knows_no_null():
    """TOML has no null, so an editor does not offer it."""
    assert SHIPPED["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    text = json.dumps(SHIPPED)
    assert '"type": "null"' not in text
    assert ": null" not in text
