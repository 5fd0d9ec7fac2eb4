"""The two engines of piienc: which one works, and whether both give the same."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from differential.case import Wrong
from differential.keysets import KEYSETS
from piienc.core import engine
from piienc.keys import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from differential.case import Column, Run
    from differential.damage import Grid

NATIVE, PLAIN = "native", "plain"
_SWITCH = "PIIENC_CORE"


@contextmanager
def working_by(name: str) -> Iterator[None]:
    """Have an engine do the work, here and in the processes that are begun here.

    Where no core was built, or `PIIENC_CORE` is "off" anyway, all is plain.
    """
    before = os.environ.get(_SWITCH)
    if name == PLAIN:
        os.environ[_SWITCH] = "off"
    engine.cache_clear()
    try:
        yield
    finally:
        os.environ.pop(_SWITCH, None)
        if before is not None:
            os.environ[_SWITCH] = before
        engine.cache_clear()


def by_the_other(run: Run) -> Run:
    """Return a run that the other engine does."""
    return replace(run, engine=NATIVE if run.engine == PLAIN else PLAIN)


def require_same(columns: Sequence[Column], one: Grid, other: Grid) -> None:
    """Compare what two engines have made of the same file; sealed cells never are the same.

    Raises:
        Wrong: searchable cells differ.
    """
    for column, cells, others in zip(columns, one, other, strict=True):
        searchable = column.mark and KEYSETS[column.mark.key].mode is Mode.SEARCHABLE
        if searchable and cells != others:
            row = next(
                n for n, pair in enumerate(zip(cells, others, strict=True)) if len({*pair}) > 1
            )
            raise Wrong("engines", f"encrypt row {row} of {column.name!r} to two things")
