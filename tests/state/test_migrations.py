"""The versions of the database: an older one is migrated, a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from piienc.errors import ConfigError
from piienc.state import JobEntry, JobLedger, Ledger, new_transfer
from piienc.state.database import transaction
from piienc.state.migrations import MIGRATIONS
from piienc.state.transfers import Transfer

MARKS = """CREATE TABLE marks (number INTEGER PRIMARY KEY, schema TEXT, column_name TEXT, key TEXT,
mode TEXT, context TEXT, version INTEGER, time TEXT)"""
MARK = "INSERT INTO marks VALUES (1, 's', 'c', 'k', 'sealed', 'c', 1, '2026-01-01T00:00:00Z')"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / ".piienc"
    made.mkdir(mode=0o700)
    return made


def _read(folder, sql):
    with closing(sqlite3.connect(folder / "state.db")) as database, database:
        return database.execute(sql).fetchall()


def _use(folder):
    with transaction(folder, "look"):
        pass


def test_new_database_has_the_newest_version(folder):
    """From its first transaction on."""
    _use(folder)
    assert _read(folder, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_database_without_a_version_is_migrated_and_keeps_its_rows(folder):
    """It may have any of the tables."""
    for statement in (MARKS, MARK):
        _read(folder, statement)
    _use(folder)
    assert _read(folder, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert _read(folder, "SELECT key FROM marks") == [("k",)]
    assert Ledger(folder).history() == []


def test_migration_that_fails_leaves_the_database_as_it_was(folder):
    """All steps and the version are one transaction."""
    _read(folder, "CREATE TABLE sendings (id)")  # no such table was ever made
    with pytest.raises(ConfigError, match=r"state\.db"):
        _use(folder)
    assert _read(folder, "PRAGMA user_version") == [(0,)]
    assert _read(folder, "SELECT name FROM sqlite_schema WHERE type = 'table'") == [("sendings",)]


def test_database_of_a_newer_version_is_refused(folder):
    """Nothing of it is changed, and it is said what to do."""
    _use(folder)
    newer = len(MIGRATIONS) + 2
    _read(folder, f"PRAGMA user_version = {newer}")
    before = (folder / "state.db").read_bytes()
    with pytest.raises(ConfigError, match=rf"newer piienc: its version is {newer}") as caught:
        _use(folder)
    assert caught.value.hint.startswith("run the newer piienc")
    assert (folder / "state.db").read_bytes() == before


@pytest.mark.parametrize(("table", "row"), [("transfers", Transfer), ("sendings", JobEntry)])
def test_table_has_the_columns_of_its_rows(folder, table, row):
    """In their order, for rows are read by it."""
    _use(folder)
    columns = [name for _, name, *_ in _read(folder, f"PRAGMA table_info({table})")]
    assert columns == [*row.__struct_fields__]


def test_ledgers_find_rows_by_an_index(folder):
    """A job of many thousand sources asks for each of them."""
    _use(folder)
    for find in (
        "SELECT * FROM sendings WHERE job = 'a' AND size = 1",
        "SELECT * FROM transfers WHERE name = 'a'",
    ):
        plan = _read(folder, "EXPLAIN QUERY PLAN " + find)
        assert "USING INDEX" in plan[0][-1]


def test_number_of_a_job_follows_its_own_last_one(folder):
    """Those that are only begun have none yet, and other jobs count for themselves."""
    jobs = JobLedger(folder)
    assert jobs.next_number("job") == 1
    for number, (job, step) in enumerate(
        [("job", "done"), ("job", "skipped"), ("other", "done"), ("job", "spooling")], 1
    ):
        jobs.save(JobEntry(str(number), job, "/s", 1, 1, 1, number, "n", step, ""))
    assert jobs.next_number("job") == 3
    assert Ledger(folder).save(new_transfer("push", "u", "n", folder)).name == "n"
