"""Full disks, signals and kills: whole or not at all, and nothing left behind."""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from stat import S_ISREG

import pytest

MARKER = "PLAINTEXT-4711"
HEADER = "id,email,note\n"
ROWS = "".join(f"{n},{MARKER}{n}@example.com,{MARKER} {n}\n" for n in range(20_000))
PLACES = ["--schema", "../schema.toml", "--keys", "../keys", "--state", "../state"]
VERBS = ("encrypt-file", "decrypt-file")
NAMED = "import os\nif hasattr(os, 'O_TMPFILE'): del os.O_TMPFILE"
SMALL = (
    "import resource, signal\n"
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))"
)


@pytest.fixture
def out(project):
    """Give a folder of its own for the outputs, in which the program is run."""
    (project.folder / "out").mkdir()
    project.write("plain.csv", HEADER + ROWS)
    ended = project.run("encrypt-file", "plain.csv", "secret.csv", "--schema", "schema.toml")
    assert ended.code == 0
    project.folder = project.folder / "out"
    return project


def _source(out, verb):
    name = "plain.csv" if verb == "encrypt-file" else "secret.csv"
    return out.folder.parent / name


def _arguments(verb, source, target):
    return [verb, source, target, *PLACES, "--quiet"]


def _assert_second_run_succeeds(out, verb, target="target.csv", *more):
    ended = out.start(*_arguments(verb, _source(out, verb), target), *more)
    assert ended.normal() == (0, "", "")
    assert (out.folder / target).read_bytes().count(b"\n") == 20_001


@contextlib.contextmanager
def _small_disk(folder):
    """Mount a disk of one megabyte, where this user may do that."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "piienc-test", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk; the limit of a file's size is tested too")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    ("verb", "suffix"),
    [
        ("encrypt-file", "csv"),
        ("encrypt-file", "csv.gz"),
        ("encrypt-file", "csv.zst"),
        ("decrypt-file", "csv"),
    ],
)
def test_full_disk_exits_with_9_and_leaves_nothing(out, verb, suffix):
    """A disk that fills up in the middle takes nothing of the output."""
    noise = _incompressible(out, verb)
    with _small_disk(out.folder):
        ended = out.start(*_arguments(verb, noise, f"target.{suffix}"))
        assert list(out.folder.iterdir()) == []
    assert (ended.code, ended.out) == (9, "")
    assert ended.err.startswith(f"piienc: error: cannot write target.{suffix}: No space left")
    assert "Traceback" not in ended.err


def _incompressible(out, verb):
    """Give a source whose output does not fit into a megabyte, even compressed."""
    made = random.Random(1)  # noqa: S311  # no secret
    rows = "".join(f"{n},{made.randbytes(100).hex()},x\n" for n in range(20_000))
    plain = out.folder.parent / "noise.csv"
    plain.write_text(HEADER + rows)
    if verb == "encrypt-file":
        return plain
    secret = out.folder.parent / "noise.enc.csv"
    assert out.run(*_arguments("encrypt-file", plain, secret)).code == 0
    return secret


@pytest.mark.parametrize(
    ("verb", "prelude", "old"),
    [
        ("encrypt-file", SMALL, False),
        ("encrypt-file", f"{SMALL}\n{NAMED}", True),
        ("decrypt-file", SMALL, True),
        ("decrypt-file", f"{SMALL}\n{NAMED}", False),
    ],
    ids=["encrypt nameless", "encrypt named old", "decrypt nameless old", "decrypt named"],
)
def test_file_that_grows_over_its_limit_exits_with_9_and_leaves_nothing(out, verb, prelude, old):
    """The same for a quota, with and without O_TMPFILE; an old file outlives it."""
    if old:
        out.write("target.csv", "old")
    arguments = _arguments(verb, _source(out, verb), "target.csv")
    with out.unchanged():
        ended = out.start(*arguments, *(["--force"] if old else []), prelude=prelude)
    assert (ended.code, ended.out) == (9, "")
    assert ended.err == (
        "piienc: error: cannot write target.csv: File too large; nothing was left behind\n"
        "piienc: hint: raise the limit of file sizes (ulimit -f) and run the same command again\n"
    )


def test_full_disk_with_parquet_exits_with_9_and_leaves_nothing(out):
    """Parquet is written by other code, which must fail as well as ours."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    made = random.Random(1)  # noqa: S311  # no secret
    cells = [made.randbytes(100).hex() for _ in range(20_000)]
    table = pa.table({"id": cells, "email": cells, "note": cells})
    source = out.folder.parent / "x.parquet"
    pq.write_table(table, source)
    with out.unchanged():
        arguments = _arguments("encrypt-file", source, "target.parquet")
        ended = out.start(*arguments, prelude=SMALL)
    assert (ended.code, ended.out) == (9, "")
    assert "Traceback" not in ended.err


class Endless:
    """A run whose input never ends, so that it can be stopped in the middle at any moment."""

    def __init__(self, out, verb, *more, prelude=""):
        self.folder = out.folder
        arguments = _arguments(verb, "-", "target.csv")
        self.process = subprocess.Popen(
            out.command(*arguments, *more, prelude=prelude),
            cwd=out.folder,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        header, rows = _source(out, verb).read_bytes().split(b"\n", 1)
        self._feeder = threading.Thread(target=self._feed, args=(header + b"\n", rows))
        self._feeder.start()
        self._wait_until_writing()

    def _feed(self, header, rows):
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(header)
            while True:
                self.process.stdin.write(rows)
                time.sleep(0.01)

    def _wait_until_writing(self):
        """Wait for an open file in the folder that has grown."""
        for _ in range(6000):
            for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    name = os.readlink(descriptor)  # noqa: PTH115  # pathlib resolves it
                    facts = descriptor.stat()
                    if str(self.folder) in name and S_ISREG(facts.st_mode) and facts.st_size:
                        return
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.005)
        pytest.fail("it never began to write")

    def end(self, number):
        """Send a signal; return the exit code and what was said."""
        self.process.send_signal(number)
        told = self.process.stderr.read()
        code = self.process.wait(30)
        self._feeder.join(30)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stderr.close()
        return code, told.decode()


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it looks into /proc")


@pytest.mark.parametrize("verb", VERBS)
def test_kill_at_random_moments_leaves_nothing_and_the_next_run_succeeds(out, verb):
    """SIGKILL cannot be caught: a file without a name goes with its process."""
    for _ in range(10):
        run = Endless(out, verb)
        time.sleep(random.uniform(0, 0.15))  # noqa: S311  # no secret
        assert run.end(signal.SIGKILL) == (-signal.SIGKILL, "")
        assert list(out.folder.iterdir()) == []
    _assert_second_run_succeeds(out, verb)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("prelude", ["", NAMED], ids=["nameless", "named"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_signal_at_a_random_moment_leaves_nothing(out, verb, prelude, number, code):
    """Who interrupts gets the shell's exit code, a short word, and an empty folder."""
    run = Endless(out, verb, prelude=prelude)
    time.sleep(random.uniform(0, 0.15))  # noqa: S311  # no secret
    ended, told = run.end(number)
    assert ended == code, told
    assert len(told.splitlines()) <= 1, told
    assert "Traceback" not in told
    assert list(out.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("verb", "number"), [("encrypt-file", signal.SIGKILL), ("decrypt-file", signal.SIGTERM)]
)
def test_old_file_outlives_a_run_that_is_stopped(out, verb, number):
    """With --force the old file stays until the new one is whole."""
    out.write("target.csv", "old")
    run = Endless(out, verb, "--force")
    with out.unchanged():
        run.end(number)
    _assert_second_run_succeeds(out, verb, "target.csv", "--force")


@pytest.mark.parametrize("verb", VERBS)
def test_kill_without_o_tmpfile_leaves_a_private_file_that_the_next_run_sweeps(out, verb):
    """Where files must have names, the next run for the same file clears up."""
    run = Endless(out, verb, prelude=NAMED)
    run.end(signal.SIGKILL)
    (left,) = out.folder.iterdir()
    assert left.name.startswith(".target.csv.")
    assert left.stat().st_mode & 0o777 == 0o600
    _assert_second_run_succeeds(out, verb)
    assert [path.name for path in out.folder.iterdir()] == ["target.csv"]


def test_temporary_file_of_a_living_process_is_left_alone(out):
    """Two runs for one name do not disturb each other; the first to end has it."""
    run = Endless(out, "encrypt-file", prelude=NAMED)
    (temporary,) = out.folder.iterdir()
    _assert_second_run_succeeds(out, "encrypt-file")
    assert temporary.exists()
    code, _ = run.end(signal.SIGTERM)
    assert code == 143
    assert [path.name for path in out.folder.iterdir()] == ["target.csv"]


def test_count_of_sealed_cells_after_a_kill_is_not_too_small(out):
    """A killed run may count cells that it has not written, never the other way round."""
    import sqlite3

    run = Endless(out, "encrypt-file")
    run.end(signal.SIGKILL)
    database = sqlite3.connect(out.folder.parent / "state" / "state.db")
    (cells,) = database.execute("SELECT cells FROM sealed_keys").fetchone()
    database.close()
    assert cells >= 20_000
