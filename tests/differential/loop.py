"""Many files, each by a seed of its own; what fails is shrunk and kept."""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from differential.case import Wrong
from differential.check_csv import check_csv
from differential.check_parquet import check_parquet
from differential.csv_case import CsvCase
from differential.csv_random import random_csv
from differential.doors import Stopped, Workshop
from differential.garbage import compare_garbage
from differential.parquet_random import random_parquet
from differential.shrink import shrunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from differential.shrink import Case

KEPT = Path(__file__).parent / "kept"
PARQUET = 0.35  # of all files
HANG = 120  # seconds after which a file counts as one that never ends


def random_case(seed: int, engine: str | None = None) -> Case:
    """Return the case of a seed, done by one of the engines if not by the seed's own."""
    random = Random(seed)
    case = random_parquet(random) if random.random() < PARQUET else random_csv(random)
    return replace(case, run=replace(case.run, engine=engine)) if engine else case


@dataclass
class Failure:
    """A file that failed, and where it is kept."""

    seed: int
    what: str
    kept: Path | None = None


@dataclass
class Outcome:
    """What came of some files, and of some blocks and cells of garbage."""

    files: int = 0
    blocks: int = 0
    cells: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take those of another worker."""
        self.files += other.files
        self.blocks += other.blocks
        self.cells += other.cells
        self.failures += other.failures


def run_files(
    seeds: Iterator[int],
    until: float,
    *,
    engine: str | None = None,
    planted: bool = False,
) -> Outcome:
    """Check the files of some seeds, one after the other, and the garbage.

    Args:
        seeds: as many as there are.
        until: the time, by `time.monotonic`, at which to end.
        engine: what does the work; None for both, by the seeds.
        planted: there is a fault, for files alone to find: end with the first failure.
    """
    outcome, known = Outcome(), set()
    with workshop() as shop:
        for seed in seeds:
            if time.monotonic() > until:
                break
            outcome.files += 1
            case = random_case(seed, engine)
            if not planted:
                outcome.add(garbage_of(seed))
            if (what := failure_of(shop, case)) is None:
                continue
            failure = Failure(seed, what)
            outcome.failures.append(failure)
            if planted:
                break
            if (kind := _kind(what)) not in known:
                known.add(kind)
                failure.kept = _keep(shop, seed, case, what)
    return outcome


def garbage_of(seed: int) -> Outcome:
    """Give some garbage to both engines."""
    found = compare_garbage(seed)
    failures = [Failure(seed, f"garbage: {what}") for what in found.differences]
    return Outcome(blocks=found.blocks, cells=found.cells, failures=failures)


def run_lane(first: int, last: int | None, step: int, until: float, engine: str | None) -> Outcome:
    """Check every so many files, from one seed on and up to another: one of several processes."""
    seeds = count(first, step) if last is None else iter(range(first, last, step))
    return run_files(seeds, until, engine=engine)


def failure_of(shop: Workshop, case: Case) -> str | None:
    """Check a case; return what is wrong, or None."""
    check = check_csv if isinstance(case, CsvCase) else check_parquet
    try:
        with _no_longer_than(HANG):
            check(shop, case)
    except (Wrong, Stopped) as error:
        cause = error.__cause__
        return f"{error} {_place(cause)}" if isinstance(error, Stopped) and cause else str(error)
    except Exception as error:  # noqa: BLE001  # verify may end with anything
        return f"bug: {error!r} {_place(error)}"
    return None


def _place(error: BaseException) -> str:
    """Return the innermost lines of our own that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    rooms = {"piienc", "differential"}
    ours = [frame for frame in frames if rooms & {*Path(frame.filename).parts}]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in ours[:-4:-1])


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Give a workshop, in memory where that is possible."""
    memory = Path("/dev/shm")  # noqa: S108  # a folder of our own in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Workshop(Path(folder))


@contextmanager
def _no_longer_than(seconds: int) -> Iterator[None]:
    """End a case that hangs."""

    def ring(*_: object) -> None:
        raise Stopped(f"no end within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _kind(what: str) -> str:
    """Return what failures of one cause share."""
    return re.sub(r"\d+|b?'[^']*'|\"[^\"]*\"|x-\S+", "_", what)[:60]


def _keep(shop: Workshop, seed: int, case: Case, what: str) -> Path:
    """Shrink a case, and keep its files, its schema, the keys, and what is wrong."""
    step = what.split(":", maxsplit=1)[0]

    def fails(case: Case) -> bool:
        found = failure_of(shop, case)
        return found is not None and found.split(":")[0] == step

    case = shrunk(case, fails)
    told = failure_of(shop, case) or f"{what} (and not once more)"
    folder = KEPT / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop.folder, folder, ignore=shutil.ignore_patterns("state"))
    (folder / "why.txt").write_text(
        f"{told}\n\nseed {seed}: {what}\n\n{case}\n", "utf-8", "replace"
    )
    return folder
