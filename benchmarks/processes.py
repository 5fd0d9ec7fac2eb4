"""Whole processes: run, timed side by side, and their memory measured."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
PIIENC = str(Path(sys.executable).with_name("piienc"))

_UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONUNBUFFERED")
_PEAK = (sys.executable, "-S", "-E", str(HERE / "peak.py"))


@dataclass(frozen=True, slots=True)
class Job:
    """A program that makes a file.

    Attributes:
        name: what the tables call it.
        command: the program and its arguments.
        target: the file that it makes; removed before each run, and behind it.
        check: raises or exits if the file is not as it should be.
        repeats: how many runs are timed.
        after: called behind each run, and not timed.
    """

    name: str
    command: Sequence[str | Path]
    target: Path
    check: Callable[[Path], None]
    repeats: int
    after: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Taken:
    """What some programs have taken in each run, by their names: seconds."""

    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]


def rival(program: str, source: Path, target: Path, keys: Path | None = None) -> list[str]:
    """Return the command of one of rivals.py's programs."""
    command = [sys.executable, str(HERE / "rivals.py"), program, str(source), str(target)]
    return [*command, "--keys", str(keys)] if keys else command


def run(command: Sequence[str | Path]) -> str:
    """Run a program and return what it prints; exit with its errors if it fails."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=_environment(), encoding="utf-8"
    )
    if done.returncode:
        told = " ".join(map(str, command))
        raise SystemExit(f"{told}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def busy(command: Sequence[str | Path]) -> float:
    """Run a program and return the share of all cores' time that was used meanwhile, by anybody."""
    started, before = time.perf_counter(), _used()
    run(command)
    seconds = time.perf_counter() - started
    return (_used() - before) / (seconds * (os.cpu_count() or 1))


def _used() -> float:
    """Return the seconds that all cores together have worked: proc(5), /proc/stat."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def timed(command: Sequence[str | Path]) -> tuple[float, float]:
    """Run a program and return its seconds, from start to end, and those of all cores for it."""
    started, before = time.perf_counter(), _used_by_children()
    run(command)
    return time.perf_counter() - started, _used_by_children() - before


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def side_by_side(jobs: Sequence[Job]) -> Taken:
    """Run the jobs in turn, round after round, and return what each run took.

    A first round is not timed: it compiles byte code, fills the system's cache, and its outputs
    are checked. In the timed rounds an output must have about the same size again. Every other
    round goes backwards, so that nobody always runs behind the same other. Before each timed run,
    all that was written until then goes to the disk: it would slow down whoever comes next.
    """
    sizes = {}
    for job in jobs:
        job.target.unlink(missing_ok=True)
        run(job.command)
        job.check(job.target)
        sizes[job.name] = job.target.stat().st_size
        job.target.unlink()
        job.after()
    taken = Taken({job.name: [] for job in jobs}, {job.name: [] for job in jobs})
    for number in range(max(job.repeats for job in jobs)):
        for job in jobs if number % 2 == 0 else reversed(jobs):
            if number < job.repeats:
                os.sync()
                wall, cpu = timed(job.command)
                taken.wall[job.name].append(wall)
                taken.cpu[job.name].append(cpu)
                _require_size(job, sizes[job.name])
                job.target.unlink()
                job.after()
    return taken


def peak(command: Sequence[str | Path]) -> int:
    """Run a program and return the most memory it has held, in bytes."""
    return 1024 * int(run([*_PEAK, *command]))


def _require_size(job: Job, before: int) -> None:
    # Other IVs compress otherwise in Parquet, so a size is never quite the same.
    size = job.target.stat().st_size
    if abs(size - before) > before // 100:
        raise SystemExit(f"{job.name}: {size} bytes, where there were {before} before")


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _UNWANTED and not name.startswith("PIIENC_")
    }
