"""The database of the state folder, opened for each transaction or kept open."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from piienc.errors import ConfigError
from piienc.state import kept_open
from piienc.state.database import transaction

TABLE = "CREATE TABLE IF NOT EXISTS numbers (number)"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".piienc"


@pytest.fixture(params=[False, True])
def kept(request, folder):
    """Run the test as it is, and with the database kept open."""
    if not request.param:
        yield
        return
    with kept_open(folder):
        yield


def _add(folder, number):
    with transaction(folder, "count") as database:
        database.execute(TABLE)
        database.execute("INSERT INTO numbers VALUES (?)", (number,))


def _numbers(folder):
    """Read as another process does."""
    code = (
        "import json, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1])\n"
        "print(json.dumps(database.execute('SELECT number FROM numbers').fetchall()))"
    )
    file = str(folder / "state.db")
    told = subprocess.check_output([sys.executable, "-c", code, file], text=True)
    return [number for (number,) in json.loads(told)]


@pytest.mark.usefixtures("kept")
def test_transaction_is_seen_by_others_when_it_has_ended(folder):
    """Whether the database is kept open or not."""
    _add(folder, 1)
    assert _numbers(folder) == [1]
    _add(folder, 2)
    assert _numbers(folder) == [1, 2]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, sqlite3.Error])
def test_transaction_that_fails_leaves_nothing_and_hinders_none(folder, error):
    """What it has written is gone, and the next one goes through."""
    _add(folder, 1)

    def fail():
        with transaction(folder, "count") as database:
            database.execute("INSERT INTO numbers VALUES (2)")
            raise error

    with pytest.raises(ConfigError if error is sqlite3.Error else error):
        fail()
    _add(folder, 3)
    assert _numbers(folder) == [1, 3]


@pytest.mark.usefixtures("kept")
def test_transactions_of_many_threads_lose_nothing(folder):
    """One at a time uses the connection that is kept."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: _add(folder, number), range(100)))
    assert sorted(_numbers(folder)) == list(range(100))


def test_database_that_is_kept_open_is_opened_once(folder, monkeypatch):
    """However many transactions there are, and who else keeps it open meanwhile."""
    opened, connect = [], sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda file, **more: opened.append(file) or connect(file, **more)
    )
    with kept_open(folder):
        assert opened == []
        assert not folder.exists()
        with kept_open(folder):
            _add(folder, 1)
        _add(folder, 2)
    assert opened == [folder / "state.db"]
    assert [path.name for path in folder.iterdir()] == ["state.db"]
    _add(folder, 3)
    assert _numbers(folder) == [1, 2, 3]


def test_database_that_was_put_in_the_place_of_a_kept_one_is_used(folder, tmp_path):
    """Nothing is written into a file that has lost its name."""
    with kept_open(folder):
        _add(folder, 1)
        shutil.rmtree(folder)
        _add(folder, 2)
        assert _numbers(folder) == [2]
        other = tmp_path / "other"
        _add(other, 7)
        for name in ("state.db-wal", "state.db-shm"):
            with suppress(FileNotFoundError):
                (folder / name).unlink()
        (other / "state.db").replace(folder / "state.db")
        _add(folder, 3)
        assert _numbers(folder) == [7, 3]


@pytest.mark.parametrize("planted", ["link", "folder", "fifo", "stranger's"])
def test_file_that_somebody_has_planted_is_not_used(folder, tmp_path, planted):
    """While the folder was open to others, anything could be put there."""
    folder.mkdir(mode=0o700)
    file, other = folder / "state.db", tmp_path / "precious"
    other.write_text("precious")
    other.chmod(0o644)
    if planted == "link":
        file.symlink_to(other)
    elif planted == "folder":
        file.mkdir()
    elif planted == "fifo":
        os.mkfifo(file)
    else:
        _add(folder, 1)
        try:
            os.chown(file, 65534, -1)
        except PermissionError:
            pytest.skip("only root can give a file to somebody else")
    with pytest.raises(ConfigError, match=r"state\.db"):
        _add(folder, 2)
    assert (other.read_text(), other.stat().st_mode & 0o777) == ("precious", 0o644)


def test_files_that_root_makes_for_a_user_are_the_users(request):
    """Root in a container works in a mounted project, and its owner goes on outside."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files for others")
    home = Path(tempfile.mkdtemp())  # nobody else may search what pytest gives
    request.addfinalizer(lambda: shutil.rmtree(home))
    home.chmod(0o700)
    os.chown(home, 65534, 65534)
    state = home / ".piienc"
    code = (
        "import grp, os, pwd, sqlite3, sys, tomllib; from pathlib import Path\n"
        "from piienc.state import Ledger, held; from piienc.audit.log import AuditLog\n"
        "from piienc.state import new_transfer; from piienc.base.files import new_file\n"
        "os.environ['PIIENC_TRUST'] = sys.argv[1]\n"
        "os.setuid(int(sys.argv[3])); state = Path(sys.argv[2])\n"
        "with held(state, 'x'), new_file(state / 'new', overwrite=True, kept=True) as file:\n"
        "    file.write(b'x')\n"
        "with new_file(state.parent / 'out', overwrite=True) as file: file.write(b'x')\n"
        "Ledger(state).save(new_transfer('push', 'u', 'n', state))\n"
        "AuditLog(state, lambda: None).append({'command': 'x'})\n"
        "print(len(Ledger(state).history()))"
    )
    for number, user in enumerate((0, 65534, 0, 65534), 1):
        line = [sys.executable, "-c", code, str(home), str(state), str(user)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.stdout == f"{number}\n", done.stderr
        assert {path.lstat().st_uid for path in (state, *state.rglob("*"))} == {65534}
        assert (home / "out").stat().st_uid == user  # an output stays whose it is
