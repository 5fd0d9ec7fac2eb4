"""One CSV file: encrypted by piienc, read by others, decrypted by piienc, compared."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from differential.case import Wrong
from differential.csv_case import BOM, CsvCase, Field, uncompressed
from differential.damage import Table
from differential.engines import by_the_other, require_same
from differential.keysets import TinkColumn, base64_of
from differential.readers import csv_readers
from differential.verdicts import judge, judge_damage
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from pathlib import Path

    from differential.damage import Grid
    from differential.doors import Workshop

csv.field_size_limit(1 << 30)


def check_csv(shop: Workshop, case: CsvCase) -> None:
    """Raise `Wrong` if anything is."""
    try:
        table, plain, sealed = round_trip(shop, case)
    except PiiencError as error:
        raise Wrong("run", f"a valid file is refused: {type(error).__name__}: {error}") from error
    if case.strange:  # what is no text can be kept, and not be judged
        return
    judge(shop, case.run, table, plain, sealed)
    if case.run.door in ("flow", "stream"):
        damaged = shop.folder / "x-damaged.csv"
        judge_damage(shop, case.run, table, plain, lambda grid: _written(case, grid, damaged))


def round_trip(shop: Workshop, case: CsvCase) -> tuple[Table, Path, Path]:
    """Encrypt a file, have it read by others, decrypt it, and compare.

    Returns:
        What was encrypted, and the files before and after.

    Raises:
        Wrong: something is.
        PiiencError: piienc refuses a file.
        Stopped: piienc has ended with a bug.
    """
    shop.begin(case.schema)
    plain, back = (shop.folder / f"x-{name}.csv{case.suffix}" for name in ("plain", "back"))
    sealed, other = (shop.folder / f"x-{n}.csv{case.sealed_suffix}" for n in ("sealed", "other"))
    case.save(plain, case.packed)
    shop.encrypt(case.run, plain, sealed)
    grid = _opened(case, sealed)
    if case.run.both:
        shop.encrypt(by_the_other(case.run), plain, other)
        require_same(case.columns, grid, _opened(case, other))
    if case.run.omitted is not None:
        gone = case.columns[case.run.omitted].name
        shop.encrypt(case.run, plain, other, frozenset({gone}))
        _opened(case.without_column(case.run.omitted), other)
    if case.run.others:
        _read_by_others(case, grid, plain, sealed)
    if case.run.mixed:
        grid, sealed = _mixed(case, grid), other
        _sealed_case(case, grid).save(sealed, case.sealed_suffix)
    only = case.marked if case.run.only is None else [case.run.only]
    shop.decrypt(case.run, sealed, back, *(case.columns[number].name for number in only))
    _compare("decrypt", _decrypted(case, grid, only), back)
    values = [[row[number].text for row in case.rows] for number in range(len(case.columns))]
    key = Random(case.run.seed).randrange(len(case.columns))
    return Table(case.columns, values, grid, key), plain, sealed


def _opened(case: CsvCase, sealed: Path) -> Grid:
    """Read an encrypted file by Python's csv and by Tink; return its cells.

    A marked column has the bytes of its ciphertexts, the others have text.
    """
    rows = _parsed(case, sealed)
    if rows[0] != case.header:
        raise Wrong("encrypt", f"changes the header to {rows[0]}")
    if len(rows) - 1 != len(case.rows):
        raise Wrong("encrypt", f"makes {len(rows) - 1} rows of {len(case.rows)}")
    grid: Grid = [[row[number].text for row in case.rows] for number in range(len(case.columns))]
    for number in case.marked:
        grid[number] = _column_opened(case, number, [row[number] for row in rows[1:]])
    # What is not encrypted must be as it was, to the byte.
    _compare("encrypt", _sealed_case(case, grid), sealed)
    return grid


def _column_opened(case: CsvCase, number: int, found: list[str]) -> list[bytes | None]:
    column = case.columns[number]
    tink = TinkColumn(column.mark.key, column.context)
    cells: list[bytes | None] = []
    for index, (cell, row) in enumerate(zip(found, case.rows, strict=True)):
        text = row[number].text
        place = f"column {number}, row {index}"
        if (cell == "") is not (text is None):
            raise Wrong("encrypt", f"{place}: {cell!r} for {text!r}")
        cells.append(base64_of(cell, place) if cell else None)
        if cell and tink.opened(cells[-1], place) != text.encode():
            raise Wrong("encrypt", f"{place}: another value than {text!r}")
    return cells


def _parsed(case: CsvCase, path: Path) -> list[list[str]]:
    """Read a file by Python's csv module."""
    text = uncompressed(path).decode(case.codec, "surrogateescape")
    reader = csv.reader(
        io.StringIO(text.removeprefix(BOM) if case.mark else text, newline=""),
        delimiter=case.delimiter,
        quotechar=case.quote,
        strict=True,
    )
    width = len(case.columns) + case.trailing
    try:
        rows = [row or [""] for row in reader] if width == 1 else [row for row in reader if row]
    except csv.Error as error:
        raise Wrong("encrypt", f"csv does not read the file: {error}") from error
    if ragged := [number for number, row in enumerate(rows) if len(row) != width]:
        raise Wrong("encrypt", f"makes row {ragged[0]} of another width")
    if case.trailing and any(row.pop() for row in rows):
        raise Wrong("encrypt", "puts something behind the last delimiter")
    return rows


def _sealed_case(case: CsvCase, grid: Grid) -> CsvCase:
    return case.with_columns(
        {number: [_field(case, cell) for cell in grid[number]] for number in case.marked}
    )


def _field(case: CsvCase, cell: bytes | str | None) -> Field:
    """Return the field of a ciphertext, which never needs quotes; or of what is none."""
    if isinstance(cell, bytes):
        return case.bare(cell.decode() if cell == b"in clear" else base64.b64encode(cell).decode())
    return case.bare(cell)


def _decrypted(case: CsvCase, grid: Grid, only: list[int]) -> CsvCase:
    """Return the case as it comes back: what was encrypted is in quotes only where it must be."""
    fields = {number: [case.bare(row[number].text) for row in case.rows] for number in only}
    return _sealed_case(case, grid).with_columns(fields)


def _compare(step: str, expected: CsvCase, path: Path) -> None:
    found, wanted = uncompressed(path), expected.data()
    if found != wanted:
        at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), -1)
        raise Wrong(
            step,
            f"{len(found)} bytes, not {len(wanted)}; from byte {at} on "
            f"{found[max(0, at - 20) :][:60]!r} instead of {wanted[max(0, at - 20) :][:60]!r}",
        )


def _mixed(case: CsvCase, grid: Grid) -> Grid:
    """Have Tink encrypt some cells again, under any key of their sets."""
    random = Random(case.run.seed)
    made = [list(cells) for cells in grid]
    for number in case.marked:
        column = case.columns[number]
        tink = TinkColumn(column.mark.key, column.context)
        for row, fields in enumerate(case.rows):
            if fields[number].text is not None and random.random() < 0.5:
                value = fields[number].text.encode()
                made[number][row] = tink.encrypt(value, random.randrange(8))
    return made


def _written(case: CsvCase, grid: Grid, path: Path) -> Path:
    """Write a table as the case's file would be; rows may have come or gone."""
    rows = zip(*([_field(case, cell) for cell in cells] for cells in grid), strict=True)
    other = replace(case, rows=tuple(rows), odd=frozenset(), blank=frozenset(), ended=True)
    other.save(path)
    return path


def _read_by_others(case: CsvCase, grid: Grid, plain: Path, sealed: Path) -> None:
    """Have others read the encrypted file, as far as they can read the original."""
    wanted = [list(cells) for cells in grid]
    for number in case.marked:
        wanted[number] = [cell and base64.b64encode(cell).decode() for cell in grid[number]]
    values = [[row[number].text for row in case.rows] for number in range(len(case.columns))]
    for name, read in csv_readers(case):
        try:
            if read(plain) != values:
                continue
        except Exception:  # noqa: BLE001, S112  # it cannot read such files
            continue
        try:
            found = read(sealed)
        except Exception as error:
            raise Wrong("encrypt", f"{name} cannot read the file any more") from error
        if found != wanted:
            raise Wrong("encrypt", f"{name} reads other values")
