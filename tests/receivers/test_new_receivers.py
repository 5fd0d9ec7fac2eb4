"""A receiver more is one file; one whose manifests have a form of their own, one more and a row."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import piienc

MANIFEST = """
import json

from piienc.base.document import Table


class ManifestTable(Table, frozen=True, kw_only=True):
    owner: str


def build(facts, *, data_name, schema, header=None):
    return json.dumps([data_name, facts.owner, *schema.columns]).encode()


def lint(manifest, **known):
    return []


def name_for(data_name, unique):
    return f"{data_name}.{unique}.toy"
"""
PROFILE = """
summary = "a toy"
trigger = ".fin"
properties = { Colour = ["Color"] }

[sources]
trigger = "its page"

[rows.colours]
properties = ["colour"]
allowed = ["red"]
source = "its page"
"""


@pytest.fixture
def house(tmp_path):
    """Give a copy of the package, and a function that runs its command line beside it."""
    shutil.copytree(
        Path(piienc.__file__).parent, tmp_path / "piienc", ignore=shutil.ignore_patterns("*.pyc")
    )
    (tmp_path / "there").mkdir()
    (tmp_path / "a.csv").write_text("Color\nblue\n")
    (tmp_path / "schema.toml").write_text(
        'name = "a"\nversion = 1\n[columns.Color]\ntype = "string"\n'
    )

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "piienc", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return tmp_path, run


def test_form_of_manifests_is_a_file_and_a_row(house):
    """It is asked for by its name, has facts of its own, and is delivered behind the data."""
    folder, run = house
    table = folder / "piienc" / "receivers" / "manifest.py"
    row = '"manifest": "piienc.receivers.clevertap"'
    assert table.read_text().count(row) == 1
    table.write_text(table.read_text().replace(row, f'{row}, "toy": "piienc.receivers.toy"'))
    (folder / "piienc" / "receivers" / "toy.py").write_text(MANIFEST)
    settings = (
        f'[destinations.toys]\nurl = "file://{folder}/there/"\ntrigger = "toy"\n'
        "[destinations.toys.manifest]\n"
    )
    push = ("push", "a.csv", "--to", "toys", "--schema", "schema.toml")
    (folder / "piienc.toml").write_text(f'{settings}owner = "Ada"\n')
    ended = run(*push)
    assert ended.returncode == 0, ended.stderr
    (made,) = (folder / "there").glob("a.csv.*.toy")
    assert json.loads(made.read_text()) == ["a.csv", "Ada", "Color"]
    (folder / "piienc.toml").write_text(f'{settings}owners = "Ada"\n')
    ended = run(*push)
    assert ended.returncode == 3
    assert "line 5: destinations.toys.manifest.owners: unknown; did you mean" in ended.stderr


def test_profile_is_a_file_alone(house):
    """It is listed, its trigger is sent, and its rows are verified by its own words."""
    folder, run = house
    (folder / "piienc" / "receivers" / "data" / "toy.toml").write_text(PROFILE)
    assert "a toy" in run("profiles", "list").stdout
    (folder / "piienc.toml").write_text(
        f'[destinations.toys]\nurl = "file://{folder}/there/"\nprofile = "toy"\n'
    )
    ended = run("push", "a.csv", "--to", "toys")
    assert ended.returncode == 0, ended.stderr
    assert sorted(file.name for file in (folder / "there").iterdir()) == ["a.csv", "a.csv.fin"]
    ended = run("verify", "a.csv", "--schema", "schema.toml", "--profile", "toy")
    assert ended.returncode == 10, ended.stderr
    assert "not one of red (rows.colours of toy)" in ended.stdout + ended.stderr
