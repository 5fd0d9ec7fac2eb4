"""One Parquet file: encrypted by piienc, read by others, decrypted by piienc, compared."""

from __future__ import annotations

import base64
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet as pq

from differential.case import Wrong
from differential.damage import Table
from differential.engines import by_the_other, require_same
from differential.keysets import TinkColumn, base64_of
from differential.readers import parquet_readers
from differential.values import read_text, values_of
from differential.verdicts import judge, judge_damage
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from pathlib import Path

    from differential.damage import Grid
    from differential.doors import Workshop
    from differential.parquet_case import ParquetCase, ParquetColumn

RECORD = b"piienc"  # where a file tells what is encrypted


def check_parquet(shop: Workshop, case: ParquetCase) -> None:
    """Raise `Wrong` if anything is."""
    try:
        table, plain, sealed = round_trip(shop, case)
    except PiiencError as error:
        raise Wrong("run", f"a valid file is refused: {type(error).__name__}: {error}") from error
    judge(shop, case.run, table, plain, sealed)
    if case.run.door == "flow":
        other = shop.folder / "x-damaged.parquet"
        judge_damage(shop, case.run, table, plain, lambda grid: _written(case, sealed, grid, other))


def round_trip(shop: Workshop, case: ParquetCase) -> tuple[Table, Path, Path]:
    """Encrypt a file, have it read by others, decrypt it, and compare.

    Returns:
        What was encrypted, and the files before and after.

    Raises:
        Wrong: something is.
        PiiencError: piienc refuses a file.
        Stopped: piienc has ended with a bug.
    """
    shop.begin(case.schema)
    names = ("plain", "sealed", "other", "back")
    plain, sealed, other, back = (shop.folder / f"x-{name}.parquet" for name in names)
    case.save(plain)
    original = pq.read_table(plain)
    shop.encrypt(case.run, plain, sealed)
    grid = _opened(case.columns, original, sealed)
    if case.run.both:
        shop.encrypt(by_the_other(case.run), plain, other)
        require_same(case.columns, grid, _opened(case.columns, original, other))
    if case.run.omitted is not None:
        gone = case.columns[case.run.omitted].name
        shop.encrypt(case.run, plain, other, frozenset({gone}))
        left = case.without_column(case.run.omitted).columns
        _opened(left, original.drop_columns([gone]), other)
    if case.run.others:
        _read_by_others(case, plain, sealed, [c.name for c in case.columns if not c.mark])
    if case.run.mixed:
        grid = _mixed(case, grid)
        sealed = _written(case, sealed, grid, other)
    _decrypt(shop, case, sealed, back)
    _compare("decrypt", original, pq.read_table(back), case.columns)
    if not case.run.mixed and case.run.door != "table":  # only files keep how they were written
        _compare_layout(case, plain, back)
        if case.run.others:
            _read_by_others(case, plain, back, [column.name for column in case.columns])
    values = [values_of(original.column(column.name)) for column in case.columns]
    key = Random(case.run.seed).randrange(len(case.columns))
    return Table(case.columns, values, grid, key), plain, sealed


def _decrypt(shop: Workshop, case: ParquetCase, sealed: Path, back: Path) -> None:
    """Decrypt all columns at once, or one of them first."""
    if case.run.only is None or len(case.marked) == 1:
        shop.decrypt(case.run, sealed, back)
        return
    between = shop.folder / "x-between.parquet"
    others = [case.columns[number].name for number in case.marked if number != case.run.only]
    shop.decrypt(case.run, sealed, between, case.columns[case.run.only].name)
    shop.decrypt(case.run, between, back, *others)


def _opened(columns: tuple[ParquetColumn, ...], original: pa.Table, sealed: Path) -> Grid:
    """Read an encrypted file by pyarrow and by Tink; return its cells.

    A marked column has the bytes of its ciphertexts, the others have the numbers of their rows.
    """
    table = pq.read_table(sealed)
    _compare("encrypt", original, table, [c for c in columns if not c.mark])
    grid: Grid = []
    for column in columns:
        if not column.mark:
            grid.append([*range(table.num_rows)])
            continue
        stored = table.schema.field(column.name)
        own = original.schema.field(column.name)
        wide = (
            (pa.binary(), pa.large_binary())
            if column.mark.binary
            else (pa.string(), pa.large_string())
        )
        if stored.type not in wide:
            raise Wrong("encrypt", f"{column.name!r} is stored as {stored.type}")
        if (stored.metadata or {}) not in _public(own) or stored.nullable != own.nullable:
            raise Wrong("encrypt", f"{column.name!r}: the field's metadata has changed")
        cells = table.column(column.name).to_pylist()
        if not column.mark.binary:
            cells = [cell and base64_of(cell, repr(column.name)) for cell in cells]
        _read_by_tink(column, cells, original.column(column.name))
        grid.append(cells)
    return grid


def _public(field: pa.Field) -> list[dict[bytes, bytes]]:
    """Return what an encrypted field's metadata may be: of a dictionary, it may be encrypted."""
    metadata = field.metadata or {}
    bare = {name: each for name, each in metadata.items() if name.startswith(b"PARQUET:")}
    return [metadata, bare] if pa.types.is_dictionary(field.type) else [metadata]


def _read_by_tink(column, cells: list[bytes | None], original: pa.ChunkedArray) -> None:
    tink = TinkColumn(column.mark.key, column.context)
    values = values_of(original)
    for row, (cell, value) in enumerate(zip(cells, values, strict=True)):
        place = f"column {column.name!r} of {original.type}, row {row}"
        if (cell is None) is not (value is None):
            raise Wrong("encrypt", f"{place}: null for a value, or a value for null")
        if cell is None:
            continue
        opened = tink.opened(cell, place)
        if repr(read_text(opened, original.type)) != repr(value):
            raise Wrong("encrypt", f"{place}: {opened!r} is not {value!r}")


def _compare(step: str, original: pa.Table, found: pa.Table, columns) -> None:
    """Compare some columns: types, metadata and values."""
    if found.schema.names != original.schema.names:
        raise Wrong(step, f"makes the columns {found.schema.names}")
    ours = {k: v for k, v in (found.schema.metadata or {}).items() if k != RECORD}
    if ours != (original.schema.metadata or {}):
        raise Wrong(step, f"changes the metadata to {ours}")
    if found.num_rows != original.num_rows:
        raise Wrong(step, f"makes {found.num_rows} rows of {original.num_rows}")
    for column in columns:
        old, new = original.schema.field(column.name), found.schema.field(column.name)
        if not old.equals(new, check_metadata=True):
            raise Wrong(step, f"{column.name!r}: {old} with {old.metadata} becomes {new}")
        before, after = (values_of(table.column(column.name)) for table in (original, found))
        for row, (a, b) in enumerate(zip(before, after, strict=True)):
            if repr(a) != repr(b):
                raise Wrong(
                    step, f"{column.name!r} of {old.type}, row {row}: {b!r} instead of {a!r}"
                )


def _compare_layout(case: ParquetCase, plain: Path, back: Path) -> None:
    """Compare row groups and how columns are compressed."""
    old, new = pq.read_metadata(plain), pq.read_metadata(back)
    groups = [[m.row_group(n).num_rows for n in range(m.num_row_groups)] for m in (old, new)]
    if groups[0] != groups[1]:
        raise Wrong("decrypt", f"makes row groups of {groups[1]} rows of {groups[0]}")
    for number in range(old.num_columns if old.num_rows else 0):
        codecs = [m.row_group(0).column(number).compression for m in (old, new)]
        if codecs[0] != codecs[1]:
            raise Wrong("decrypt", f"compresses by {codecs[1]} what was {codecs[0]}")


def _mixed(case: ParquetCase, grid: Grid) -> Grid:
    """Have Tink encrypt some cells again, under any key of their sets."""
    random = Random(case.run.seed)
    made: list[list[Any]] = [list(cells) for cells in grid]
    for number in case.marked:
        column = case.columns[number]
        tink = TinkColumn(column.mark.key, column.context)
        for row, cell in enumerate(grid[number]):
            if cell is not None and random.random() < 0.5:
                made[number][row] = tink.encrypt(tink.decrypt(cell), random.randrange(8))
    return made


def _written(case: ParquetCase, sealed: Path, grid: Grid, path: Path) -> Path:
    """Write an encrypted table with other cells; rows may have come or gone."""
    table = pq.read_table(sealed)
    arrays = []
    for column, cells in zip(case.columns, grid, strict=True):
        stored = table.column(column.name)
        if not column.mark:
            arrays.append(_taken(stored, cells))
        elif column.mark.binary:
            arrays.append(pa.array(cells, stored.type))
        else:
            arrays.append(pa.array([_as_text(cell) for cell in cells], stored.type))
    fields = [
        stored.with_nullable(stored.nullable or None in cells)
        for stored, cells in zip(table.schema, grid, strict=True)
    ]
    schema = pa.schema(fields, table.schema.metadata)
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, row_group_size=case.group)
    return path


def _taken(column: pa.ChunkedArray, rows: list[int]) -> pa.ChunkedArray:
    """Return some rows of a column; Arrow takes nothing from views."""
    wide = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    kind = wide.get(column.type, column.type)
    return column.cast(kind).take(pa.array(rows, pa.int64())).cast(column.type)


def _as_text(cell: bytes | None) -> str | None:
    if cell is None or cell == b"in clear":
        return cell and cell.decode()
    return base64.b64encode(cell).decode()


def _read_by_others(case: ParquetCase, plain: Path, other: Path, names: list[str]) -> None:
    """Have others read what must be equal, as far as they can read the original."""
    for reader, read in parquet_readers():
        try:
            wanted = read(plain, names)
        except Exception:  # noqa: BLE001, S112  # it cannot read such files
            continue
        try:
            found = read(other, names)
        except Exception as error:
            raise Wrong(other.stem, f"{reader} cannot read the file any more: {error}") from error
        if repr(found) != repr(wanted):
            raise Wrong(other.stem, f"{reader} reads other values")
