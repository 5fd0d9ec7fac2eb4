"""What is written anew is read by other programs as it was meant, in all dialects they know."""

import pytest
from csv_readers import READERS
from hypothesis import given, settings
from hypothesis import strategies as st

from piienc.core import Dialect, Strings

DIALECTS = {
    "comma": (Dialect(), "csv pandas polars DuckDB pyarrow"),
    "semicolon": (Dialect(b";", b"'"), "csv pandas polars DuckDB pyarrow"),
    "tab": (Dialect(b"\t"), "csv pandas polars DuckDB pyarrow"),
    "crlf": (Dialect(line_end=b"\r\n"), "csv pandas polars DuckDB pyarrow"),
    "cr": (Dialect(line_end=b"\r"), "csv pyarrow polars"),
    "crcrlf": (Dialect(line_end=b"\r\r\n"), "csv pandas pyarrow"),
    "null": (Dialect(nulls=(b"NULL", b"\\N")), "DuckDB pyarrow"),
    "null or empty": (Dialect(nulls=(b"NULL", b"")), "polars DuckDB pyarrow"),
    "escape": (Dialect(escape=b"\\"), "csv pandas pyarrow"),
    "unquoted": (Dialect(b"\t", b""), "csv pandas polars DuckDB pyarrow"),
    "unquoted, escape": (Dialect(b"\t", b"", b"\\"), "csv pandas pyarrow"),
    "lenient": (Dialect(lenient=True), "csv pandas DuckDB pyarrow"),
    "comment": (Dialect(comment=b"#"), "polars"),
    "long comment": (Dialect(comment=b"//"), "polars"),
    "colons": (Dialect(b"::"), "DuckDB"),
    "broken bar": (Dialect("¦".encode()), "DuckDB"),
    "colons, unquoted": (Dialect(b"::", b""), "pandas DuckDB"),
    "trailing": (Dialect(trailing=True), "pandas DuckDB"),
}
PAIRS = [
    pytest.param(name, reader, id=f"{name}-{reader}")
    for name, (_, readers) in DIALECTS.items()
    for reader in readers.split()
]


def cells_of(dialect, reader):
    """Values that a dialect can write and a program can read."""
    letters = {*":,;'\"\n\r\\#/ \tNULé¦x"}
    if not dialect.quote and not dialect.escape:
        letters -= {*"\t:\r\n"}
    if (reader, dialect.line_end) == ("DuckDB", b"\r\n"):
        letters -= {*"\r\n"}  # it finds out by itself how lines end, and is misled
    if (reader, dialect.delimiter) == ("pandas", b"::"):
        letters -= {" "}  # it loses blanks
    cells = st.text(sorted(letters), max_size=6).map(str.encode)
    words = [*dialect.nulls, dialect.comment + b"x"] if dialect.quote else [b"x"]
    return st.none() | cells | st.sampled_from(words)


@pytest.mark.parametrize(("name", "reader"), PAIRS)
@settings(max_examples=20)
@given(data=st.data())
def test_written_fields_are_read_as_they_were_meant(engine, name, reader, data):
    """Values of all kinds in two columns, beside one that stays."""
    dialect, _ = DIALECTS[name]
    cells = cells_of(dialect, reader)
    rows = data.draw(st.lists(st.tuples(cells, cells), min_size=1, max_size=4))
    if not dialect.quote:
        rows = [tuple(cell if cell not in dialect.nulls else None for cell in row) for row in rows]
    null = dialect.nulls[0]
    tail = dialect.delimiter if dialect.trailing else b""
    line = dialect.delimiter.join([null, b"e\xc3\xa9", null]) + tail + dialect.line_end
    with engine.find(line * len(rows), dialect, 3, final=True) as found:
        first, last = (Strings.of(cells) for cells in zip(*rows, strict=True))
        written = found.spliced({0: first, 2: last}).data
    expected = [[first, b"e\xc3\xa9", last] for first, last in rows]
    read = READERS[reader](written, dialect, 3)
    assert read == [[as_read(cell, dialect, reader) for cell in row] for row in expected]


def as_read(cell, dialect, reader):
    """A value, as a program gives it that cannot tell all of them from null."""
    if reader == "csv":  # it knows no nulls
        return (dialect.nulls[0] if cell is None else cell).decode()
    if cell is None or (reader == "pandas" and cell in dialect.nulls):  # in quotes, too
        return None
    if reader == "polars" and cell and cell in dialect.nulls:  # in quotes, too
        return None
    return cell.decode()
