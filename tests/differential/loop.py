"""Many files, each by a seed of its own; what fails is shrunk and kept."""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from differential.parquet_random import random_parquet
from differential.shrink import shrunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from differential.shrink import Case

KEPT = Path(__file__).parent / "kept"
PARQUET = 0.35  # of all files
HANG = 120  # seconds after which a file counts as one that never ends


def random_case(seed: int) -> Case:
    """Return the case of a seed."""
    random = Random(seed)
    return random_parquet(random) if random.random() < PARQUET else random_csv(random)


@dataclass
class Failure:
    """A file that failed, and where it is kept."""

    seed: int
    what: str
    kept: Path | None = None


@dataclass
class Outcome:
    """What came of some files."""

    files: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take those of another worker."""
        self.files += other.files
        self.failures += other.failures


def run_files(
    seeds: Iterator[int],
    until: float,
    *,
    keep: bool = True,
    stop_at_first: bool = False,
) -> Outcome:
    """Check the files of some seeds, one after the other.

    Args:
        seeds: as many as there are.
        until: the time, by `time.monotonic`, at which to end.
        keep: shrink and keep what fails.
        stop_at_first: end with the first failure.
    """
    outcome, known = Outcome(), set()
    with workshop() as shop:
        for seed in seeds:
            if time.monotonic() > until:
                break
            outcome.files += 1
            if (what := failure_of(shop, random_case(seed))) is None:
                continue
            failure = Failure(seed, what)
            outcome.failures.append(failure)
            if stop_at_first:
                break
            if keep and (kind := _kind(what)) not in known:
                known.add(kind)
                failure.kept = _keep(shop, seed, what)
    return outcome


def run_lane(first: int, last: int | None, step: int, until: float) -> Outcome:
    """Check every so many files, from one seed on and up to another: one of several processes."""
    return run_files(count(first, step) if last is None else iter(range(first, last, step)), until)


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


def _keep(shop: Workshop, seed: int, what: str) -> Path:
    """Shrink the case of a seed, and keep its files, its schema, the keys, and what is wrong."""
    step = what.split(":", maxsplit=1)[0]

    def fails(case: Case) -> bool:
        found = failure_of(shop, case)
        return found is not None and found.split(":")[0] == step

    case = shrunk(random_case(seed), fails)
    told = failure_of(shop, case) or f"{what} (and not once more)"
    folder = KEPT / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop.folder, folder, ignore=shutil.ignore_patterns("state"))
    (folder / "why.txt").write_text(
        f"{told}\n\nseed {seed}: {what}\n\n{case}\n", "utf-8", "replace"
    )
    return folder
