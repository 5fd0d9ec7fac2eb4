"""Other programs that read CSV, each with the settings that a dialect means to it.

All read a table without a header, whose columns are text. A function takes the file's bytes, the
dialect and the number of columns, and returns the rows; None stands for null. It raises
`NotImplementedError` where the program has no such setting, and whatever the program raises where
it refuses the file.
"""

from __future__ import annotations

import csv
import io
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.core import Dialect

    Rows = list[list[str | None]]


def by_csv(data: bytes, dialect: Dialect, columns: int) -> Rows:
    """Read by Python's own module, which knows no nulls and no comments."""
    if len(dialect.delimiter) > 1 or dialect.comment:
        raise NotImplementedError
    rows = csv.reader(
        io.StringIO(data.decode(), newline=""),
        delimiter=dialect.delimiter.decode(),
        quotechar=dialect.quote.decode() or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape.decode() or None,
        strict=not dialect.lenient,
    )
    return [row or [""] for row in rows if row or columns == 1]


def by_pandas(data: bytes, dialect: Dialect, columns: int) -> Rows:
    """Read by pandas, whose C engine takes a delimiter of one byte."""
    import pandas as pd

    several = len(dialect.delimiter) > 1
    if several and dialect.quote:
        raise NotImplementedError  # a delimiter of several characters is looked for in quotes, too
    ends = {"lineterminator": "\r"} if dialect.line_end == b"\r" and b"\n" not in data else {}
    frame = pd.read_csv(
        io.BytesIO(data),
        header=None,
        names=range(columns),
        index_col=False,
        dtype=str,
        sep="".join(f"\\x{byte:02x}" for byte in dialect.delimiter)
        if several
        else dialect.delimiter.decode(),
        engine="python" if several else "c",
        quotechar=dialect.quote.decode() or '"',
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape.decode() or None,
        comment=dialect.comment.decode() or None,
        na_values=[null.decode() for null in dialect.nulls],
        keep_default_na=False,
        skip_blank_lines=columns > 1,
        **ends,
    )
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def by_polars(data: bytes, dialect: Dialect, columns: int) -> Rows:
    """Read by polars, which has no escapes."""
    import polars as pl

    if len(dialect.delimiter) > 1 or dialect.escape:
        raise NotImplementedError
    frame = pl.read_csv(
        data,
        has_header=False,
        new_columns=[str(number) for number in range(columns)],
        infer_schema=False,
        separator=dialect.delimiter.decode(),
        quote_char=dialect.quote.decode() or None,
        comment_prefix=dialect.comment.decode() or None,
        eol_char="\r" if dialect.line_end == b"\r" else "\n",
        null_values=[null.decode() for null in dialect.nulls if null] or None,
    )
    return [list(row) for row in frame.rows()]


def by_duckdb(data: bytes, dialect: Dialect, columns: int) -> Rows:
    """Read by DuckDB."""
    import duckdb

    if dialect.line_end == b"\r\r\n":
        raise NotImplementedError
    names = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(columns))
    # Told nothing, it takes ends of lines in quotes for those of records; told CRLF, it errs.
    end = {b"\n": ", new_line='\\n'", b"\r": ", new_line='\\r'"}.get(dialect.line_end, "")
    query = (
        "SELECT * FROM read_csv(?, header=false, auto_detect=false, allow_quoted_nulls=false, "  # noqa: S608  # of our own
        f"columns={{{names}}}, delim=?, quote=?, escape=?, comment=?, nullstr=?, "
        f"strict_mode=?{end})"
    )
    characters = (
        dialect.delimiter,
        dialect.quote,
        dialect.escape or dialect.quote,
        dialect.comment,
    )
    nulls = [null.decode() for null in dialect.nulls]
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        values = [file.name, *(each.decode() for each in characters), nulls, not dialect.lenient]
        return [list(row) for row in duckdb.execute(query, values).fetchall()]


def by_pyarrow(data: bytes, dialect: Dialect, columns: int) -> Rows:
    """Read by Arrow, which has no comments."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    if len(dialect.delimiter) > 1 or dialect.comment:
        raise NotImplementedError
    names = [str(number) for number in range(columns)]
    table = arrow.read_csv(
        pa.BufferReader(data),
        arrow.ReadOptions(column_names=names, use_threads=False),
        arrow.ParseOptions(
            delimiter=dialect.delimiter.decode(),
            quote_char=dialect.quote.decode() or False,
            double_quote=bool(dialect.quote),
            escape_char=dialect.escape.decode() or False,
            newlines_in_values=True,
            ignore_empty_lines=columns > 1,
        ),
        arrow.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[null.decode() for null in dialect.nulls],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [list(row.values()) for row in table.to_pylist()]


READERS = {
    "csv": by_csv,
    "pandas": by_pandas,
    "polars": by_polars,
    "DuckDB": by_duckdb,
    "pyarrow": by_pyarrow,
}
