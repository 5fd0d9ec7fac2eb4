"""A project for tests of the Python API: keys, a schema, and a working directory."""

from __future__ import annotations

import pytest

from piienc.keys import KeyFolder, Mode, generate

SCHEMA = """
name = "people"
version = 1

[columns.id]
type = "integer"

[columns.email]
type = "string"
encrypt = "look"

[columns.born]
type = "date"
encrypt = "seal"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The working directory: `keys` with `look` (searchable) and `seal` (sealed), a schema."""
    keys = KeyFolder(tmp_path / "keys")
    keys.create("look", generate(Mode.SEARCHABLE), None)
    keys.create("seal", generate(Mode.SEALED), None)
    (tmp_path / "schema.toml").write_text(SCHEMA)
    monkeypatch.chdir(tmp_path)
    for name in ("PIIENC_KEYS", "PIIENC_STATE", "PIIENC_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
