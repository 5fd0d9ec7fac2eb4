"""The records of a block: where each field stands, and what it holds."""

from __future__ import annotations

import io

from hypothesis import assume, given
from hypothesis import strategies as st

from piienc.core import engine
from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed

CELLS = st.none() | st.text('ab",\n\ré', max_size=6)


def field(cell, *, quoted):
    """Write a cell as CSV; what needs quotes has them in any case."""
    if cell is None:
        return ""
    if quoted or not cell or set(cell) & set('",\n\r'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def records_of(text, columns):
    return engine().find(text.encode(), CsvFormat().dialect, columns, final=True)


def values_of(records, column):
    return [None if cell is None else cell.decode() for cell in records.column(column).to_list()]


@given(st.data(), st.integers(1, 4), st.sampled_from(["\n", "\r\n"]))
def test_cells_and_nulls_of_each_column_are_those_that_were_written(data, columns, end):
    """In quotes or not, with quotes and line breaks inside, and blank lines between."""
    rows = data.draw(st.lists(st.lists(CELLS, min_size=columns, max_size=columns)))
    text = ""
    for row in rows:
        quoted = data.draw(st.booleans())
        text += ",".join(field(cell, quoted=quoted) for cell in row) + end
        text += end * (columns > 1 and data.draw(st.integers(0, 2)))
    records = records_of(text, columns)
    assert (records.count, records.columns) == (len(rows), columns)
    for number in range(columns):
        assert values_of(records, number) == [row[number] for row in rows]


def test_quotes_of_one_column_are_made_single_wherever_they_stand():
    """Also where the columns before and behind have doubled ones of their own."""
    records = records_of('"""a",1,"b"""\n"""",,"x""y""z"\n"""""","""",\n', 3)
    found = [values_of(records, number) for number in range(3)]
    assert found == [['"a', '"', '""'], ["1", None, '"'], ['b"', 'x"y"z', None]]


FIELDS = st.sampled_from(["", "a", '""', '"x,y"', '"two\nlines"', '"q""q"', "ä€"])
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.tuples(
        st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=1, max_size=6),
        st.sets(st.integers(0, width - 1), min_size=1, max_size=width - 1),
        st.sampled_from(["\n", "\r\n"]),
    )
)


def _csv(rows: list[list[str]], end: str) -> bytes:
    return "".join(",".join(row) + end for row in rows).encode()


@given(TABLES)
def test_csv_without_columns_is_what_it_would_be_without_them(table):
    """Byte for byte, quotes and line ends included, in the header as in the rows."""
    rows, dropped, end = table
    width = len(rows[0])
    assume(
        len(dropped) < width - 1 or all(row[n] for row in rows for n in {*range(width)} - dropped)
    )
    header = [f"c{number}" for number in range(width)]
    data = _csv([header, *rows], end)
    source = open_csv(Decompressed(HashingReader(io.BytesIO(data)), "x.csv"), "x.csv", CsvFormat())
    out = source.header_without(dropped)
    for unit in source.units():
        out += unit.records.spliced({}, dropped).data
    kept = [[f for n, f in enumerate(row) if n not in dropped] for row in [header, *rows]]
    assert out == _csv(kept, end)
