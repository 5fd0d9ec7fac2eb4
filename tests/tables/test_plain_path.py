"""A record read by the csv module: its fields, nulls apart from empty strings, and its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.tables import CsvFormat, count_records, read_record

FORM = CsvFormat()
CELLS = st.none() | st.text('ab",\n\ré', max_size=6)


def field(cell, *, quoted):
    """Write a cell as CSV; what needs quotes has them in any case."""
    if cell is None:
        return ""
    if quoted or not cell or set(cell) & set('",\n\r'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@given(
    st.lists(st.tuples(CELLS, st.booleans()), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\n"]),
)
def test_fields_are_those_that_were_written_nulls_included(cells, end):
    """The raw form of each field comes with its value."""
    raw = [field(cell, quoted=quoted) for cell, quoted in cells]
    record = read_record((",".join(raw) + end).encode(), FORM)
    assert [each.value for each in record.fields] == [cell for cell, _ in cells]
    assert [each.raw for each in record.fields] == raw
    assert record.end == end


@pytest.mark.parametrize(
    "data", [b'a,"b\n', b"a,b\nc,d\n", b'"a"b,c\n', b"a,\xff\n", b'a,"b""\n', b'a,"b" \n']
)
def test_what_is_not_exactly_one_record_is_none(data):
    """Half a record, two of them, a stray quote, and bytes that are no UTF-8."""
    assert read_record(data, FORM) is None


def test_field_longer_than_the_module_allows_by_itself_is_read():
    """The csv module refuses fields over 128 KiB where nobody raises its limit."""
    long = "x" * 200_000
    assert read_record(f"a,{long}\n".encode(), FORM).fields[1].value == long


def test_records_are_counted_without_the_blank_lines_between_them():
    """In a file of one column, a blank line is a record that is null."""
    assert count_records(b'a,"x\ny"\n\n\nb,c\n', FORM, 2) == 2
    assert count_records(b'"x\ny"\n\n\nb\n', FORM, 1) == 4
    assert count_records(b'a,"b\n', FORM, 2) is None
