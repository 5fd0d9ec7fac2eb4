"""What other programs read in a file: pyarrow, DuckDB, and Python's csv module."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any


def first_column(file: str) -> str | None:
    """Return the first column that is not nested; None if there is none."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    schema = pq.read_schema(file)
    plain = (each.name for each in schema if not pa.types.is_nested(_plain(each.type)))
    return next(plain, next(iter(schema.names), None))


def _plain(kind: Any) -> Any:
    return getattr(kind, "storage_type", kind)


def kind(file: str, column: str) -> str:
    """Return the schema's type for a column."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    found = _plain(pq.read_schema(file).field(column).type)
    for name in ("integer", "boolean", "date", "timestamp", "decimal"):
        if getattr(pa.types, f"is_{name}")(found):
            return name
    if pa.types.is_floating(found):
        return "float"
    binary = pa.types.is_binary(found) or pa.types.is_fixed_size_binary(found)
    return "binary" if binary or pa.types.is_large_binary(found) else "string"


def parquet_differs(before: str, there: str, back: str, column: str) -> list[str]:
    """Tell how a file that came back differs, by pyarrow and by DuckDB."""
    return [*_by_pyarrow(before, there, back, column), *_by_duckdb(before, there, back, column)]


def _by_pyarrow(before: str, there: str, back: str, column: str) -> list[str]:
    one, between, other = (_table(name) for name in (before, there, back))
    found = []
    if one.schema != other.schema:
        found.append(f"types: {one.schema} and {other.schema}")
    if _without_nan(one) != _without_nan(other):
        found.append("pyarrow reads other values")
    if _without_nan(one.drop_columns(column)) != _without_nan(between.drop_columns(column)):
        found.append("pyarrow reads other values in unmarked columns of the encrypted file")
    kept = one.schema.metadata or {}
    if missing := [key for key in kept if (other.schema.metadata or {}).get(key) != kept[key]]:
        found.append(f"keys of the footer are others: {missing}")
    return found


def _table(name: str) -> Any:
    from pyarrow import parquet as pq

    file = pq.ParquetFile(name, coerce_int96_timestamp_unit="us")
    metadata = dict(file.metadata.metadata or {})
    metadata.pop(b"ARROW:schema", None)  # which the types tell
    return file.read().replace_schema_metadata(metadata)


def _without_nan(table: Any) -> str:
    """Return the values as text, in which NaN equals NaN."""
    return repr([column.to_pylist() for column in table.columns])


def _by_duckdb(before: str, there: str, back: str, column: str) -> list[str]:
    one = _rows(before)
    if one is None:
        return []  # DuckDB cannot read the original either
    found = [] if _rows(back) == one else ["DuckDB reads other types or values"]
    quoted = column.replace('"', '""')
    if _rows(before, f'exclude ("{quoted}")') != _rows(there, f'exclude ("{quoted}")'):
        found.append("DuckDB reads other values in unmarked columns of the encrypted file")
    return found


def _rows(name: str, excluded: str = "") -> str | None:
    import duckdb

    try:
        found = duckdb.sql(f"select * {excluded} from read_parquet('{name}')")  # noqa: S608  # no input of others
        return repr((found.columns, list(map(str, found.types)), found.fetchall()))
    except duckdb.Error:
        return None


def csv_differs(before: str, there: str, back: str, column: str) -> list[str]:
    """Tell how a file that came back differs, by Python's csv module."""
    one, between, other = (_records(name) for name in (before, there, back))
    found = [] if one == other else ["the csv module reads other values"]
    rest = [record[1:] for record in one]
    if rest != [record[1:] for record in between]:
        found.append("the csv module reads other values in unmarked columns of the encrypted file")
    clear = [a for a, b in zip(one[1:], between[1:], strict=False) if a[0] and a[0] == b[0]]
    return [*found, "the marked column is in clear"] if clear else found


def _records(name: str) -> list[list[str]]:
    with Path(name).open(newline="", encoding="utf-8") as lines:
        return [record for record in csv.reader(lines) if record]
