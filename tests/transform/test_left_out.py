"""Columns that are left out: all else is as if they had never been there."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from piienc.storage.hashing import HashingReader
from piienc.tables.csv.form import CsvFormat
from piienc.tables.csv.records import Block
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed

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
    header = [f"c{number}" for number in range(width)]
    data = _csv([header, *rows], end)
    source = open_csv(Decompressed(HashingReader(io.BytesIO(data)), "x.csv"), "x.csv", CsvFormat())
    out = source.header_without(dropped)
    for unit in source.units():
        assert isinstance(unit, Block)
        out += source.decode(unit).rewritten({}, dropped).data.tobytes()
    kept = [[f for n, f in enumerate(row) if n not in dropped] for row in [header, *rows]]
    assert out == _csv(kept, end)


@pytest.mark.parametrize("left_out", [{"id"}, {"note"}, {"email"}, {"id", "note"}])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_encrypted_table_without_columns_has_the_cells_of_the_others(bench, left_out, ending):
    """Also where the column that is left out is a marked one."""
    table = pa.table({"id": ["1", "2"], "email": ["a@x", None], "note": ["p", "q"]})
    source, target = bench.folder / f"plain.{ending}", bench.folder / f"made.{ending}"
    if ending == "csv":
        source.write_text("id,email,note\n1,a@x,p\n2,,q\n", "utf-8")
    else:
        pq.write_table(table, source)
    bench.encrypt(source.name, target.name, treatments=dict.fromkeys(left_out, "omit"))
    kept = [name for name in table.column_names if name not in left_out]
    if ending == "parquet":
        made = pq.read_table(target)
        assert made.column_names == kept
        found = {name: made[name].to_pylist() for name in kept}
    else:
        header, *lines = [line.split(",") for line in target.read_text("utf-8").splitlines()]
        assert header == kept
        found = {name: [line[n] or None for line in lines] for n, name in enumerate(kept)}
    for name in kept:
        plain = table[name].to_pylist()
        if name == "id":
            assert found[name] == plain
        else:
            assert [cell is None for cell in found[name]] == [cell is None for cell in plain]
            assert not {*filter(None, found[name])} & {*filter(None, plain)}
