"""`python -m differential`: run the fuzzer for some minutes, on all cores."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import SystemRandom

from differential.engines import NATIVE, PLAIN
from differential.loop import Outcome, run_lane
from piienc.core import engine


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m differential")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--files", type=int, help="end after so many files")
    parser.add_argument("--seed", type=int, help="of the first file; the next one has the next")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--engine", choices=(NATIVE, PLAIN), help="what does the work; else both, by the seeds"
    )
    arguments = parser.parse_args()
    if arguments.engine == NATIVE != engine().name:
        parser.error("no core is compiled, or PIIENC_CORE is off")
    seed = SystemRandom().getrandbits(31) if arguments.seed is None else arguments.seed
    print(
        f"seed {seed}, {arguments.jobs} processes, up to {arguments.minutes:g} minutes", flush=True
    )
    last = None if arguments.files is None else seed + arguments.files
    started = time.monotonic()
    until = started + 60 * arguments.minutes
    total = Outcome()
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        work = [
            pool.submit(run_lane, seed + lane, last, arguments.jobs, until, arguments.engine)
            for lane in range(arguments.jobs)
        ]
        for part in work:
            total.add(part.result())
    for failure in total.failures:
        print(f"FAILED: SEED={failure.seed} FILES=1: {failure.what[:400]}")
        if failure.kept:
            print(f"  kept, made smaller: {failure.kept}")
    seconds = time.monotonic() - started
    print(
        f"{total.files:,} files in {seconds:.0f} s, {60 * total.files / seconds:.0f} a minute; "
        f"{total.blocks:,} blocks and {total.cells:,} cells of garbage; "
        f"{len(total.failures)} failed"
    )
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
