"""The count of sealed cells: never too small, kept between runs, shared between processes."""

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pytest

from piienc.errors import ConfigError, KeyAccessError
from piienc.state import CELL_LIMIT, CELL_WARNING, CellCounter


@dataclass(frozen=True)
class Key:
    """A sealed key, as the counter sees one."""

    key_id: int
    fingerprint: str


KEY, OTHER = Key(4_000_000_000, "aa"), Key(1, "bb")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".piienc"


def _query(folder, sql, *values):
    database = sqlite3.connect(folder / "state.db")
    with database:
        found = database.execute(sql, values).fetchone()
    database.close()
    return found


def _counted(folder, key=KEY):
    found = _query(folder, "SELECT cells FROM sealed_keys WHERE key = ?", key.fingerprint)
    return found and found[0]


def _count(folder, cells):
    """Write a number into the database as if so many cells had been encrypted."""
    with CellCounter(folder) as counter:
        counter.spend(KEY, 1)
    _query(folder, "UPDATE sealed_keys SET cells = ?", cells)


def test_counter_without_cells_makes_nothing(folder):
    """A run that seals nothing leaves no trace."""
    with CellCounter(folder):
        pass
    assert not folder.exists()


@pytest.mark.parametrize("spent", [[1], [5, 0, 7], [1 << 20], [(1 << 20) + 1, 3], [1 << 22, 1]])
def test_counter_after_a_run_holds_exactly_what_was_spent(folder, spent):
    """What was reserved ahead and not used is given back."""
    with CellCounter(folder) as counter:
        for cells in spent:
            counter.spend(KEY, cells)
    assert _counted(folder) == sum(spent)


def test_counter_between_runs_adds_up_for_each_key(folder):
    """The count lives as long as the key."""
    for _ in range(3):
        with CellCounter(folder) as counter:
            counter.spend(KEY, 10)
            counter.spend(OTHER, 1)
    assert (_counted(folder), _counted(folder, OTHER)) == (30, 3)


def test_counter_knows_a_key_under_another_id(folder):
    """A key that is imported anew, or under another name, is not fresh."""
    for key in (KEY, Key(7, KEY.fingerprint)):
        with CellCounter(folder) as counter:
            counter.spend(key, 10)
    assert _counted(folder) == 20


def test_counter_goes_on_from_what_older_versions_have_counted(folder):
    """They knew a key by its id alone; what they have counted is not forgotten."""
    folder.mkdir(mode=0o700)
    _query(folder, "CREATE TABLE sealed_cells (key_id INTEGER PRIMARY KEY, cells INTEGER)")
    _query(folder, "INSERT INTO sealed_cells VALUES (?, 1000)", KEY.key_id)
    for _ in range(2):
        with CellCounter(folder) as counter:
            counter.spend(KEY, 10)
            counter.spend(OTHER, 1)
    assert (_counted(folder), _counted(folder, OTHER)) == (1020, 2)


def test_counter_after_an_error_gives_back_what_was_not_spent(folder):
    """A failed run counts the cells that it has encrypted, and no more."""
    with pytest.raises(ValueError, match="x"), CellCounter(folder) as counter:  # noqa: PT012  # a failed run
        counter.spend(KEY, 10)
        raise ValueError("x")
    assert _counted(folder) == 10


def test_counter_of_a_run_that_was_killed_counts_too_many_and_never_too_few(folder):
    """Numbers are reserved before they are used."""
    CellCounter(folder).spend(KEY, 10)
    assert _counted(folder) >= 10


def test_counter_in_many_threads_loses_nothing(folder):
    """Batches are sealed side by side."""
    with CellCounter(folder) as counter, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counter.spend(KEY, 3), range(500)))
    assert _counted(folder) == 1500


def test_counter_in_two_processes_at_once_loses_nothing(folder):
    """One process waits while the other counts, also where the database is only being made."""
    code = (
        "import sys, pathlib\n"
        "from types import SimpleNamespace\n"
        "from piienc.state import CellCounter\n"
        "for number in range(20):\n"
        "    print(flush=True)\n"
        "    sys.stdin.readline()\n"
        "    for _ in range(3):\n"
        "        with CellCounter(pathlib.Path(sys.argv[1], str(number))) as counter:\n"
        "            counter.spend(SimpleNamespace(key_id=1, fingerprint='aa'), 7)\n"
    )
    folder.mkdir(mode=0o700)
    command = [sys.executable, "-c", code, str(folder)]
    runs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for _ in range(20):
        ready = [run.stdout.readline() for run in runs]
        assert ready == [b"\n", b"\n"]
        for run in runs:
            run.stdin.write(b"go\n")
            run.stdin.flush()
    for run in runs:
        run.communicate(timeout=60)
    assert [run.returncode for run in runs] == [0, 0]
    assert [_counted(folder / str(number)) for number in range(20)] == [2 * 3 * 7] * 20


def test_counter_folder_and_file_are_private(folder):
    """What was done with which key is nobody else's business."""
    with CellCounter(folder) as counter:
        counter.spend(KEY, 1)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_counter_at_the_limit_refuses_and_says_what_to_do(folder):
    """2^32 cells are the most that NIST lets one key encrypt."""
    _count(folder, CELL_LIMIT)
    with (
        CellCounter(folder) as counter,
        pytest.raises(KeyAccessError, match=str(KEY.key_id)) as caught,
    ):
        counter.spend(KEY, 1)
    assert "generate-aes" in caught.value.hint
    assert _counted(folder) == CELL_LIMIT


def test_counter_over_the_limit_refuses_a_batch_that_crosses_it(folder):
    """A batch is counted as a whole before its first cell is sealed."""
    _count(folder, CELL_LIMIT - 10)
    with CellCounter(folder) as counter, pytest.raises(KeyAccessError):
        counter.spend(KEY, 11)
    assert _counted(folder) == CELL_LIMIT - 10


def test_counter_with_few_cells_left_lets_just_these_pass(folder):
    """What is reserved ahead must not cost the last cells."""
    _count(folder, CELL_LIMIT - 10)
    with CellCounter(folder) as counter:
        counter.spend(KEY, 10)
        with pytest.raises(KeyAccessError):
            counter.spend(KEY, 1)
    assert _counted(folder) == CELL_LIMIT


def test_counter_past_half_of_the_limit_names_the_key(folder):
    """A warning comes early enough to plan a new key."""
    _count(folder, CELL_WARNING)
    with CellCounter(folder) as counter:
        counter.spend(KEY, 1)
        counter.spend(OTHER, 1)
        (warning,) = counter.warnings()
        assert warning.startswith(f"key id {KEY.key_id} has encrypted ")


def test_counter_names_the_exact_number_of_a_worn_key(folder):
    """The number that is told is that of the cells, not of those reserved."""
    _count(folder, CELL_WARNING)
    with CellCounter(folder) as counter:
        counter.spend(KEY, 5)
        assert f" {CELL_WARNING + 5:,} cells," in counter.warnings()[0]


def test_counter_that_cannot_write_says_which_folder_to_name(folder):
    """Without the count no cell is sealed."""
    folder.mkdir(mode=0o700)
    (folder / "state.db").mkdir()
    with CellCounter(folder) as counter, pytest.raises(ConfigError, match=r"state\.db") as caught:
        counter.spend(KEY, 1)
    assert "--state" in caught.value.hint
    assert "PIIENC_STATE" in caught.value.hint


def test_counter_whose_folder_cannot_be_made_says_which_folder_to_name(tmp_path):
    """The same where there is no folder yet."""
    (tmp_path / "file").touch()
    with (
        CellCounter(tmp_path / "file" / ".piienc") as counter,
        pytest.raises(ConfigError) as caught,
    ):
        counter.spend(KEY, 1)
    assert "--state" in caught.value.hint


def test_counter_whose_file_is_no_database_refuses(folder):
    """A broken count is not taken for zero."""
    folder.mkdir(mode=0o700)
    (folder / "state.db").write_bytes(b"no database" * 500)
    with CellCounter(folder) as counter, pytest.raises(ConfigError, match=r"state\.db"):
        counter.spend(KEY, 1)


def test_counter_in_a_folder_of_others_refuses(folder):
    """Who could change the count could wear out a key unseen."""
    folder.mkdir(mode=0o755)
    with CellCounter(folder) as counter, pytest.raises(KeyAccessError) as caught:
        counter.spend(KEY, 1)
    assert caught.value.hint == f"chmod 0700 {folder}"


def test_transaction_leaves_the_locks_of_other_threads_alone(folder):
    """By a close of the file, a process gives up all its locks; then others take the log away."""
    _count(folder, 1)
    with closing(sqlite3.connect(folder / "state.db")) as other:
        other.execute("SELECT * FROM sealed_keys").fetchall()
        with CellCounter(folder) as counter:
            counter.spend(KEY, 1)
        tried = (
            "import fcntl\n"
            f"with open({str(folder / 'state.db')!r}, 'r+b') as file:\n"
            "    try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
            "    except BlockingIOError: print('locked')\n"
        )
        told = subprocess.run([sys.executable, "-c", tried], capture_output=True, check=True)
    assert told.stdout == b"locked\n"
