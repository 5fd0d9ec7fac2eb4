"""Other programs that read CSV, each as well as it can, and Parquet."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as arrow_csv

from differential.csv_case import is_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from differential.csv_case import CsvCase
    from differential.damage import Grid

    ParquetReader = Callable[[Path, list[str]], object]

# Before polars is imported: one thread, and zones that it does not know by name.
os.environ |= {"POLARS_MAX_THREADS": "1", "POLARS_IGNORE_TIMEZONE_PARSE_ERROR": "1"}
os.environ["RUST_BACKTRACE"] = "0"


class Unable(Exception):  # noqa: N818  # no error of ours
    """A reader cannot read a file."""


def csv_readers(case: CsvCase) -> Iterator[tuple[str, Callable[[Path], Grid]]]:
    """Yield the readers that know a file's encoding and compression, each with its name."""
    packed = {case.packed, case.suffix, case.sealed_suffix}
    if case.packed != case.suffix or ".xz" in packed:
        return  # they believe a file's name
    yield "pyarrow", lambda path: _by_arrow(case, path)
    # DuckDB reads line ends of two kinds in some files, and refuses them in others.
    if is_utf8(case.encoding) and ".bz2" not in packed and not case.odd:
        yield "DuckDB", lambda path: _by_duckdb(case, path)
        if packed == {""}:
            yield "polars", lambda path: _by_polars(case, path)


def _by_arrow(case: CsvCase, path: Path) -> Grid:
    names = [f"c{number}" for number in range(len(case.columns))]
    table = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(
            column_names=names, skip_rows=1, encoding=case.codec, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=case.delimiter, quote_char=case.quote, newlines_in_values=True
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.to_pylist() for column in table.columns]


@cache
def duckdb():
    """Return a connection."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET preserve_insertion_order = true")
    return connection


def _by_duckdb(case: CsvCase, path: Path) -> Grid:
    kinds = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(case.columns)))
    query = (
        f"SELECT * FROM read_csv(?, delim=?, quote=?, escape=?, header=true, nullstr='', "  # noqa: S608  # of our own
        f"allow_quoted_nulls=false, auto_detect=false, columns={{{kinds}}})"
    )
    values = [str(path), case.delimiter, case.quote, case.quote]
    rows = duckdb().execute(query, values).fetchall()
    return [list(cells) for cells in zip(*rows, strict=True)] or [[] for _ in case.columns]


def _by_polars(case: CsvCase, path: Path) -> Grid:
    import polars as pl

    with _unable():
        table = pl.read_csv(
            path, separator=case.delimiter, quote_char=case.quote, infer_schema=False
        )
    return [table.to_series(number).to_list() for number in range(table.width)]


def parquet_readers() -> Iterator[tuple[str, ParquetReader]]:
    """Yield the readers of Parquet, each with its name."""
    yield "DuckDB", _parquet_by_duckdb
    yield "polars", _parquet_by_polars


def _parquet_by_duckdb(path: Path, names: list[str]) -> object:
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names) or "1"
    query = f"SELECT {columns} FROM read_parquet(?)"  # noqa: S608  # of our own
    table = duckdb().execute(query, [str(path)])
    return [str(each) for each in table.description], table.fetchall()


def _parquet_by_polars(path: Path, names: list[str]) -> object:
    import polars as pl

    with _unable():
        table = pl.read_parquet(path, columns=names)
        return table.schema, table.rows()


@contextmanager
def _unable() -> Iterator[None]:
    """Polars panics in some places: that is no `Exception`."""
    from polars.exceptions import PanicException

    try:
        yield
    except PanicException as error:
        raise Unable(str(error)) from None


def write_parquet_by(writer: str, table: pa.Table, path: Path, group: int) -> None:
    """Have DuckDB or polars write a table; whatever they raise says that they cannot."""
    if writer == "DuckDB":
        if any(pa.types.is_duration(kind) for kind in table.schema.types):
            raise Unable("it writes an INTERVAL, which Arrow does not know")
        connection = duckdb()
        connection.register("made", table)
        target = str(path).replace("'", "''")
        form = f"(FORMAT parquet, ROW_GROUP_SIZE {group}, COMPRESSION zstd)"
        connection.execute(f"COPY made TO '{target}' {form}")
        connection.unregister("made")
        return
    import polars as pl

    if any(pa.types.is_decimal256(kind) for kind in table.schema.types):
        raise Unable("it panics, and says so on standard error")
    with _unable():
        pl.from_arrow(table).write_parquet(path, row_group_size=group)
