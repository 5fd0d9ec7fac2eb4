"""The list of mutants that change nothing names mutants of the code as it stands."""

from __future__ import annotations

from pathlib import Path

import piienc
from mutants.mutate import mutants_of
from mutants.report import explained

SOURCE = Path(piienc.__file__).parent


def test_every_mutant_that_is_explained_exists():
    """A class or a function that has another name now takes its mutants with it."""
    named = explained()
    files = {name.partition(":")[0] for name in named}
    made = {
        mutant.name for file in files for mutant in mutants_of(file, (SOURCE / file).read_text())
    }
    assert [name for name in named if name not in made] == []
