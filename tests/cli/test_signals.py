"""A signal ends every command soon, whatever it does, and nothing is left behind."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KILLS", "2"))  # of each command; of starts, 20 times as many
WITHIN = 2.0 + 4.0  # seconds; the latter for a machine with much else to do
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SLOW_KDF = """
from piienc.keys.wraps import passphrase
from piienc.keys.wraps.passphrase import MAX_ITERATIONS, Argon2Profile
passphrase.wrap.__defaults__ = (Argon2Profile(MAX_ITERATIONS, 1, 1 << 18),)
"""
PATTERN_SCHEMA = """
name = "people"
version = 1
[columns.id]
type = "string"
pattern = "(a+)+b"
[columns.email]
type = "string"
[columns.note]
type = "string"
pattern = "([a-z0-9]{1,20}){1,40}é"
"""
SECRET = ["--passphrase-file", "passphrase"]
SCHEMA = ["--schema", "schema.toml"]
COMMANDS = {
    "encrypt a large file": (["encrypt-file", "large.csv", "out", *SCHEMA], ""),
    "decrypt a large file": (["decrypt-file", "large.enc.csv", "out", *SCHEMA], ""),
    "verify a large file": (["verify", "large.enc.csv", *SCHEMA, "--against", "large.csv"], ""),
    "verify a hard pattern": (["verify", "large.csv", "--schema", "pattern.toml"], ""),
    "wrap a large file": (["wrap-file", "large.csv", "out", "--recipient", "me"], ""),
    "make a slow key": (["keys", "generate-aes", "k", "--mode", "sealed", *SECRET], SLOW_KDF),
    "make a large PGP key": (
        ["keys", "generate-pgp", "k", "--email", "k@k.example", "--algorithm", "rsa4096", *SECRET],
        "",
    ),
    "encrypt what never comes": (["encrypt-file", "fifo", "out", *SCHEMA], ""),
    "encrypt standard input": (["encrypt-file", "-", "out", *SCHEMA], ""),
    "wrap what never comes": (["wrap-file", "fifo", "out", "--recipient", "me"], ""),
    "unwrap what never comes": (["unwrap-file", "fifo", "out"], ""),
    "verify what never comes": (["verify", "fifo", *SCHEMA], ""),
    "read a passphrase that never comes": (
        ["keys", "generate-aes", "k", "--mode", "sealed", "--passphrase-file", "fifo"],
        "",
    ),
    "push to a server that is silent": (["push", "small.csv", "--to", "silent"], ""),
}


@pytest.fixture(scope="module", autouse=True)
def _no_signal_is_ignored():
    """Give commands the signals as a terminal does: behind nohup, SIGHUP is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def large():
    """Give a table that takes a second or two."""
    rows = (f"{n},person{n}@example.com,{'a' * (n % 300)}\n" for n in range(400_000))
    return "id,email,note\n" + "".join(rows)


@pytest.fixture
def desk(office, large):
    """Give a project in which each of the commands takes long."""
    office.write("large.csv", large)
    office.write("small.csv", "id,email,note\n1,a,b\n")
    office.write("pattern.toml", PATTERN_SCHEMA)
    os.mkfifo(office.folder / "fifo", 0o600)
    return office


@contextlib.contextmanager
def _silent_server(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        project.write("piienc.toml", f'[destinations.silent]\nurl = "sftp://u@127.0.0.1:{port}/"\n')
        yield


def _end(project, command, number, after, prelude="", **more):
    """Start a command and send it a signal; return its exit code and its seconds since then."""
    process = subprocess.Popen(
        project.command(*command, prelude=prelude),
        cwd=project.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        process.send_signal(number)
        begun = time.monotonic()
        process.wait(20)
        return process.returncode, time.monotonic() - begun, process.stderr.read().decode()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", COMMANDS)
def test_signal_ends_a_command_at_work(desk, temp, name):
    """Its exit status tells the signal; no file appears, and none is left half."""
    command, prelude = COMMANDS[name]
    if "large.enc.csv" in command:
        assert desk.run("encrypt-file", "large.csv", "large.enc.csv", *SCHEMA).code == 0
    with _silent_server(desk):
        before = set(desk.listing())
        for _ in range(KILLS):
            number = random.choice(NUMBERS)  # noqa: S311  # no secret
            code, took, told = _end(desk, command, number, random.uniform(0.3, 2), prelude)  # noqa: S311
            new = {path for path in desk.listing() if path not in before}
            assert took < WITHIN, (took, told)
            if code in (0, 10):  # it was faster
                for path in new:
                    (desk.folder / path).unlink()
                continue
            assert code in (128 + number, -number), told
            assert {path for path in new if "/gnupg/" not in path} == set(), told
    _wait_for_agents(temp)


def _wait_for_agents(folder):
    """Wait until an agent that makes a key has seen that its folder is gone."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        lines = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(process.read_bytes())
        if not any(bytes(folder) in line for line in lines):
            return
        time.sleep(0.1)


@pytest.mark.parametrize("number", NUMBERS)
def test_signal_at_start_up_is_never_swallowed(project, number):
    """While Python imports, it drops exceptions of callbacks; the command does not go on."""
    project.write("small.csv", "id,email,note\n1,a,b\n")
    codes = set()
    for _ in range(20 * KILLS // len(NUMBERS)):
        after = random.uniform(0, 0.3)  # noqa: S311  # no secret
        command = ["encrypt-file", "small.csv", "out.csv", *SCHEMA]
        code, took, told = _end(project, command, number, after)
        codes.add(code)
        assert took < WITHIN, told
        there = (project.folder / "out.csv").exists()
        assert there or code != 0, told
        (project.folder / "out.csv").unlink(missing_ok=True)
    # Python itself ends with 1 where SIGINT meets it before it has come to run anything.
    assert codes <= {0, 128 + number, -number} | ({1} if number == signal.SIGINT else set())


SWALLOWED = """
import os, sys, time
from pathlib import Path
from piienc.cli import signals
from piienc.base.files import new_file

if hasattr(os, "O_TMPFILE"): del os.O_TMPFILE

class Held:
    def __del__(self):
        print("begun", flush=True)
        time.sleep(60)

signals.install()
with new_file(Path(sys.argv[1])) as file:
    file.write(b"a value" * 100_000)
    file.flush()
    held = Held()
    {}
    time.sleep(60)
"""
STUBBORN = """
    while True:
        try:
            print("begun", flush=True)
            time.sleep(60)
        except BaseException:
            pass
"""


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("lines", ["del held", STUBBORN], ids=["callback", "stubborn"])
def test_signal_whose_exception_is_dropped_ends_the_process_all_the_same(tmp_path, number, lines):
    """The file that had begun under a temporary name goes with it."""
    process = subprocess.Popen(
        [sys.executable, "-c", SWALLOWED.format(lines), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"begun\n"
    assert [path.name for path in tmp_path.iterdir()] != []
    process.send_signal(number)
    begun = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert time.monotonic() - begun < WITHIN
    assert [path.name for path in tmp_path.iterdir()] == []


def test_signal_that_is_ignored_stays_so(project):
    """`nohup piienc ...` goes on when its terminal is closed."""
    program = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)"
    prelude = (
        program
        + "\nimport threading, os\n"
        + ("threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGHUP]).start()")
    )
    project.write("small.csv", "id,email,note\n1,a,b\n")
    run = project.start("encrypt-file", "small.csv", "out.csv", *SCHEMA, prelude=prelude)
    assert (run.code, (project.folder / "out.csv").exists()) == (0, True)
