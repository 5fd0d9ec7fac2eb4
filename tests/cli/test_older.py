"""Projects of older versions go on: keys, marks, counts, deliveries and the audit log."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

OLDER = Path(__file__).with_name("older")
"""A project for each version of the state folder, made by the last piienc that had it: a job that
delivered one source and has wrapped a second one, and one pushed file. `@FOLDER@` stands for its
place."""


@pytest.fixture(params=sorted(path.name for path in OLDER.iterdir()))
def older(request, project):
    """Give a project as an older version has left it."""
    folder = project.folder
    shutil.rmtree(folder)
    shutil.copytree(OLDER / request.param, folder)
    (folder / "state").rename(folder / ".piienc")
    for each in folder.rglob("*"):
        if each.relative_to(folder).parts[0] in {".piienc", "keys", "passphrase"}:
            each.chmod(0o700 if each.is_dir() else 0o600)
    settings = folder / "piienc.toml"
    settings.write_text(settings.read_text().replace("@FOLDER@", str(folder)))
    rows = (folder / "state.sql").read_text().replace("@FOLDER@", str(folder))
    with closing(sqlite3.connect(folder / ".piienc" / "state.db")) as database:
        database.executescript(rows)
    return project


def test_older_project_goes_on(older):
    """What was delivered is not delivered again, what was wrapped is; nothing else is new."""
    folder = older.folder
    delivered = older.read("partner/customers.csv.pgp")
    wrapped = older.read(".piienc/spool/d0b0bad3bf595f04/second.csv.pgp")
    with_key = "--passphrase-file", "passphrase"

    assert older.run("audit", "verify").code == 0
    ended = older.run("send", "nightly", *with_key)
    assert (ended.code, "delivered" in ended.err) == (0, True)
    assert {path.name for path in (folder / "partner").iterdir()} == {
        "customers.csv.pgp",
        "second.csv.pgp",
    }
    assert older.read("partner/customers.csv.pgp") == delivered
    assert older.read("partner/second.csv.pgp") == wrapped
    assert "delivered" not in older.run("send", "nightly", *with_key).err

    pushed = older.run("push", "customers.enc.csv", "--to", f"file://{folder}/other/")
    assert (pushed.code, "skipped" in pushed.err) == (0, True)

    files = "customers.enc.csv", "back.csv"
    opened = older.run("decrypt-file", *files, "--schema", "schema.toml", *with_key)
    assert opened.code == 0
    assert older.read("back.csv") == older.read("exports/customers.csv")
    assert older.run("audit", "verify").code == 0


def test_mark_of_an_older_project_holds(older):
    """A schema without it is refused."""
    plain = older.read("schema.toml").replace(b', encrypt = "lookup"', b"")
    older.write("schema.toml", plain)
    schema_and_key = "--schema", "schema.toml", "--passphrase-file", "passphrase"
    ended = older.run("encrypt-file", "exports/customers.csv", "out.csv", *schema_and_key)
    assert ended.code == 12
    assert not (older.folder / "out.csv").exists()


def _age(state):
    """Have all that is over be over since 2020."""
    with closing(sqlite3.connect(state / "state.db")) as database, database:
        database.execute("UPDATE transfers SET ended = '2020' || substr(ended, 5)")
    for path in (state / "receipts").iterdir():
        path.rename(path.with_name("2020" + path.name[4:]))


@pytest.mark.parametrize("days", [None, 1000])
def test_history_is_kept_for_the_days_that_are_set(older, days):
    """All of it, without a setting; the audit log stays whole either way."""
    settings = older.read("piienc.toml")
    if days is not None:
        older.write("piienc.toml", settings + f"\n[state]\nkeep_history = {days}\n".encode())
    _age(older.folder / ".piienc")
    schema_and_key = "--schema", "schema.toml", "--passphrase-file", "passphrase"
    ended = older.run("encrypt-file", "exports/customers.csv", "out.csv", *schema_and_key)
    assert ended.code == 0
    transfers = older.run("history", "--json").document["transfers"]
    receipts = [*(older.folder / ".piienc" / "receipts").iterdir()]
    assert (len(transfers), len(receipts)) == ((0, 0) if days else (4, 1))
    assert older.run("audit", "verify").code == 0
