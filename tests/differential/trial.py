"""`python -m differential.trial MODE SECONDS SEED PATH`: one planted fault, in its own process.

Mode `find` runs the fuzzer until it has found something. Mode `prove` leaves the judgement to
piienc, and counts after each run whether the file that appeared, if any, is right.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import piienc
from differential import check_csv, check_parquet
from differential.csv_case import CsvCase
from differential.doors import Stopped, Workshop
from differential.loop import random_case, run_files, workshop
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from differential.shrink import Case

ENOUGH = 20  # files on which a proof has shown itself


def find(seconds: float, seed: int) -> dict[str, object]:
    """Run the fuzzer."""
    started = time.monotonic()
    outcome = run_files(count(seed), started + seconds, planted=True)
    what = outcome.failures[0].what[:200] if outcome.failures else ""
    return {"files": outcome.files, "seconds": time.monotonic() - started, "what": what}


def prove(seconds: float, seed: int) -> dict[str, object]:
    """See what piienc itself makes of the fault."""
    until, counts, what = time.monotonic() + seconds, Counter[str](), ""
    with workshop() as shop:
        for number in count(seed):
            if time.monotonic() > until or counts["stopped"] + counts["wrong"] >= ENOUGH:
                break
            counts["files"] += 1
            verdict, said = _verdict(shop, random_case(number))
            counts[verdict] += 1
            what = what or said
            if verdict == "stopped" and shop.has_output:
                counts["left"] += 1
    kinds = ("files", "stopped", "wrong", "refused", "left")
    return {**{kind: counts[kind] for kind in kinds}, "what": what[:200]}


def _verdict(shop: Workshop, case: Case) -> tuple[str, str]:
    """Tell what comes of a file: stopped, wrong, refused or right; and why."""
    check = check_csv if isinstance(case, CsvCase) else check_parquet
    try:
        check.round_trip(shop, case)
    except Stopped as error:
        return "stopped", str(error)
    except PiiencError as error:
        return "refused", str(error)
    except Exception as error:  # noqa: BLE001  # of whoever cannot read the file
        return "wrong", str(error)
    return "right", ""


def main() -> None:
    """Run a trial, and write what came of it as JSON."""
    mode, seconds, seed, path = sys.argv[1:]
    assert Path(piienc.__file__).is_relative_to(path), piienc.__file__
    trial = {"find": find, "prove": prove}[mode]
    json.dump(trial(float(seconds), int(seed)), sys.stdout)


if __name__ == "__main__":
    main()
