"""A job may die at any moment: the next run completes it, and each file arrives exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time

import pytest
from desk import rows

from piienc.state import Ledger

FILES = [f"{number:02}.csv" for number in range(20)]
MOMENTS = int(os.environ.get("PIIENC_TEST_MOMENTS", "40"))
_A_RUN_IN = 4  # moments of one job before it is left to run to its end


def _start(desk) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        desk.project.command("send", "nightly", "--quiet"),
        cwd=desk.project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _killed_after(desk, seconds: float) -> None:
    process = _start(desk)
    with process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)


def _require_delivered_once(desk, names: list[str]) -> None:
    """Each file is there under its name, none is half, and ledger and server agree."""
    there = desk.there()
    assert sorted(there) == [f"{name}.pgp" for name in names]
    delivered = Ledger(desk.state).history(outcome="delivered")
    assert sorted(one.name for one in delivered) == sorted(there)
    assert {one.name: one.size for one in delivered} == {n: len(c) for n, c in there.items()}
    assert set(desk.steps()) == {"done"}


def _round(desk, chance: random.Random, longest: float) -> None:
    """Kill a job some times, and let it run to its end."""
    for _ in range(_A_RUN_IN):
        _killed_after(desk, chance.uniform(0.1, longest))
    ended = desk.start("--quiet")
    assert ended.code == 0, ended.err


def test_job_killed_at_any_moment_is_completed_by_the_next_run(desk, temp):
    """SIGKILL, many times: no file twice, none lost, none half, and no plaintext left anywhere."""
    chance = random.Random(1)  # noqa: S311  # seeded, not secret
    desk.write(keep_spool=0)
    desk.put(*FILES)
    started = time.monotonic()
    assert desk.start().code == 0
    longest = time.monotonic() - started
    _require_delivered_once(desk, FILES)
    names = list(FILES)
    for number in range(-(-MOMENTS // _A_RUN_IN)):
        # Four new files each round: so a moment may fall into any of a run's steps.
        new = [f"{number:02}-{part}.csv" for part in range(4)]
        desk.put(*new)
        names = sorted([*names, *new])
        _round(desk, chance, longest / 2)
    _require_delivered_once(desk, names)
    assert desk.spooled() == []
    desk.require_no_canary(temp)
    for name in chance.sample(names, 3):
        assert desk.read(f"{name}.pgp") == rows(name)
    assert desk.project.run("audit", "verify").code == 0
    _clean(desk, temp)


def _clean(desk, temp) -> None:
    """Let later runs take away gpg's folders of killed ones, once these are not new any more."""
    for _ in range(10):
        for folder in temp.iterdir():
            os.utime(folder, (0, 0))
        desk.send("--check")
        if not list(temp.iterdir()):
            return
        time.sleep(0.1)


def _in_the_way(where: str) -> str:
    """Return Python that kills the program when it comes to a function for the second time."""
    module, _, name = where.rpartition(".")
    return (
        "import os, signal, importlib\n"
        f"owner = importlib.import_module({module.partition(':')[0]!r})\n"
        f"for part in {module.partition(':')[2].split('.')!r}:\n"
        "    owner = getattr(owner, part) if part else owner\n"
        f"old = getattr(owner, {name!r})\n"
        "def dead(*a, **k):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"setattr(owner, {name!r}, dead)"
    )


@pytest.mark.parametrize(
    ("where", "encrypted_again"),
    [
        ("piienc.flow.send.spool:_Making._kept", True),
        ("piienc.files:._publish", True),
        ("piienc.flow.send.send:Deliverer.all", False),
        ("piienc.flow.delivery:Delivery._publish", False),
        ("piienc.flow.send.deliver:.keep_receipt", False),
        ("piienc.flow.send.deliver:Deliverer.finish", False),
        ("piienc.flow.send.send:.sweep", False),
    ],
)
def test_job_killed_before_a_step_goes_on_there(desk, temp, where, encrypted_again):
    """What is wrapped is not encrypted again; what was delivered is not sent again."""
    desk.put("a.csv")
    assert desk.start(prelude=_in_the_way(where)).code == -signal.SIGKILL
    ended = desk.start("--log-format", "json")
    assert ended.code == 0, ended.err
    events = [json.loads(line)["event"] for line in ended.err.splitlines()]
    assert ("encrypted" in events) is encrypted_again
    _require_delivered_once(desk, ["a.csv"])
    assert desk.read("a.csv.pgp") == rows("a.csv")
    assert len(desk.spooled()) == 1
    assert desk.send("--json").document["known"] == 1
    _clean(desk, temp)
