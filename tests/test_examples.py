"""The examples run, and what comes out is what went in."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from piienc import schema
from piienc.keys import KeyFolder, Mode, parse

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PROFILES = EXAMPLES / "profiles"
RECEIVER = EXAMPLES / "receiver"
SAMPLE_KEYS = ROOT / "keys.example"
SCHEMA = schema.load(PROFILES / "schema.toml")


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with this Python's own programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def keys(tmp_path):
    """Copy the sample keys and close the copy, as keys.example/README.md says."""
    folder = tmp_path / "keys"
    (folder / "aes").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    for file in (SAMPLE_KEYS / "aes").iterdir():
        copy = folder / "aes" / file.name
        shutil.copyfile(file, copy)
        copy.chmod(0o600)
    return folder


def column_of(name: str) -> list[str | None]:
    """Read a column of the sample, by a reader that knows null from the empty string."""
    table = arrow_csv.read_csv(
        PROFILES / "profiles.csv",
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(SCHEMA.columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table[name].to_pylist()


def test_demo_round_trip_gives_the_same_bytes_and_leaves_nothing(tmp_path):
    """The demo ends well, shows that both files are equal, and cleans up behind itself."""
    done = run(PROFILES / "demo.sh", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("$ cmp profiles.csv profiles.dec.csv && echo equal\nequal\n")
    assert list(tmp_path.iterdir()) == []


def test_demo_that_fails_says_so_and_leaves_nothing(tmp_path):
    """Where piienc fails, so does the demo."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "piienc").write_text("#!/bin/sh\nexit 6\n")
    (tools / "piienc").chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = run(PROFILES / "demo.sh", cwd=work, PATH=path, TMPDIR=str(work))
    assert done.returncode == 6
    assert "equal" not in done.stdout.partition("And back")[2]
    assert list(work.iterdir()) == []


def test_sample_has_every_kind_of_cell():
    """Nulls, an empty string, quotes, a line break, a delimiter and more than ASCII."""
    cells = [cell for name in SCHEMA.columns for cell in column_of(name)]
    assert None in cells
    assert "" in cells
    for special in ('"', "\n", ",", "é", "山", "🙂"):
        assert any(special in cell for cell in cells if cell)


def test_sample_is_nobodys():
    """Addresses and numbers are of ranges that are reserved for examples and fiction."""
    reserved = ("+120255501", "+44207946", "+331990", "+4684650", "+61491570")
    for phone in column_of("phone"):
        assert phone is None or phone.startswith(reserved)
    for email in column_of("email"):
        assert not email or email.endswith(("@example.com", "@example.org", "@example.net"))


def test_schema_and_sample_have_the_same_columns():
    """The schema names each column of the sample, in order."""
    header = (PROFILES / "profiles.csv").read_text("utf-8").partition("\n")[0]
    assert list(SCHEMA.columns) == header.split(",")


@pytest.mark.parametrize("column", SCHEMA.marked)
def test_receiver_reads_every_column_with_tink_alone(column, tmp_path):
    """The partner's script gives back the values, nulls and empty strings included."""
    script = RECEIVER / "read_with_tink.py"
    assert "piienc" not in script.read_text("utf-8")
    keyset = SAMPLE_KEYS / "aes" / f"{SCHEMA.columns[column].encrypt}.json"
    done = run(sys.executable, script, RECEIVER / "profiles.enc.csv", column, keyset, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == column_of(column)


def test_receiver_gets_nothing_out_of_a_wrong_context(tmp_path):
    """A cell in another column's context is refused by Tink too."""
    keyset = SAMPLE_KEYS / "aes" / "sample-lookup.json"
    script, file = RECEIVER / "read_with_tink.py", RECEIVER / "profiles.enc.csv"
    done = run(sys.executable, script, file, "email", keyset, "--context", "phone", cwd=tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""


def test_receivers_file_decrypts_to_the_sample(tmp_path, keys):
    """What an earlier version encrypted, this one decrypts: the file is never made anew."""
    decrypted = tmp_path / "out.csv"
    done = run(
        *("piienc", "decrypt-file", RECEIVER / "profiles.enc.csv", decrypted),
        *("--schema", PROFILES / "schema.toml", "--keys", keys),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert decrypted.read_bytes() == (PROFILES / "profiles.csv").read_bytes()


def test_searchable_columns_of_the_receivers_file_are_those_of_today(tmp_path, keys):
    """Equal values keep giving equal cells, from version to version."""
    encrypted = tmp_path / "out.csv"
    done = run(
        *("piienc", "encrypt-file", PROFILES / "profiles.csv", encrypted),
        *("--schema", PROFILES / "schema.toml", "--keys", keys),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    then, now = ((RECEIVER / "profiles.enc.csv").open(), encrypted.open())
    with then, now:
        for old, new in zip(csv.DictReader(then), csv.DictReader(now), strict=True):
            assert [old[name] for name in ("identity", "country", "email")] == [
                new[name] for name in ("identity", "country", "email")
            ]
            assert not old["phone"] or old["phone"] != new["phone"]


@pytest.mark.parametrize(
    ("name", "mode", "key_id"),
    [("sample-lookup", Mode.SEARCHABLE, 2493821185), ("sample-vault", Mode.SEALED, 3122732167)],
)
def test_sample_key_is_what_its_page_says(name, mode, key_id, keys):
    """The page's table is true, and the keys never change."""
    page = (SAMPLE_KEYS / "README.md").read_text("utf-8")
    keyset = parse((SAMPLE_KEYS / "aes" / f"{name}.json").read_text("utf-8"))
    assert (keyset.mode, keyset.primary_id) == (mode, key_id)
    assert f"| `aes/{name}.json` | `{name}` | {mode} | {key_id} |" in page
    assert KeyFolder(keys).load(name) == keyset


def test_examples_programs_may_be_run():
    """What a page starts by its name has the mode for it."""
    assert (PROFILES / "demo.sh").stat().st_mode & stat.S_IXUSR
