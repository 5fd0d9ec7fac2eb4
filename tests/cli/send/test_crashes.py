"""A job may die at any moment: the next run completes it, and each file arrives exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from itertools import cycle

import pytest
from desk import rows
from killed import killed_at
from receiver import Receiver

from piienc.state import Ledger

FILES = 20
MOMENTS = int(os.environ.get("PIIENC_TEST_MOMENTS", "10"))
AFTER = ({"after": "keep"}, {"after": "move", "move_to": "sent"}, {"after": "delete"})


def _start(desk) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        desk.project.command("send", "nightly", "--quiet"),
        cwd=desk.project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _killed_after(desk, seconds: float) -> float | None:
    """Start the job and kill it with all its children; return its time if it has ended before."""
    started = time.monotonic()
    with _start(desk) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
    return time.monotonic() - started


class Nights:
    """Nights of one job, each with new files under new names, until the receiver has all."""

    def __init__(self, desk, temp, receiver):
        self.desk, self.temp, self.receiver = desk, temp, receiver
        self.source = desk.project.folder / "in"
        self.ways = cycle(AFTER)
        self.after = "keep"
        self.number = 0
        self.taken = False

    def begin(self) -> list[str]:
        """Put the files of a night there, and return their names."""
        said = next(self.ways)
        self.after = said["after"]
        self.desk.write(keep_spool=0, **said)
        self.number += 1
        self.taken = False
        names = [f"{self.number:03}-{part:02}.csv" for part in range(FILES)]
        self.desk.put(*names)
        return names

    def take(self) -> None:
        """Have the receiver take what is there: so what is sent again would be seen."""
        self.receiver.take()
        self.taken = True

    def complete(self, names: list[str]) -> None:
        """Let the job run plainly, and check that by now all is as if nothing had happened."""
        ended = self.desk.start("--quiet")
        assert (ended.code, ended.out) == (0, ""), ended.err
        for line in ended.err.splitlines():
            assert self.taken, line
            assert line.endswith(".csv.pgp: the receiver has taken it away already")
        self.receiver.take()
        assert self.desk.there() == {}, "something half is left at the server"
        self._require_ledger_agrees(names)
        assert self.receiver.read() == {name: rows(name) for name in names}
        assert set(self.desk.steps()) == {"done"}
        assert self.desk.spooled() == []
        self._require_sources(names)
        self.desk.require_no_canary(self.temp)

    def _require_ledger_agrees(self, names: list[str]) -> None:
        wanted = {f"{name}.pgp" for name in names}
        told = Ledger(self.desk.state).history(most=2 * FILES)
        told = [one for one in told if one.name in wanted]
        assert {one.outcome for one in told} == {"delivered"}
        assert len(told) == FILES
        assert {one.name: (one.size, one.sha256) for one in told} == self.receiver.facts()

    def _require_sources(self, names: list[str]) -> None:
        """Check what became of the sources, and take them away as the exporter would."""
        moved = self.desk.project.folder / "sent"
        left = [*self.source.iterdir(), *(moved.iterdir() if moved.exists() else ())]
        there = {"keep": self.source, "move": moved}.get(self.after)
        assert sorted(left) == sorted(there / name for name in names if there)
        for path in left:
            assert path.read_bytes() == rows(path.name)
            path.unlink()


def test_job_killed_at_any_moment_is_completed_by_the_next_run(desk, temp, tmp_path):
    """SIGKILL, then a plain run: each file once and as it was, and no plaintext left anywhere."""
    chance = random.Random(1)  # noqa: S311  # seeded, not secret
    receiver = Receiver(desk, tmp_path / "receiver")
    nights = Nights(desk, temp, receiver)
    missed = 0
    for _ in range(2):  # the first run of all is slower than others
        names = nights.begin()
        longest = _killed_after(desk, 60)
        nights.complete(names)
    for number in range(MOMENTS):
        names = nights.begin()
        ended = _killed_after(desk, longest * (number + chance.random()) / MOMENTS)
        if ended is not None:  # the machine has less to do by now
            longest, missed = ended, missed + 1
        desk.require_no_canary(temp)
        if chance.random() < 0.5:
            nights.take()
        nights.complete(names)
    assert missed <= MOMENTS // 2
    assert len(Ledger(desk.state).history(outcome="delivered")) == FILES * (MOMENTS + 2)
    assert desk.project.run("audit", "verify").code == 0
    desk.clean(temp)


def _require_delivered_once(desk, names: list[str]) -> None:
    """Each file is there under its name, none is half, and ledger and server agree."""
    there = desk.there()
    assert sorted(there) == [f"{name}.pgp" for name in names]
    delivered = Ledger(desk.state).history(outcome="delivered")
    assert sorted(one.name for one in delivered) == sorted(there)
    assert {one.name: one.size for one in delivered} == {n: len(c) for n, c in there.items()}
    assert set(desk.steps()) == {"done"}


@pytest.mark.parametrize(
    ("where", "encrypted_again"),
    [
        ("piienc.openpgp.encryptor:PgpEncryptor.receipt", True),
        ("os.link", True),
        ("piienc.jobs.send:Deliverer.all", False),
        ("piienc.remote.sftp.remote:SftpRemote.publish", False),
        ("piienc.jobs.deliver.keep_receipt", False),
        ("piienc.jobs.deliver.apply_after", False),
        ("piienc.jobs.send.sweep", False),
    ],
)
def test_job_killed_before_a_step_goes_on_there(desk, temp, where, encrypted_again):
    """What is wrapped is not encrypted again; what was delivered is not sent again."""
    desk.put("a.csv")
    assert desk.start(prelude=killed_at(where)).code == -signal.SIGKILL
    ended = desk.start("--log-format", "json")
    assert ended.code == 0, ended.err
    events = [json.loads(line)["event"] for line in ended.err.splitlines()]
    assert ("encrypted" in events) is encrypted_again
    _require_delivered_once(desk, ["a.csv"])
    assert desk.read("a.csv.pgp") == rows("a.csv")
    assert len(desk.spooled()) == 1
    assert desk.send("--json").document["known"] == 1
    desk.clean(temp)


@pytest.mark.parametrize(
    ("said", "content", "code"),
    [
        ({"after": "move", "move_to": "aside"}, rows("a.csv"), 0),
        ({"on_failed_verification": "quarantine", "quarantine": "aside"}, b"id\n1,x\n", 4),
    ],
)
def test_source_of_a_run_killed_while_it_was_moved_has_one_name_again(
    desk, temp, said, content, code
):
    """A file gets its new name before it loses the old one: the next run takes that away."""
    desk.write(**said)
    desk.project.write("in/a.csv", content)
    dead = killed_at("os.link", if_="os.fspath(said[1]).endswith('/a.csv')", behind=True)
    assert desk.start(prelude=dead).code == -signal.SIGKILL
    names = [desk.project.folder / folder / "a.csv" for folder in ("in", "aside")]
    assert names[0].samefile(names[1])
    assert desk.send().code == code
    assert not names[0].exists()
    assert [*names[1].parent.iterdir()] == [names[1]]
    assert names[1].read_bytes() == content
    desk.clean(temp)
