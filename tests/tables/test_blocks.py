"""Where a CSV file is cut: between records, in linear time, and none longer than the limit."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import InputError
from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat, UnitSize
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed

SMALL = 1 << 10  # the longest record of these tests


def opened(data, **size):
    units = UnitSize(**{"csv_bytes": 64, "longest": SMALL, **size})
    return open_csv(
        Decompressed(HashingReader(io.BytesIO(data)), "a.csv"), "a.csv", CsvFormat(), units
    )


def records_of(table):
    """The number of records of each unit."""
    return [unit.records.count for unit in table.units()]


def line(length, number=1):
    """A record of two fields and as many bytes, the line break included."""
    return b"%d,".ljust(1) % number + b"x" * (length - len(b"%d,\n" % number)) + b"\n"


CELLS = st.text(st.sampled_from('ab",\n'), max_size=40)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=30), st.integers(1, 200))
def test_units_are_whole_records_and_all_of_them(rows, size):
    """However small the blocks are, what the csv module has written is cut where it ends rows."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("c", "d"), *rows])
    data = text.getvalue().encode()
    table = opened(data, csv_bytes=size)
    units = list(table.units())
    assert b"".join(unit.data[: unit.size] for unit in units) == data[len(b"c,d\n") :]
    for unit in units:
        cut = csv.reader(io.StringIO(unit.data[: unit.size].decode(), newline=""), strict=True)
        assert all(len(row) == 2 for row in cut)


@given(
    st.lists(st.integers(8, 60), max_size=5),
    st.sampled_from([-1, 0, 1]),
    st.lists(st.integers(8, 60), max_size=5),
    st.sampled_from([1, 64, 700, 5000]),
)
def test_limit_of_records_is_exact_wherever_blocks_are_cut(before, more, behind, size):
    """A record of as many bytes as are allowed is read, and one byte more is refused."""
    lengths = [*before, SMALL + more, *behind]
    data = b"id,text\n" + b"".join(map(line, lengths))
    table = opened(data, csv_bytes=size)
    if more <= 0:
        assert sum(records_of(table)) == len(lengths)
        return
    with pytest.raises(InputError, match=rf"a.csv: line {len(before) + 2}: ") as caught:
        records_of(table)
    assert "1,024 bytes" in str(caught.value)
    assert caught.value.hint


def test_header_longer_than_the_limit_is_refused():
    """The header is a record, too."""
    with pytest.raises(InputError, match=r"a.csv: line 1: no end of this record within"):
        opened(b'a,"' + b"\n" * 2 * SMALL)


@pytest.mark.parametrize("filler", [b"\n", b'""', b'",\n"', b"x"])
def test_time_is_linear_in_a_record_that_does_not_end(filler):
    """A quote that is never closed costs what reading costs, whatever stands behind it."""

    def taken(size):
        data = b'id,text\n1,"' + filler * (size // len(filler))
        started = time.process_time()
        with pytest.raises(InputError):
            records_of(opened(data, csv_bytes=1 << 16, longest=size // 2))
        return time.process_time() - started

    taken(1 << 18)
    short, long = min(taken(1 << 20) for _ in range(3)), min(taken(1 << 23) for _ in range(2))
    assert long < 40 * short + 0.1


def test_wide_tables_are_cut_into_larger_blocks():
    """To begin with a column costs as much for a few rows as for many."""
    narrow, wide = (
        open_csv(Decompressed(HashingReader(io.BytesIO(data)), "a.csv"), "a.csv", CsvFormat())
        for data in (
            b"a,b\n" + b"1,2\n" * (2 << 20),
            b",".join(b"c%d" % n for n in range(5000)) + b"\n" + (b"1," * 4999 + b"1\n") * 840,
        )
    )
    assert next(narrow.units()).size < 2 << 20
    assert next(wide.units()).size > 6 << 20
