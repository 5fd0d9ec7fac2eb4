"""The agents and the folders of gpg's sessions: they go at the end, and those of others stay."""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from piienc.keys.openpgp import gpg

LONG_AGO = 0


class Agent:
    """Speaks as gpg-agent does at its socket, as far as a session's end needs it.

    Attributes:
        told: what it was told.
        ended: whether its process has ended.
    """

    def __init__(self, sockets, process, answers, *, hears_after=0, ends_after=0.2):
        self.told, self.ended, self._process, self._answers = b"", False, process, answers
        self._hears_after, self._ends_after = hears_after, ends_after
        self._closing, self._socket = threading.Event(), socket.socket(socket.AF_UNIX)
        self._socket.bind(str(sockets / "S.gpg-agent"))
        self._socket.listen()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def _speak(self):
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return  # nobody has come
        with connection:
            self._closing.wait(self._hears_after)
            while b"KILLAGENT\n" not in self.told and (heard := connection.recv(100)):
                self.told += heard
            with contextlib.suppress(OSError):  # nobody listens any more
                for answer in self._answers:
                    connection.sendall(answer)
                    time.sleep(0.05)
        if not self._closing.wait(self._ends_after):
            self.ended = True
        self._process.kill()

    def close(self):
        """End it, whatever it is waiting for."""
        self._closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.fixture
def process():
    """Give a process that runs until it is ended; nobody takes note of its end before."""
    made = subprocess.Popen(["sleep", "60"])
    yield made
    made.kill()
    made.wait()


@pytest.fixture
def agent(process):
    """Give a function that runs an agent in a folder."""
    running = []

    def run(sockets, answers=None, **more):
        pid = str(process.pid).encode()
        answers = answers or [b"OK Pleased\n", b"D " + pid[:1], pid[1:] + b"\nOK\n", b"OK bye\n"]
        running.append(Agent(sockets, process, answers, **more))
        return running[0]

    yield run
    for one in running:
        one.close()


def _left(parent, name="piienc-gpg-left"):
    """Make the folder of a session that was killed long ago."""
    home = parent / name / "home"
    home.mkdir(parents=True)
    return home


def _age(path):
    os.utime(path, (LONG_AGO, LONG_AGO))


def test_agent_is_told_to_end_and_its_end_is_waited_for(temp, agent):
    """Its process has ended when the call comes back, however its answer is cut into pieces."""
    running = agent(temp)
    begun = time.monotonic()
    gpg._end_agent(temp)
    assert time.monotonic() - begun < gpg.AGENT_ENDS_WITHIN
    assert running.ended
    assert running.told == b"GETINFO pid\nKILLAGENT\n"
    (temp / "S.gpg-agent").unlink()


def test_agent_of_a_killed_session_is_told_to_end(temp, agent):
    """Before its folder is taken away."""
    home = _left(temp)
    running = agent(home)
    _age(home.parent)
    gpg._sweep(temp)
    assert running.ended
    assert not home.parent.exists()


@pytest.mark.parametrize(
    "more", [{"hears_after": 2}, {"ends_after": 2}, {"ends_after": 2, "answers": [b"ERR 1\n"]}]
)
def test_agent_that_does_not_end_is_not_waited_for_for_ever(temp, agent, monkeypatch, more):
    """Nor one that does not answer, or does not say which process it is."""
    monkeypatch.setattr(gpg, "AGENT_ENDS_WITHIN", 0.1)
    running = agent(temp, **more)
    begun = time.monotonic()
    gpg._end_agent(temp)
    assert time.monotonic() - begun < 1.5
    assert not running.ended
    (temp / "S.gpg-agent").unlink()


def test_socket_that_nobody_listens_at_any_more_is_no_agent(temp):
    """A killed agent leaves one."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(temp / "S.gpg-agent"))
    gpg._end_agent(temp)
    (temp / "S.gpg-agent").unlink()


def test_process_lives_until_it_has_ended_whether_or_not_its_parent_takes_note(process):
    """In a container, the parent of orphans may never do so."""
    assert gpg._lives(os.getpid()) is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert gpg._lives(process.pid) is False
    process.wait()
    assert gpg._lives(process.pid) is False


@pytest.fixture
def gpgconf(temp, tmp_path, monkeypatch):
    """Give a function that sets what gpgconf prints and ends with; the user has a run-time folder.

    It notes its arguments in a file, which the function returns.
    """
    own, is_dir = Path(f"/run/user/{os.geteuid()}"), Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: path == own or is_dir(path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    (tmp_path / "bin").mkdir()

    def put(prints, code=0):
        program = tmp_path / "bin" / "gpgconf"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho "{prints}"\nexit {code}\n'
        )
        program.chmod(0o700)
        return tmp_path / "asked"

    return put


def test_agent_in_the_run_time_folder_is_ended_and_its_folder_taken_away(temp, gpgconf, agent):
    """With /run/user, gpg keeps the sockets there, and not in the home."""
    sockets = temp / "sockets"
    sockets.mkdir()
    asked = gpgconf(sockets)
    running = agent(sockets)
    gpg._end_agent(temp / "home")
    assert running.ended
    of = f"--homedir {temp}/home"
    assert asked.read_text() == f"{of} --list-dirs socketdir\n{of} --remove-socketdir\n"
    shutil.rmtree(sockets)


@pytest.mark.parametrize("code", [0, 1])
def test_agent_in_the_home_is_ended_though_there_is_a_run_time_folder(temp, gpgconf, agent, code):
    """As gpg does where it cannot use that, and nothing else is taken away."""
    asked = gpgconf("" if code else temp, code)
    running = agent(temp)
    gpg._end_agent(temp)
    assert running.ended
    assert asked.read_text() == f"--homedir {temp} --list-dirs socketdir\n"
    (temp / "S.gpg-agent").unlink()


def test_sockets_are_in_the_home_where_gpgconf_is_missing_or_not_needed(
    temp, gpgconf, monkeypatch, tmp_path
):
    """A user who has not logged in has no run-time folder, and nobody asks."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpg._socket_folder(temp) == temp
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    gpgconf(tmp_path)
    assert gpg._socket_folder(temp) == tmp_path
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    assert gpg._socket_folder(temp) == temp


def test_folder_of_a_running_session_is_left_alone_however_old_it_is(temp, tmp_path):
    """A run may take days."""
    with gpg.keyring(tmp_path, []) as session:
        folder = Path(session.gnupghome).parent
        _age(folder)
        gpg._sweep(temp)
        assert folder.exists()


def test_session_ends_quietly_though_its_folder_was_taken_away(temp, tmp_path):
    """By whatever cleans the folder for temporary files."""
    with gpg.keyring(tmp_path, []) as session:
        shutil.rmtree(Path(session.gnupghome).parent)


def test_sessions_leave_no_file_open(temp, tmp_path):
    """Neither their own, nor those that are swept, nor homes that are changed."""
    tmp_path.joinpath("home").mkdir(mode=0o700)
    tmp_path.joinpath("home", "pubring.kbx").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    _age(_left(temp).parent)
    with gpg.keyring(tmp_path, []):
        pass
    with gpg.home_of(tmp_path / "home"):
        pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_folder_of_somebody_else_is_left_alone(temp, monkeypatch):
    """Its name proves nothing."""
    folder = _left(temp).parent
    _age(folder)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    gpg._sweep(temp)
    assert folder.exists()
    shutil.rmtree(folder)


def test_link_is_not_followed_to_an_agent(temp, tmp_path, agent):
    """What is named like a session, and leads elsewhere, is none."""
    home = _left(temp, "other")
    running = agent(home)
    link = temp / "piienc-gpg-link"
    link.symlink_to(home.parent)
    os.utime(link, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    gpg._sweep(temp)
    assert running.told == b""
    assert link.is_symlink()
    link.unlink()
    shutil.rmtree(home.parent)


@pytest.mark.parametrize(
    ("unwritable", "used"),
    [([], "/tmp"), (["/tmp"], "/dev/shm")],  # noqa: S108  # looked for
)
def test_session_takes_a_folder_with_a_short_path_that_it_may_write_to(
    tmp_path, monkeypatch, unwritable, used
):
    """A long TMPDIR is passed over, and so is what is not ours to write to."""
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, how: path not in unwritable and access(path, how)
    )
    with gpg.keyring(tmp_path, []) as session:
        assert Path(session.gnupghome).parent.parent == Path(used)


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("old", [False, True])
def test_folder_of_a_killed_session_is_swept_by_the_next(temp, old, locked):
    """If nobody holds its lock, and it is not one that begins just now."""
    left = _left(temp).parent
    (left / "home" / "pubring.gpg").write_bytes(b"x")
    if old:
        os.utime(left, (time.time() - 3600,) * 2)
    lock = os.open(left, os.O_RDONLY)
    try:
        if locked:
            fcntl.flock(lock, fcntl.LOCK_EX)
        gpg._sweep(temp)
        assert left.exists() == (locked or not old)
    finally:
        os.close(lock)
        shutil.rmtree(left, ignore_errors=True)


def test_foreign_things_in_the_temporary_folder_are_left_alone(temp):
    """A file, a link and a folder of another name are not ours to take away."""
    (temp / "piienc-gpg-file").write_bytes(b"x")
    (temp / "other").mkdir()
    (temp / "piienc-gpg-link").symlink_to(temp / "other")
    for path in temp.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    gpg._sweep(temp)
    left = sorted(path.name for path in temp.iterdir())
    assert left == ["other", "piienc-gpg-file", "piienc-gpg-link"]
    subprocess.run(f"rm -rf {temp}/*", shell=True, check=True)  # noqa: S602  # a path of our own


def test_sessions_are_swept_though_another_one_goes_away_meanwhile(tmp_path, monkeypatch):
    """As it does where several runs sweep one folder at the same time."""
    folders = [tmp_path / f"{gpg._SESSION}{number}" for number in range(3)]
    for folder in folders:
        folder.mkdir()
        os.utime(folder, (0, 0))
    lstat, gone = Path.lstat, []

    def looked_at(session):
        if not gone:
            gone.append(session)
            session.rmdir()
        return lstat(session)

    monkeypatch.setattr(Path, "lstat", looked_at)
    gpg._sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
