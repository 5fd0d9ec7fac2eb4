"""The ledger of transfers, and the locks: kept between runs, shared between processes."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from piienc.errors import ConfigError, LockError
from piienc.state import CellCounter, Ledger, Phase, Transfer, held, lock_name

URL = "sftp://me@host/in/"
ONE = Transfer("0" * 16, "push", URL, "a.csv", "out/a.csv", 5, begun="2026-11-24T01:00:00Z")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / ".piienc")


def test_ledger_without_transfers_makes_nothing(ledger):
    """To look is not to write."""
    assert ledger.history() == []
    assert not ledger.folder.exists()


def test_ledger_gives_back_what_was_saved_last(ledger):
    """A transfer has one row, whatever became of it."""
    ledger.save(ONE)
    done = replace(ONE, phase=Phase.DONE, outcome="delivered", sha256="ab", attempts=2)
    ledger.save(done)
    assert ledger.history() == [done]


@given(name=st.text(st.characters(exclude_categories=["Cs"])), error=st.text(max_size=50))
def test_ledger_keeps_any_text(tmp_path_factory, name, error):
    """Names and messages are values, whatever they look like."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / ".piienc")
    ascii_error = error.encode("ascii", "replace").decode()
    ledger.save(replace(ONE, name=name, error=ascii_error, outcome="failed"))
    assert ledger.history() == [replace(ONE, name=name, error=ascii_error, outcome="failed")]


@pytest.mark.parametrize(
    ("outcome", "phase", "found"),
    [
        ("running", Phase.SENDING, True),
        ("failed", Phase.PUBLISHING, True),
        ("failed", Phase.TRIGGERING, True),
        ("failed", Phase.DONE, False),
        ("given-up", Phase.SENDING, False),
        ("delivered", Phase.DONE, False),
    ],
)
def test_ledger_finds_what_can_be_gone_on_with(ledger, outcome, phase, found):
    """Only a push, of that name, to that place, which is not over."""
    ledger.save(replace(ONE, outcome=outcome, phase=phase))
    ledger.save(replace(ONE, id="1" * 16, name="b.csv"))
    ledger.save(replace(ONE, id="2" * 16, destination="sftp://me@other/in/"))
    ledger.save(replace(ONE, id="3" * 16, direction="pull"))
    unfinished = ledger.unfinished([URL], "a.csv")
    assert (unfinished is not None) is found
    assert unfinished is None or unfinished.id == ONE.id


def test_ledger_filters_by_each_fact(ledger):
    """By place, job, outcome and time; the newest first, and no more than asked for."""
    for number in range(4):
        ledger.save(
            replace(
                ONE,
                id=str(number) * 16,
                begun=f"2026-11-2{number}T01:00:00Z",
                job="nightly" if number % 2 else None,
                outcome="failed" if number == 3 else "delivered",
            )
        )

    def ids(**filters):
        return "".join(one.id[0] for one in ledger.history(**filters))

    assert ids() == "3210"
    assert ids(job="nightly") == "31"
    assert ids(outcome="failed") == "3"
    assert ids(since="2026-11-21T00:00:00Z", until="2026-11-23T00:00:00Z") == "21"
    assert ids(places=["elsewhere"]) == ""
    assert ids(most=2) == "32"


def test_ledger_and_counter_share_a_write_ahead_log(ledger):
    """Readers do not wait for writers; the file is private."""
    ledger.save(ONE)
    with CellCounter(ledger.folder) as counter:
        counter.spend(SimpleNamespace(key_id=1, fingerprint="aa"), 5)
    database = sqlite3.connect(ledger.folder / "state.db")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    assert (ledger.folder / "state.db").stat().st_mode & 0o777 == 0o600


def test_ledger_written_by_many_at_once_for_the_first_time_loses_nothing(ledger):
    """The first runs of all switch the log on, and do not trip over each other."""
    script = (
        "import sys; from pathlib import Path\n"
        "from piienc.state import Ledger, Transfer\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for n in range(10):\n"
        "    ledger.save(Transfer(sys.argv[2] + str(n), 'push', 'u', 'n', 's', n))\n"
    )
    command = [sys.executable, "-c", script, str(ledger.folder)]
    with ThreadPoolExecutor(6) as pool:
        for done in pool.map(lambda n: subprocess.run([*command, str(n)], check=False), range(6)):
            assert done.returncode == 0
    assert len(ledger.history()) == 60


def test_ledger_of_an_older_file_is_switched_over(ledger):
    """A database that was made without a log keeps its rows."""
    ledger.folder.mkdir(mode=0o700)
    database = sqlite3.connect(ledger.folder / "state.db")
    database.execute("CREATE TABLE sealed_cells (key_id INTEGER PRIMARY KEY, cells INTEGER)")
    database.execute("INSERT INTO sealed_cells VALUES (7, 11)")
    database.commit()
    database.close()
    ledger.save(ONE)
    database = sqlite3.connect(ledger.folder / "state.db")
    assert database.execute("SELECT * FROM sealed_cells").fetchall() == [(7, 11)]
    database.close()


def test_ledger_that_cannot_be_kept_is_an_error(tmp_path):
    """Before anything is sent of which nothing would be known."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make the folder"):
        Ledger(tmp_path / "file" / ".piienc").save(ONE)


def test_lock_is_held_by_one_and_given_back(tmp_path):
    """Also by a run that fails."""
    with held(tmp_path / ".piienc", "the job nightly"):
        with (
            pytest.raises(LockError, match="another run is at work on the job nightly"),
            held(tmp_path / ".piienc", "the job nightly"),
        ):
            pass
        with held(tmp_path / ".piienc", "the job weekly"):
            pass
    with pytest.raises(ZeroDivisionError), held(tmp_path / ".piienc", "the job nightly"):
        raise ZeroDivisionError
    with held(tmp_path / ".piienc", "the job nightly"):
        pass


def test_lock_that_is_a_link_is_not_taken(tmp_path):
    """What it leads to is not made, and root does not give it to whoever has put the link there."""
    with held(tmp_path / ".piienc", "x"):
        (lock,) = (tmp_path / ".piienc" / "locks").iterdir()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot make a lock"), held(tmp_path / ".piienc", "x"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_lock_of_a_killed_run_is_free(tmp_path):
    """The system takes it back; nobody has to remove a file."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from piienc.state import held\n"
        "with held(Path(sys.argv[1]), 'it'):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / ".piienc")]
    assert subprocess.run(command, check=False).returncode == -9
    with held(tmp_path / ".piienc", "it"):
        pass


def test_lock_leaves_no_file_behind(tmp_path):
    """There would be one for each name that was ever sent."""
    with held(tmp_path / ".piienc", "it"):
        assert len(list((tmp_path / ".piienc" / "locks").iterdir())) == 1
    assert list((tmp_path / ".piienc" / "locks").iterdir()) == []


def test_lock_that_many_want_is_held_by_one_at_a_time(tmp_path):
    """Also while its file goes and comes back."""
    inside, most, done = [], [], []

    def work(number):
        for _ in range(30):
            with suppress(LockError), held(tmp_path / ".piienc", "it"):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)
                done.append(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert set(most) == {1}
    assert len(done) > 30


def test_transfer_of_a_run_that_died_is_interrupted(ledger):
    """It is running as long as a run holds its lock, and no longer."""
    ledger.save(ONE)
    with held(ledger.folder, lock_name(ONE)):
        assert ledger.history(outcome="running") == [ONE]
        assert ledger.history(outcome="interrupted") == []
    assert ledger.history(outcome="running") == []
    (told,) = ledger.history(outcome="interrupted")
    assert told == ledger.history()[0] == replace(ONE, outcome="interrupted")
    assert ledger.unfinished([URL], "a.csv") == ONE
