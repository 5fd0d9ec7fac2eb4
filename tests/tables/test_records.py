"""The records of a block: where each field stands, and what it holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from piienc.base.cells import SPARE
from piienc.tables import CsvFormat
from piienc.tables.csv.records import Block, Records

CELLS = st.none() | st.text('ab",\n\ré', max_size=6)


def field(cell, *, quoted):
    """Write a cell as CSV; what needs quotes has them in any case."""
    if cell is None:
        return ""
    if quoted or not cell or set(cell) & set('",\n\r'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def records_of(text, columns):
    data = text.encode()
    block = Block(data + bytes(SPARE), len(data), 2, data.count(b"\n"))
    return Records(block, "a.csv", CsvFormat(), columns)


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
        cells, places = records.cells(number)
        found = dict.fromkeys(range(len(rows)))
        found |= {row: cells.one(at).decode() for at, row in enumerate(places.tolist())}
        assert list(found.values()) == [row[number] for row in rows]


def test_quotes_of_one_column_are_made_single_wherever_they_stand():
    """Also where the columns before and behind have doubled ones of their own."""
    records = records_of('"""a",1,"b"""\n"""",,"x""y""z"\n"""""","""",\n', 3)
    found = [
        [cells.one(at) for at in range(len(cells))] for cells, _ in map(records.cells, range(3))
    ]
    assert found == [[b'"a', b'"', b'""'], [b"1", b'"'], [b'b"', b'x"y"z']]
