"""A clock that goes wrong, for one process and its children: Debian's libfaketime."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

DAY = 24 * 60 * 60
SLEEPING = """\
import threading, time
time.sleep = lambda seconds: threading.Event().wait(seconds)
"""
"""Python that runs before a program: under libfaketime, the system's own sleep is refused."""


def clock(days: float) -> dict[str, str]:
    """Return the environment in which a program's clock is so many days ahead, or behind.

    Files keep their true times, and what measures time that passes is left alone.
    """
    return {
        "LD_PRELOAD": _library(),
        "FAKETIME": f"{days * DAY:+.0f}",
        "NO_FAKE_STAT": "1",
        "DONT_FAKE_MONOTONIC": "1",  # or Python's threads wait for ever
    }


def forget() -> None:
    """Remove the shared memory of programs that have ended without a word, as piienc does."""
    for path in Path("/dev/shm").glob("*faketime_*_*"):  # noqa: S108  # where libfaketime has it
        process = path.name.rpartition("_")[2]
        if process.isdecimal() and not Path("/proc", process).exists():
            path.unlink(missing_ok=True)


@cache
def _library() -> str:
    assert shutil.which("faketime"), "faketime is missing: see .ci/debian-packages"
    command = ["faketime", "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
