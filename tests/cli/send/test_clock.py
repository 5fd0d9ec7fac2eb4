"""The clock is set forward and back between runs: a job does the same as with a good one."""

from __future__ import annotations

import os
import signal
import time

import pytest
from clock import DAY, SLEEPING, clock, forget
from desk import rows
from killed import killed_at

from piienc.state import Ledger

TODAY = clock(2)
BACK = clock(1)
FORWARD = clock(30)


@pytest.fixture(autouse=True)
def tidy():
    """Leave none of the clock's memory behind."""
    yield
    forget()


def _start(desk, env: dict[str, str], *arguments: object, prelude: str = ""):
    return desk.start(*arguments, env=env, prelude=SLEEPING + prelude)


def _sent(desk, names: list[str], env: dict[str, str]) -> None:
    desk.put(*names)
    ended = _start(desk, env, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_job_sends_each_file_once_while_the_clock_goes_back_and_forth(desk, temp):
    """Names do not collide, the ledger knows the last as the newest, and the log is whole."""
    desk.write(name="{stem}-{sequence:02}{suffix}")
    for number, env in enumerate((TODAY, BACK, FORWARD, TODAY, BACK), 1):
        _sent(desk, [f"{number}.csv"], env)
    wanted = [f"{number}-{number:02}.csv.pgp" for number in range(1, 6)]
    assert sorted(desk.there()) == wanted
    assert [one.name for one in Ledger(desk.state).history()] == wanted[::-1]
    for number, name in enumerate(wanted, 1):
        assert desk.read(name) == rows(f"{number}.csv")
    for env in (TODAY, BACK, FORWARD, {}):
        told = _start(desk, env, "--json").document
        assert (told["files"], told["known"]) == ([], 5)
    assert desk.project.run("audit", "verify").code == 0
    desk.require_no_canary(temp)


def test_run_killed_before_the_clock_was_set_back_is_completed(desk, temp):
    """Nobody waits for a lock of the future, and what is wrapped is not encrypted again."""
    desk.put("a.csv")
    dead = killed_at("piienc.remote.sftp.remote:SftpRemote.publish")
    assert _start(desk, TODAY, prelude=dead).code == -signal.SIGKILL
    ended = _start(desk, BACK, "--log-format", "json")
    assert (ended.code, '"encrypted"' in ended.err) == (0, False)
    assert list(desk.there()) == ["a.csv.pgp"]
    assert desk.read("a.csv.pgp") == rows("a.csv")
    assert desk.project.run("audit", "verify").code == 0


def test_folder_of_a_killed_run_of_the_future_is_taken_away(desk, temp):
    """What gpg was given goes with the next run, however the clock stands by then."""
    desk.put("a.csv")
    dead = killed_at("piienc.jobs.spooling.spool.encrypt_file")
    assert desk.start(prelude=dead).code == -signal.SIGKILL
    (left,) = temp.iterdir()
    ahead = time.time() + DAY
    os.utime(left, (ahead, ahead))
    assert desk.send().code == 0
    assert not left.exists()


def test_name_with_a_date_that_comes_again_replaces_nothing(desk):
    """A day comes twice: exit code 12, and it arrives when the receiver has taken the first."""
    desk.write(name="people-{date}{suffix}")
    _sent(desk, ["a.csv"], BACK)
    desk.put("b.csv")
    (before,) = desk.there().values()
    ended = _start(desk, BACK)
    (name,) = desk.there()
    assert ended.code == 12
    assert f"piienc: error: {name} is at the destination already" in ended.err
    assert desk.there() == {name: before}
    (desk.folder / name).unlink()
    assert _start(desk, TODAY).code == 0
    assert desk.read(name) == rows("b.csv")


def test_spool_keeps_its_days_after_the_clock_was_set_back(desk):
    """What was delivered on a day to come is kept from now on: neither less, nor for ever."""
    desk.write(keep_spool=5)
    _sent(desk, ["a.csv"], FORWARD)
    _sent(desk, ["b.csv"], TODAY)
    assert len(desk.spooled()) == 2
    _sent(desk, [], clock(6.9))
    assert len(desk.spooled()) == 2
    _sent(desk, [], clock(7.1))
    assert desk.spooled() == []


def test_source_written_before_the_clock_was_set_back_is_sent(desk):
    """Its last write lies in the future, and it is not left until then."""
    desk.write(quiet_for=3600)
    desk.put("a.csv")
    tomorrow = time.time() + 2 * DAY
    os.utime(desk.project.folder / "in" / "a.csv", (tomorrow, tomorrow))
    assert _start(desk, BACK).code == 0
    assert list(desk.there()) == ["a.csv.pgp"]


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_clock_before_the_making_of_a_key_is_told_as_such(desk, arguments):
    """Nobody is accused of having exchanged the key; with a good clock, the next run sends."""
    desk.put("a.csv")
    ended = _start(desk, clock(-1), *arguments)
    assert ended.code == 5
    assert ended.err.splitlines()[-2:] == [
        "piienc: error: the key curve was created in the future by this machine's clock",
        "piienc: hint: set the clock right and run the same command again",
    ]
    assert (desk.there(), desk.entries() if desk.state.exists() else []) == ({}, [])
    _sent(desk, [], {})
    assert desk.read("a.csv.pgp") == rows("a.csv")
