"""What is over goes after its time; what still decides something stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from piienc.state import JobEntry, JobLedger, JobStep, Ledger, Transfer, jobs
from piienc.state.retention import prune
from piienc.state.transfers import as_time

NOW = datetime.now(UTC)


def _days_ago(days):
    return as_time(NOW - timedelta(days=days))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".piienc"


@pytest.mark.parametrize(
    ("phase", "ended", "stays"),
    [
        ("done", 11, False),
        ("done", 9, True),
        ("done", -1000, True),  # the clock was set back
        ("sending", 11, True),  # failed: the next run goes on with it
        ("publishing", None, True),
    ],
)
def test_transfer_goes_when_it_has_been_over_for_the_days(folder, phase, ended, stays):
    """And not before: the next run goes on with one that is not over."""
    ledger = Ledger(folder)
    time = None if ended is None else _days_ago(ended)
    ledger.save(Transfer("a", "push", "u", "n", "s", 1, phase, "failed", _days_ago(99), time))
    prune(folder, 10)
    assert [each.id for each in ledger.history()] == (["a"] if stays else [])


@pytest.fixture
def saved(folder, monkeypatch):
    """Save a job's source as it was some days ago."""

    def save(unique, source, *, days=11, step=JobStep.DONE, number=1):
        monkeypatch.setattr(jobs, "now", lambda: _days_ago(days))
        sent = JobEntry(unique, "job", str(source), 1, 1, 1, number, "n", step, _days_ago(days))
        JobLedger(folder).save(sent)

    return save


def test_source_goes_when_nothing_of_it_is_left(folder, tmp_path, saved):
    """One that the job still finds would be sent again, and what waits would be lost."""
    there = tmp_path / "there.csv"
    there.touch()
    gone = tmp_path / "gone.csv"
    saved("gone", gone)
    saved("skipped", gone, step=JobStep.SKIPPED)
    saved("young", gone, days=9)
    saved("there", there)
    saved("unmounted", tmp_path / "disk" / "x.csv")
    saved("waits", gone, step=JobStep.SPOOLED)
    saved("delivered", gone, step=JobStep.DELIVERED)
    saved("wrapped", gone)
    (folder / "spool" / "wrapped").mkdir(parents=True)
    saved("last", gone, number=7)
    prune(folder, 10)
    assert {*JobLedger(folder).ids()} == {
        *("young", "there", "unmounted", "waits", "delivered", "wrapped", "last")
    }
    assert JobLedger(folder).next_number("job") == 8


def test_receipts_and_reports_go_by_the_time_in_their_names(folder):
    """Files of other names are not touched."""
    old, young = ((NOW - timedelta(days=days)).strftime("%Y%m%dT%H%M%SZ") for days in (11, 9))
    for kind in ("receipts", "reports"):
        (folder / kind).mkdir(parents=True)
        for name in (f"{old}-a.json", f"{young}-b.json", "mine.json", "1Z.json"):
            (folder / kind / name).touch()
    prune(folder, 10)
    for kind in ("receipts", "reports"):
        left = sorted(path.name for path in (folder / kind).iterdir())
        assert left == sorted([f"{young}-b.json", "mine.json", "1Z.json"])


def test_state_folder_that_is_not_there_is_not_made(folder):
    """There is nothing to remove."""
    prune(folder, 10)
    assert not folder.exists()
