"""The bounded part of the fuzzer, by fixed seeds; and that the fuzzer can fail."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest

from differential import garbage
from differential.case import Column, Mark, Run, Wrong
from differential.csv_case import CsvCase, Field
from differential.csv_random import random_csv
from differential.engines import PLAIN, require_same
from differential.faults import FAULTS, WITHOUT_PROOF
from differential.garbage import (
    BLOCKS,
    Compared,
    Garbage,
    _shrunk,
    compare_garbage,
    engines,
)
from differential.keysets import TinkColumn
from differential.loop import failure_of, run_files, workshop
from differential.planted import planted, trial
from differential.shrink import shrunk
from piienc.core import Dialect, PlainEngine, engine

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
    """A column under the context of another: it must not take many files."""
    found = trial("find", (FAULTS[0].patch, *WITHOUT_PROOF), 60, 1)
    assert found["what"]


@pytest.mark.skipif(engine().name == PLAIN, reason="no compiled core is at work")
@pytest.mark.skipif(not shutil.which("cargo"), reason="cargo is missing")
def test_planted_fault_of_the_compiled_core_is_found():
    """A copy with a core of its own is what the fuzzer runs."""
    fault = next(fault for fault in FAULTS if fault.patch.is_compiled)
    found = trial("find", (fault.patch, *WITHOUT_PROOF), 60, 1)
    assert found["what"]


@pytest.mark.skipif(len(engines()) == 1, reason="no core is compiled")
def test_both_engines_say_the_same_of_garbage():
    """Of blocks of bytes in any dialect, and of cells that are no ciphertexts."""
    found = Compared()
    for seed in range(20):
        found.add(compare_garbage(seed))
    assert found.differences == []
    assert found.blocks == 20 * BLOCKS
    assert found.cells > 1000


def test_garbage_that_engines_disagree_on_is_shrunk(monkeypatch):
    """Here one of them takes no `x` in a file."""
    plain = PlainEngine()
    odd = SimpleNamespace(
        find=lambda data, *rest, **more: plain.find(data.replace(b"x", b""), *rest, **more)
    )
    monkeypatch.setattr(garbage, "engines", lambda: (plain, odd))
    block = Garbage(b"a,b\nc,dxd\ne,f\n", Dialect(), 2, final=True, seed=1)
    assert b"x" in _shrunk(block).data
    assert len(_shrunk(block).data) < 5


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


def test_engines_that_encrypt_a_searchable_cell_to_two_things_are_found():
    """Sealed cells always differ, and unmarked ones are compared elsewhere."""
    columns = [Column("a", mark=Mark("searchable-plain")), Column("b", mark=Mark("sealed-plain"))]
    require_same(columns, [[b"1", None], [b"2", None]], [[b"1", None], [b"3", None]])
    with pytest.raises(Wrong, match="row 1 of 'a'"):
        require_same(columns, [[b"1", None], [b"2", None]], [[b"1", b"4"], [b"2", None]])


def test_an_iv_that_comes_twice_is_found():
    """Tink opens both cells, so that nobody else sees it."""
    column = TinkColumn("sealed-plain", "c")
    cell = column.encrypt(b"value", 0)
    assert column.opened(cell, "row 0") == b"value"
    with pytest.raises(Wrong, match="its IV is that of another cell"):
        column.opened(cell, "row 1")
