"""A failing case made smaller, as long as it fails at the same step."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from differential.case import Run
from differential.csv_case import CsvCase, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from differential.parquet_case import ParquetCase

    Case = CsvCase | ParquetCase

SECONDS = 20.0


def shrunk(case: Case, fails: Callable[[Case], bool], seconds: float = SECONDS) -> Case:
    """Return the smallest case that is found to fail still.

    Args:
        case: one that fails.
        fails: tells whether another one does, in the same way.
        seconds: when to be content.
    """
    end = time.monotonic() + seconds
    going = True
    while going:
        going = False
        for smaller in _smaller(case):
            if time.monotonic() > end:
                return case
            if fails(smaller):
                case, going = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Yield simpler cases, the greatest steps first."""
    yield from _fewer_rows(case)
    yield from _fewer_columns(case)
    yield from _plainer(case)
    yield from _shorter_cells(case)


def _fewer_rows(case: Case) -> Iterator[Case]:
    size = count = case.count
    while size > 0:
        for begin in range(0, count, size):
            yield case.without_rows(range(begin, min(begin + size, count)))
        size //= 2


def _fewer_columns(case: Case) -> Iterator[Case]:
    for number in range(len(case.columns)):
        if len(case.columns) > 1 and case.marked != [number]:
            yield case.without_column(number)


def _plainer(case: Case) -> Iterator[Case]:
    """Yield cases with settings as they are most often."""
    plain = type(case)(case.columns, case.rows)
    for name in case.settings:
        usual = getattr(plain, name)
        if getattr(case, name) != usual:
            yield replace(case, **{name: usual})
    for name, usual in {**vars(Run()), "seed": case.run.seed}.items():
        if getattr(case.run, name) != usual:
            yield replace(case, run=replace(case.run, **{name: usual}))
    for number, column in enumerate(case.columns):
        for other in (
            replace(column, name=f"c{number}"),
            replace(column, listed=True),
            column.mark and replace(column, mark=replace(column.mark, context=None)),
            column.mark and replace(column, mark=replace(column.mark, key="searchable-plain")),
        ):
            if other and other != column:
                columns = [*case.columns]
                columns[number] = other
                yield replace(case, columns=tuple(columns))


def _shorter_cells(case: Case) -> Iterator[Case]:
    if not isinstance(case, CsvCase):
        return
    for number, row in enumerate(case.rows):
        for column, field in enumerate(row):
            for other in _shorter(case, field):
                fields = list(row)
                fields[column] = other
                rows = [*case.rows]
                rows[number] = tuple(fields)
                yield replace(case, rows=tuple(rows))


def _shorter(case: CsvCase, field: Field) -> Iterator[Field]:
    if not field.text:
        return
    half = len(field.text) // 2
    texts = ("a", field.text[:half], field.text[half:], field.text[1:], field.text[:-1])
    for text in dict.fromkeys(texts):
        if len(text) < len(field.text) or (text == "a" != field.text):
            yield case.bare(text)
    if field.quoted and not case.needs_quotes(field.text):
        yield case.bare(field.text)
