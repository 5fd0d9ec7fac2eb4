"""What belongs to a Parquet file besides its values: kept, or named in the receipt."""

import datetime as dt
import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.errors import InputError

FAR = [dt.datetime(9999, 12, 31), dt.datetime(2024, 2, 29, 12, 30), dt.datetime(1, 1, 1), None]  # noqa: DTZ001  # without a zone
EMAIL = {"email": {"type": "string", "encrypt": "look"}}


def _there_and_back(shop, table, columns=None, **options):
    """Write a table, send it there and back, and return the receipt of the encryption."""
    pq.write_table(table, shop.folder / "x.parquet", **options)
    schema = shop.schema(columns or EMAIL, extra_columns="keep")
    receipt = shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet")
    return receipt


def _chunks(shop, name):
    group = pq.ParquetFile(shop.folder / name).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {column.path_in_schema: column for column in columns}


def _emails(**columns):
    rows = len(next(iter(columns.values())))
    return pa.table({"email": [f"ada{n}@example.com" for n in range(rows)], **columns})


def _by_duckdb(shop, name, column):
    found = duckdb.sql(f"select {column} from read_parquet('{shop.folder / name}')")  # noqa: S608  # our own
    return found.types, found.fetchall()


@pytest.mark.parametrize("store_schema", [True, False])
def test_int96_beyond_2262_is_the_same_moment(shop, store_schema):
    """Arrow would read 9999-12-31 as 1816-03-30: by DuckDB, it is what it was, and INT96 still."""
    table = _emails(until=pa.array(FAR, pa.timestamp("us")))
    receipt = _there_and_back(
        shop, table, use_deprecated_int96_timestamps=True, store_schema=store_schema
    )
    wanted = _by_duckdb(shop, "x.parquet", "until")
    assert _by_duckdb(shop, "y.parquet", "until") == wanted
    assert _by_duckdb(shop, "z.parquet", "until") == wanted
    for name in ("y.parquet", "z.parquet"):
        assert _chunks(shop, name)["until"].physical_type == "INT96"
        read = pq.ParquetFile(shop.folder / name, coerce_int96_timestamp_unit="us").read()
        assert read["until"].to_pylist() == FAR
    assert receipt.warnings == ()


def test_record_tells_what_was_stored_as_int96(shop):
    """Its Arrow type does not."""
    table = _emails(until=pa.array(FAR, pa.timestamp("us")))
    pq.write_table(table, shop.folder / "x.parquet", use_deprecated_int96_timestamps=True)
    marks = {"email": {"type": "string"}, "until": {"type": "timestamp"}}
    shop.encrypt(
        "x.parquet",
        "y.parquet",
        shop.schema({name: column | {"encrypt": "look"} for name, column in marks.items()}),
    )
    record = json.loads(pq.read_schema(shop.folder / "y.parquet").metadata[b"piienc"])
    assert record["columns"]["until"]["physical"] == "INT96"
    assert "physical" not in record["columns"]["email"]


def test_int96_keeps_its_nanoseconds(shop):
    """Where all moments fit, every digit is kept."""
    table = _emails(until=pa.array([1, -1, 2**63 - 10**9, None], pa.timestamp("ns")))
    _there_and_back(shop, table, use_deprecated_int96_timestamps=True)
    assert pq.read_table(shop.folder / "z.parquet")["until"].equals(table["until"])


def test_int96_that_no_unit_keeps_is_refused(shop):
    """Nanoseconds in one row, and a year that they do not reach in another."""
    far_us = pa.array([dt.datetime(9999, 12, 31)], pa.timestamp("us"))  # noqa: DTZ001  # without a zone
    table = pa.table({"email": ["a"], "far": far_us, "fine": pa.array([1], pa.timestamp("ns"))})
    pq.write_table(table, shop.folder / "x.parquet", use_deprecated_int96_timestamps=True)
    with shop.refused(InputError, "'far', 'fine'", "INT96"):
        shop.encrypt("x.parquet", "y.parquet", shop.schema(EMAIL, extra_columns="keep"))


def test_int96_inside_of_nested_values_is_exact(shop):
    """Lists, structs and maps of timestamps are looked at, too."""
    moments = pa.timestamp("us")
    table = _emails(
        many=pa.array([[FAR[0], None], [], None, [FAR[2]]], pa.list_(moments)),
        inner=pa.array([{"t": each} for each in FAR], pa.struct([("t", moments)])),
        named=pa.array([[("a", FAR[0])], [], None, []], pa.map_(pa.string(), moments)),
    )
    _there_and_back(shop, table, use_deprecated_int96_timestamps=True)
    for name in ("y.parquet", "z.parquet"):
        read = pq.ParquetFile(shop.folder / name, coerce_int96_timestamp_unit="us").read()
        for column in ("many", "inner", "named"):
            assert read[column].to_pylist() == table[column].to_pylist()


def test_marked_int96_comes_back_as_int96(shop):
    """Its text is ISO 8601 meanwhile; the record knows how it was stored."""
    table = _emails(until=pa.array(FAR, pa.timestamp("us")))
    columns = {**EMAIL, "until": {"type": "timestamp", "encrypt": "seal"}}
    _there_and_back(shop, table, columns, use_deprecated_int96_timestamps=True)
    assert _chunks(shop, "y.parquet")["until"].physical_type == "BYTE_ARRAY"
    assert _chunks(shop, "z.parquet")["until"].physical_type == "INT96"
    assert _by_duckdb(shop, "z.parquet", "until") == _by_duckdb(shop, "x.parquet", "until")


def test_lz4_of_hadoop_is_read_and_said_to_be_written_as_lz4_raw(shop):
    """The older framing, of fastparquet here, is read; nobody should write it any more."""
    shutil.copy(Path(__file__).parent / "data" / "lz4-of-hadoop.parquet", shop.folder / "x.parquet")
    receipt = shop.encrypt("x.parquet", "y.parquet")
    shop.decrypt("y.parquet", "z.parquet")
    assert _by_duckdb(shop, "z.parquet", "*") == _by_duckdb(shop, "x.parquet", "*")
    assert {chunk.compression for chunk in _chunks(shop, "y.parquet").values()} == {"LZ4"}
    assert [warning for warning in receipt.warnings if "LZ4_RAW" in warning]


def test_keys_of_the_footer_are_kept_beside_arrows_own(shop):
    """Where there is an Arrow schema, Arrow leaves out what stands beside it."""
    table = _emails(place=[b"x"])
    with pq.ParquetWriter(shop.folder / "x.parquet", table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"owner": "team", "crs": "EPSG:4326"})
    shop.encrypt("x.parquet", "y.parquet", shop.schema(EMAIL, extra_columns="keep"))
    shop.decrypt("y.parquet", "z.parquet")
    before = pq.ParquetFile(shop.folder / "x.parquet").metadata.metadata
    assert pq.ParquetFile(shop.folder / "z.parquet").metadata.metadata == before
    for name in ("y.parquet", "z.parquet"):
        after = pq.ParquetFile(shop.folder / name).metadata.metadata
        assert (after[b"owner"], after[b"crs"]) == (b"team", b"EPSG:4326")


def test_file_without_arrows_schema_gets_none(shop):
    """What Spark or DuckDB has written stays as bare as it was."""
    _there_and_back(shop, _emails(n=[1, 2]), store_schema=False)
    assert list(pq.ParquetFile(shop.folder / "y.parquet").metadata.metadata) == [b"piienc"]
    assert pq.ParquetFile(shop.folder / "z.parquet").metadata.metadata is None


def test_encodings_indexes_and_sorting_of_unmarked_columns_are_kept(shop):
    """Delta and byte stream split encodings, bloom filters, page index, pages of version 2."""
    rows = range(1000)
    table = pa.table(
        {
            "a": list(rows),
            "email": [f"ada{n}@example.com" for n in rows],
            "b": [f"x{n}" for n in rows],
            "c": [n / 2 for n in rows],
            "d": [f"{n % 7}" for n in rows],
            "e": [[n] for n in rows],
        }
    )
    receipt = _there_and_back(
        shop,
        table,
        use_dictionary=["d"],
        column_encoding={
            "a": "DELTA_BINARY_PACKED",
            "b": "DELTA_BYTE_ARRAY",
            "c": "BYTE_STREAM_SPLIT",
            "e.list.element": "DELTA_BINARY_PACKED",
            "email": "DELTA_LENGTH_BYTE_ARRAY",
        },
        write_page_index=True,
        data_page_version="2.0",
        sorting_columns=[pq.SortingColumn(0, nulls_first=True), pq.SortingColumn(1)],
        bloom_filter_options={"b": {"ndv": 1000}, "email": {"ndv": 1000}},
        compression={"a": "ZSTD", "e.list.element": "GZIP"},
    )
    before = _chunks(shop, "x.parquet")
    for name in ("y.parquet", "z.parquet"):
        after = _chunks(shop, name)
        assert list(after) == list(before)
        for path in ("a", "b", "c", "d", "e.list.element"):
            one, other = before[path], after[path]
            assert (other.encodings, other.compression) == (one.encodings, one.compression), path
            assert other.has_column_index == one.has_column_index, path
            assert other.bloom_filter_length == one.bloom_filter_length, path
        # That of the ciphertext is its own: see test_bloom_filters.py.
        assert (after["email"].bloom_filter_offset is None) == (name == "z.parquet")
        sorting = pq.ParquetFile(shop.folder / name).metadata.row_group(0).sorting_columns
        assert sorting == (pq.SortingColumn(0, nulls_first=True),)
    assert [w for w in receipt.warnings if "sorted" in w and "'email'" in w]
    assert len(receipt.warnings) == 1


def test_codec_of_lists_in_an_older_layout_is_kept(shop):
    """Arrow names the elements anew; each column keeps its codec all the same."""
    table = _emails(n=[[1], []])
    _there_and_back(shop, table, compression="GZIP", use_compliant_nested_type=False)
    for name in ("x.parquet", "y.parquet", "z.parquet"):
        assert {chunk.compression for chunk in _chunks(shop, name).values()} == {"GZIP"}


def test_names_with_dots_are_columns_of_their_own(shop):
    """A column `a.b` is not one inside of `a`."""
    table = pa.table({"a.b": ["x", "y"], "a": [{"b": 1}, {"b": 2}], "email": ["p", "q"]})
    _there_and_back(shop, table, compression={"a.b": "GZIP", "email": "ZSTD"})
    back = pq.read_table(shop.folder / "z.parquet")
    assert back.equals(pq.read_table(shop.folder / "x.parquet"))


def test_decimals_in_integers_and_times_in_utc_are_kept(shop):
    """What Arrow's writer is told for all columns at once is told where it fits all."""
    table = _emails(
        n=pa.array([Decimal(1), None], pa.decimal128(9, 2)), t=pa.array([1, 2], pa.time64("us"))
    )
    receipt = _there_and_back(
        shop, table, store_decimal_as_integer=True, write_time_adjusted_to_utc=True
    )
    for name in ("y.parquet", "z.parquet"):
        after = pq.ParquetFile(shop.folder / name).schema
        before = pq.ParquetFile(shop.folder / "x.parquet").schema
        for number in (1, 2):
            assert str(after.column(number)) == str(before.column(number))
    assert receipt.warnings == ()


def test_annotation_that_arrow_has_no_type_for_is_named_once(shop):
    """DuckDB writes INTERVAL, which Arrow reads as 12 bytes."""
    path = shop.folder / "x.parquet"
    duckdb.sql(
        "copy (select 'a' as email, interval 1 month as one, interval 2 day as two) "
        f"to '{path}' (format parquet)"
    )
    receipt = shop.encrypt("x.parquet", "y.parquet", shop.schema(EMAIL, extra_columns="keep"))
    assert [w for w in receipt.warnings if "INTERVAL" in w] == [
        "not kept in Parquet: the annotation INTERVAL ('one', 'two')"
    ]


@pytest.mark.parametrize(("told", "refused"), [(3, False), (0, False), (2, True), (4, True)])
def test_footer_that_counts_its_rows_wrong_is_read_or_refused(shop, told, refused):
    """Some writers leave the number at 0; any other one that is not so is a damaged file."""
    table = pa.table({"id": ["a", "b", "c"], "email": ["x", "y", None], "note": ["", "n", "m"]})
    pq.write_table(table, shop.folder / "x.parquet")
    # Thrift's compact protocol: field 3 of FileMetaData, an i64 as zigzag, before the row groups.
    data = shop.read("x.parquet")
    assert data.count(b"\x16\x06\x19\x1c") == 1
    shop.write("x.parquet", data.replace(b"\x16\x06\x19\x1c", bytes([0x16, 2 * told, 0x19, 0x1C])))
    if refused:
        with shop.refused(InputError, f"its footer counts {told} rows, and its row groups 3"):
            shop.encrypt("x.parquet", "y.parquet")
        return
    shop.encrypt("x.parquet", "y.parquet")
    shop.decrypt("y.parquet", "z.parquet")
    assert pq.read_table(shop.folder / "z.parquet").to_pydict() == table.to_pydict()


def test_damaged_page_is_found_by_its_checksum(shop):
    """Where a file has checksums, they are held."""
    table = _emails(n=list(range(1000)))
    pq.write_table(table, shop.folder / "x.parquet", write_page_checksum=True, compression="NONE")
    data = bytearray(shop.read("x.parquet"))
    data[data.index(b"ada500@")] ^= 1
    shop.write("x.parquet", bytes(data))
    with shop.refused(InputError, r"x\.parquet"):
        shop.encrypt("x.parquet", "y.parquet", shop.schema(EMAIL, extra_columns="keep"))
