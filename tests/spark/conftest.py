"""A project with keys, and a Spark of this machine alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from spark_desk import PASSPHRASE, SCHEMA, configured, raw

from piienc.base.secret import SecretBytes
from piienc.keys import KeyFolder, Mode, generate


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The working directory: locked keys `look` and `seal`, `bare` in clear, and a schema."""
    folder = tmp_path_factory.mktemp("project")
    secret = SecretBytes(PASSPHRASE.encode())
    for name, keyset in (("look", generate(Mode.SEARCHABLE)), ("seal", generate(Mode.SEALED))):
        KeyFolder(folder / "keys").create(name, keyset, secret)
    KeyFolder(folder / "bare").create("bare", raw(Mode.SEALED), None)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    (folder / "passphrase").chmod(0o600)
    (folder / "schema.toml").write_text(SCHEMA)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="session")
def spark(project):
    """Spark in this process, with two threads."""
    session = configured(project / "spark", "local[2]")
    yield session
    session.stop()
