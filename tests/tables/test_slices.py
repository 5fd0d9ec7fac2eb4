"""Slices of Parquet have a limit in bytes, whatever a few bytes of the file stand for."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from piienc.errors import InputError
from piienc.tables import UnitSize
from piienc.tables.parquet.slices import first_longer, weight_of
from piienc.tables.parquet.source import ParquetSink, ParquetSource

PIIENC = Path(sys.executable).with_name("piienc")
KIB = 1 << 10
SIZE = UnitSize(parquet_bytes=64 * KIB, longest=256 * KIB, decoded=1 << 40)


def source(table, size=SIZE, **writing):
    """Write a table and open it."""
    file = io.BytesIO()
    pq.write_table(table, file, **writing)
    file.seek(0)
    return ParquetSource(file, "a.parquet", size)


def repeated(value, rows, kind=None):
    """A column of one value, by a dictionary."""
    array = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))
    return array.cast(kind) if kind else array


LONG = "x" * 10_000
BOMBS = {
    "string": (repeated(LONG, 3000, pa.string()), {}),
    "string without Arrow's schema": (repeated(LONG, 3000), {"store_schema": False}),
    "dictionary": (repeated(LONG, 3000), {}),
    "string view": (repeated(LONG, 3000, pa.string()).cast(pa.string_view()), {}),
    "binary": (repeated(LONG.encode(), 3000, pa.binary()), {}),
    "delta": (
        repeated(LONG, 3000, pa.string()),
        {"use_dictionary": False, "column_encoding": {"v": "DELTA_BYTE_ARRAY"}},
    ),
    "plain": (
        repeated(LONG, 3000, pa.string()),
        {"use_dictionary": False, "compression": "zstd"},
    ),
    "behind many short ones": (
        pa.array(["short"] * 200_000 + [LONG] * 3000, pa.string()),
        {"row_group_size": 300_000},
    ),
    "list": (pa.array([[LONG, LONG]] * 1500), {}),
    "struct": (pa.array([{"a": 1, "b": LONG}] * 3000), {}),
    "fixed size": (pa.array([b"x" * 10_000] * 3000, pa.binary(10_000)), {}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_no_slice_weighs_more_than_fits(kind):
    """Few bytes of the file that are many in memory come in slices, and all of them come."""
    column, writing = BOMBS[kind]
    table = pa.table({"n": pa.array(range(len(column))), "v": column})
    units = list(source(table, **writing).units())
    assert max(weight_of(unit.batch) for unit in units) <= 2 * SIZE.parquet_bytes
    assert [unit.ends_group for unit in units] == [False] * (len(units) - 1) + [True]
    read = pa.Table.from_batches([unit.batch for unit in units])
    assert read.column("n").to_pylist() == list(range(len(column)))
    lengths = pa.compute.binary_length
    if pa.types.is_string(column.type):
        assert pa.compute.all(pa.compute.equal(lengths(read["v"]), lengths(column))).as_py()


def test_heavy_row_group_behind_a_light_one_is_begun_with_few_rows():
    """How many rows come next goes on from one row group to the next, but not blindly."""
    column = pa.array(["short"] * 100_000 + [LONG] * 3000, pa.string())
    writing = {"row_group_size": 100_000, "use_dictionary": False, "compression": "zstd"}
    opened = source(pa.table({"v": column}), **writing)
    del column
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in opened.units()]
    # A page of 1,024 values is decompressed in any case; but not all 3,000 are decoded.
    assert max(held) < 2000 * len(LONG)


@given(
    rows=st.lists(st.integers(0, 3000), max_size=60),
    group=st.integers(1, 70),
    size=st.integers(1, 20_000),
    most=st.integers(1, 70),
)
def test_slices_are_the_rows_in_their_order_and_groups(rows, group, size, most):
    """Whatever the limits are, no row is lost, doubled or moved."""
    table = pa.table({"v": pa.array(["x" * length for length in rows], pa.string())})
    limits = UnitSize(parquet_rows=most, parquet_bytes=size)
    read = source(table, limits, row_group_size=group)
    groups, here = [], 0
    for unit in read.units():
        assert unit.batch.num_rows <= most
        here += unit.batch.num_rows
        if unit.ends_group:
            groups.append(here)
            here = 0
    wanted = [min(group, len(rows) - at) for at in range(0, len(rows), group)]
    assert groups == (wanted or groups)
    again = pa.Table.from_batches([unit.batch for unit in read.units()], read.schema)
    assert again.column("v").to_pylist() == table.column("v").to_pylist()


def test_light_rows_come_in_few_slices():
    """A row group is begun with few rows, which are put together with those that follow."""
    table = pa.table({"n": range(200_000), "v": ["some text"] * 200_000})
    assert [unit.batch.num_rows for unit in source(table, UnitSize()).units()] == [
        *[65_536] * 3,
        3392,
    ]


@pytest.mark.parametrize("more", [0, 1])
def test_limit_of_a_row_is_exact(more):
    """A row of as many bytes as are allowed is read, and one byte more is refused."""
    overhead = 4  # an offset
    value = "x" * (SIZE.longest - overhead + more)
    read = source(pa.table({"v": ["a", "b", value, "c"]}))
    if not more:
        assert sum(unit.batch.num_rows for unit in read.units()) == 4
        return
    with pytest.raises(InputError, match=r"a.parquet: row 3 is longer than 262,144 bytes") as it:
        list(read.units())
    assert it.value.hint


@pytest.mark.parametrize("writing", [{}, {"write_statistics": False}])
def test_row_group_that_holds_too_much_is_refused_before_it_is_decoded(writing):
    """What would fill memory and disk is refused with its row group."""
    column = pa.array(["short"] * 1000 + [LONG] * 3000, pa.string())
    read = source(pa.table({"v": column}), UnitSize(decoded=20 << 20), **writing)
    with pytest.raises(InputError, match=r"row group 1 holds more than 20 MiB in 4,000 rows"):
        next(read.units())


def test_row_group_of_many_values_that_holds_too_much_is_refused():
    """Also where nothing tells before how much it is."""
    column = repeated(LONG, 3000, pa.string())
    writing = {"use_dictionary": False, "column_encoding": {"v": "DELTA_BYTE_ARRAY"}}
    read = source(pa.table({"v": column}), UnitSize(decoded=20 << 20), **writing)
    with pytest.raises(InputError, match="row group 1 holds more than 20 MiB"):
        list(read.units())


def written(table, size, **writing):
    """Pass a table through source and sink; return the rows of each row group."""
    read, out = source(table, size, **writing), io.BytesIO()
    from piienc.storage.hashing import HashingWriter
    from piienc.tables import Output

    output = Output(read.schema)
    sink = ParquetSink(HashingWriter(out), output, read.layout(output), size)
    for unit in read.units():
        sink.write(unit)
    sink.close()
    meta = pq.ParquetFile(io.BytesIO(out.getvalue())).metadata
    return [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]


def test_row_group_that_grows_too_large_is_written_as_several():
    """Memory is flat, and no row is lost."""
    table = pa.table({"v": ["x" * 1000] * 3000})
    assert written(table, UnitSize(), row_group_size=1000) == [1000] * 3
    groups = written(table, UnitSize(row_group=1 << 19, parquet_bytes=1 << 17))
    assert sum(groups) == 3000
    assert len(groups) == 6


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_first_row_that_is_too_long_is_found(rows):
    """By halves, and the first of several."""
    for long in range(rows):
        values = ["a"] * long + ["x" * 100] * (rows - long)
        batch = pa.record_batch({"v": pa.array(values)})
        assert first_longer(batch, 104) is None
        assert first_longer(batch, 103) == long


def test_bomb_ends_with_a_clear_word_and_little_memory(tmp_path):
    """60,000 rows of one value of 1 MB, which are 60 GB in memory and less than 1 MB on disk."""
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"v": repeated("x" * 10**6, 60_000)}), path, store_schema=False)
    assert path.stat().st_size < 10**6
    program = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(code)"
    )
    infer = [PIIENC, "schema", "infer", path, "-o", tmp_path / "s.toml"]
    done = subprocess.run(
        [sys.executable, "-c", program, *infer], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "row group 1 holds more than 8 GiB in 60,000 rows" in done.stderr
    assert int(done.stdout) < 400_000  # KiB
