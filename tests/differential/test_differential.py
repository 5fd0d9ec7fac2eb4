"""The bounded part of the fuzzer, by fixed seeds; and that the fuzzer can fail."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import pytest

from differential.case import Column, Mark, Run
from differential.csv_case import CsvCase, Field
from differential.csv_random import random_csv
from differential.loop import failure_of, run_files, workshop
from differential.planted import FAULTS, WITHOUT_PROOF, planted, trial
from differential.shrink import shrunk

PARTS = 6
FILES = 25  # of each part: some 6 s of one core


@pytest.mark.parametrize("part", range(PARTS))
def test_random_tables_come_back_right_and_others_read_them_encrypted(part):
    """The seeds are fixed, so that a failure is the change's own; `make fuzz` has fresh ones."""
    first = 1_000_000 + part * FILES
    outcome = run_files(iter(range(first, first + FILES)), time.monotonic() + 600)
    told = [f"make fuzz FILES=1 SEED={f.seed}: {f.what} ({f.kept})" for f in outcome.failures]
    assert outcome.files == FILES
    assert told == []


def test_planted_fault_is_found():
    """A quote that moves later columns by a row, as one did: it must not take many files."""
    found = trial("find", (FAULTS[0].patch, *WITHOUT_PROOF), 60, 1)
    assert found["what"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_faults_still_have_their_places(fault, tmp_path):
    """Who changes such a line changes the fault, too."""
    planted(tmp_path, (fault.patch, *WITHOUT_PROOF))


def test_case_of_a_seed_is_always_the_same():
    """Or no failure could be repeated."""
    assert random_csv(Random(7)) == random_csv(Random(7))


def test_failing_case_is_shrunk_to_what_makes_it_fail():
    """Here: any row with an `x`."""
    case = CsvCase(
        (Column("a", mark=Mark("sealed-raw", "c")), Column("b")),
        tuple((Field("abxcd", quoted=True), Field(str(number))) for number in range(9)),
        delimiter=";",
        run=Run(threads=3, unit=8),
    )
    small = shrunk(case, lambda each: any("x" in (f.text or "") for row in each.rows for f in row))
    assert small == CsvCase((Column("c0", mark=Mark("searchable-plain")),), ((Field("x"),),))


def test_valid_file_passes_and_one_that_is_refused_counts_as_a_failure():
    """Both at the same table: its schema names another column in the second case."""
    case = CsvCase(
        (Column("a", mark=Mark("sealed-plain")), Column("b")), ((Field("1"), Field(None)),)
    )
    with workshop() as shop:
        assert failure_of(shop, case) is None
        shop.begin = lambda _: type(shop).begin(
            shop, replace(case, columns=case.columns[:1]).schema
        )
        assert failure_of(shop, case).startswith("run: a valid file is refused: InputError")
