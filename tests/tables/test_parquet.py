"""A Parquet file that is opened, and one that is written: names, rows, row groups, metadata."""

from __future__ import annotations

import io
from base64 import b64encode

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.errors import InputError
from piienc.storage.hashing import HashingWriter
from piienc.tables import UnitSize
from piienc.tables.parquet.slices import Slice, weight_of
from piienc.tables.parquet.source import ParquetSink, ParquetSource
from piienc.tables.table import Output


def opened(table, **writing):
    """Write a table and open it."""
    file = io.BytesIO()
    pq.write_table(table, file, **writing)
    file.seek(0)
    return ParquetSource(file, "a.parquet")


def written(read, batches, units, schema):
    """Write batches as slices of one row group, and return what pyarrow reads of it."""
    out = io.BytesIO()
    output = Output(schema)
    sink = ParquetSink(HashingWriter(out), output, read.layout(output), units)
    for number, batch in enumerate(batches, 1):
        sink.write(Slice(batch, ends_group=number == len(batches)))
    sink.close()
    return pq.ParquetFile(out)


def test_column_that_is_there_twice_is_refused_by_name():
    """Neither of them is the one that is meant."""
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])
    with pytest.raises(InputError, match=r"a\.parquet has 'a' more than once"):
        opened(table)


def test_columns_that_store_int96_are_named_at_whatever_depth():
    """By the column, and not by what it has inside."""
    moments = pa.array([0, 1], pa.timestamp("us"))
    inside = pa.StructArray.from_arrays([moments, pa.array([1, 2])], ["when", "n"])
    table = pa.table({"s": inside, "when": pa.array([1, 2]), "t": moments, "u": pa.array([1, 2])})
    read = opened(table, use_deprecated_int96_timestamps=True)
    assert read.int96 == {"s", "t"}
    assert opened(table).int96 == frozenset()


def test_slices_are_decoded_to_their_rows():
    """All of them, in order."""
    table = pa.table({"n": pa.array(range(1000)), "t": pa.array(map(str, range(1000)))})
    read = opened(table, row_group_size=300)
    rows = pa.Table.from_batches([unit.batch for unit in read.units()])
    assert rows.equals(table)
    assert read.rows == 1000


@pytest.mark.parametrize("ordered", [True, False])
def test_categories_of_a_damaged_file_are_refused(ordered):
    """As its values are."""
    values = pa.DictionaryArray.from_arrays(
        pa.array([0, 1] * 50, pa.int8()), pa.array(["good", "better"]), ordered=ordered
    )
    file = io.BytesIO()
    pq.write_table(pa.table({"grade": values}), file, write_page_checksum=True)
    data = bytearray(file.getvalue())
    data[data.index(b"better")] ^= 1
    read = ParquetSource(io.BytesIO(data), "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet is damaged"):
        read.categories("grade")


@pytest.mark.parametrize(("more", "groups"), [(0, 1), (-1, 2)])
def test_row_group_may_weigh_as_much_as_its_limit(more, groups):
    """One byte more, and there are two."""
    table = pa.table({"n": pa.array(range(1000))})
    read = opened(table)
    (batch,) = table.to_batches()
    units = UnitSize(row_group=2 * weight_of(batch) + more)
    again = written(read, [batch, batch], units, table.schema)
    assert again.num_row_groups == groups
    assert again.read().equals(pa.concat_tables([table, table]))
    assert written(read, [batch] * 4, units, table.schema).num_row_groups == 2 * groups
    assert not again.schema_arrow.metadata


@pytest.mark.parametrize(
    ("width", "fits", "groups"), [(4096, 2, 1), (4097, 2, 2), (4097, 5, 2), (4097, 6, 1)]
)
def test_row_group_of_long_values_has_a_third_of_the_limit(width, fits, groups):
    """Beyond 4 KiB a row: Arrow holds them several times while it writes."""
    cells = pa.array([b"x" * width] * 10, pa.binary(width))
    table = pa.table({"v": cells})
    (batch,) = table.to_batches()
    assert weight_of(batch) == 10 * width
    units = UnitSize(row_group=fits * weight_of(batch))
    assert written(opened(table), [batch, batch], units, table.schema).num_row_groups == groups


def test_slice_that_is_heavier_than_a_row_group_may_be_is_one_by_itself():
    """And no row group is empty."""
    table = pa.table({"n": pa.array(range(1000))})
    (batch,) = table.to_batches()
    again = written(opened(table), [batch] * 3, UnitSize(row_group=1), table.schema)
    assert [again.metadata.row_group(n).num_rows for n in range(again.num_row_groups)] == [1000] * 3


def test_types_that_arrow_does_not_write_are_refused_before_anything_is_read():
    """A struct without fields is one: other programs write it, and Arrow reads it."""
    output = Output(pa.schema([pa.field("s", pa.struct([]))]))
    with pytest.raises(InputError, match=r"a\.parquet: Arrow reads its types, but cannot write"):
        opened(pa.table({"s": pa.array([{"a": 1}])})).layout(output)


def test_metadata_that_arrow_s_own_schema_alone_has_is_kept():
    """Other writers do not repeat it in the footer."""
    table = pa.table({"n": [1]})
    own = table.schema.with_metadata({"made": "elsewhere", "both": "own"})
    out = io.BytesIO()
    with pq.ParquetWriter(out, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        keys = {"ARROW:schema": b64encode(own.serialize()), "both": "footer", "other": "x"}
        writer.add_key_value_metadata(keys)
    read = ParquetSource(io.BytesIO(out.getvalue()), "a.parquet")
    assert read.schema.metadata == {b"made": b"elsewhere", b"both": b"footer", b"other": b"x"}


def test_footer_with_a_changed_byte_is_read_or_refused():
    """Whether it is ours to notice or Arrow's: there is no other error."""
    table = pa.table({"n": [1, 2], "t": ["a", "b"]})
    file = io.BytesIO()
    pq.write_table(table, file)
    data = file.getvalue()
    length = int.from_bytes(data[-8:-4], "little")
    refused = 0
    for place in range(len(data) - 8 - length, len(data) - 4):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            ParquetSource(io.BytesIO(changed), "a.parquet")
        except InputError:
            refused += 1
    assert refused > length // 4
