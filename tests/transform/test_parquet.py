"""Parquet there and back: types, layout and metadata are kept."""

import base64
import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from piienc.errors import AuthenticationError, ConfigError, InputError, PolicyError, UsageError

C = "CANARY-4711"
SOME = {
    "id": {"type": "integer"},
    "email": {"type": "string", "encrypt": "look"},
    "note": {"type": "string", "encrypt": "seal"},
}


def _people(rows=5):
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int32()),
            "email": pa.array(
                [None if n % 4 == 3 else f"{C}{n % 3}" for n in range(rows)], pa.string()
            ),
            "note": pa.array(["" if n % 2 else f"{C} {n}" for n in range(rows)], pa.string()),
        }
    )


def _schema(shop, **changes):
    columns = {name: {**column, **changes.get(name, {})} for name, column in SOME.items()}
    return shop.schema(columns)


def _groups(path):
    meta = pq.ParquetFile(path).metadata
    return [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]


def _codecs(path):
    group = pq.ParquetFile(path).metadata.row_group(0)
    return {
        group.column(n).path_in_schema: group.column(n).compression
        for n in range(group.num_columns)
    }


def _there_and_back(shop, table, schema, **writing):
    pq.write_table(table, shop.folder / "x.parquet", **writing)
    shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet")
    return pq.read_table(shop.folder / "y.parquet"), pq.read_table(shop.folder / "z.parquet")


VALUES = {
    "string": (pa.string(), ["a", None, "", "é😀"]),
    "large_string": (pa.large_string(), ["a", None, "", "é"]),
    "binary": (pa.binary(), [b"a", None, b"", b"\x00\xff"]),
    "large_binary": (pa.large_binary(), [b"a", None, b"", b"\xff"]),
    "fixed": (pa.binary(3), [b"abc", None, b"\x00\x00\x00", b"xyz"]),
    "bool": (pa.bool_(), [True, None, False, True]),
    "int8": (pa.int8(), [-128, None, 0, 127]),
    "int64": (pa.int64(), [-(2**63), None, 0, 2**63 - 1]),
    "uint16": (pa.uint16(), [0, None, 1, 2**16 - 1]),
    "uint64": (pa.uint64(), [0, None, 1, 2**64 - 1]),
    "float32": (pa.float32(), [0.1, None, -0.0, float("inf")]),
    "float64": (pa.float64(), [0.1, None, 5e-324, 1.7976931348623157e308]),
    "date": (pa.date32(), [dt.date(1, 1, 1), None, dt.date(1970, 1, 1), dt.date(9999, 12, 31)]),
    "time_ms": (pa.time32("ms"), [dt.time(0), None, dt.time(23, 59, 59, 999000), dt.time(12)]),
    "time_us": (pa.time64("us"), [dt.time(0), None, dt.time(23, 59, 59, 999999), dt.time(1)]),
    "ts_ms": (pa.timestamp("ms"), [dt.datetime(1, 1, 1), None, dt.datetime(2024, 2, 29, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999000)]),  # noqa: DTZ001, E501  # without a zone
    "ts_ns": (pa.timestamp("ns"), [0, None, 1, 2**62]),
    "ts_zone": (pa.timestamp("us", "Europe/Berlin"), [0, None, 1711846800_000000, -1]),
    "decimal": (pa.decimal128(20, 7), [Decimal("0E-7"), None, Decimal("-1.5"), Decimal("0.0000001")]),  # noqa: E501  # one line a type
    "decimal256": (pa.decimal256(50, 2), [Decimal("1.00"), None, Decimal("-1.50"), Decimal(10) ** 40]),  # noqa: E501  # one line a type
    "duration": (pa.duration("us"), [0, None, -1, 10**15]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["a", None, "b", "a"]),
}  # fmt: skip


@pytest.mark.parametrize("key", ["look", "seal"])
@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_values_of_every_type_come_back_without_a_schema(shop, key, encoding):
    """The file tells its own types: decryption needs no schema and gives them exactly."""
    arrays = {
        name: pa.array(values, kind.value_type).cast(kind)
        if pa.types.is_dictionary(kind)
        else pa.array(values, kind)
        for name, (kind, values) in VALUES.items()
    }
    table = pa.table({"row": pa.array(range(4)), **arrays})
    marked = {
        name: {
            "type": "binary" if "b" in name[:6] else "string",
            "encrypt": key,
            "encoding": encoding,
        }
        for name in arrays
    }
    schema = shop.schema({"row": {"type": "integer"}, **marked})
    encrypted, back = _there_and_back(shop, table, schema)
    original = pq.read_table(shop.folder / "x.parquet")
    assert back.schema.equals(original.schema, check_metadata=True)
    assert back.equals(original)
    stored = {field.type for field in encrypted.schema if field.name != "row"}
    wide = (
        {pa.string(), pa.large_string()}
        if encoding == "base64"
        else {pa.binary(), pa.large_binary()}
    )
    assert stored <= wide
    assert all(encrypted[name].null_count == 1 for name in arrays)


@pytest.mark.parametrize("key", ["look", "seal"])
@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_cells_are_stored_as_the_encoding_says(shop, key, encoding):
    """Text is base64 of what binary stores as it is: Tink's prefix, then the rest."""
    change = {"encrypt": key, "encoding": encoding}
    encrypted, _ = _there_and_back(shop, _people(), _schema(shop, email=change))
    prefix = b"\x01" + shop.keys[key].primary_id.to_bytes(4, "big")
    cells = encrypted["email"].drop_null().to_pylist()
    if encoding == "base64":
        import base64

        cells = [base64.b64decode(cell, validate=True) for cell in cells]
    assert all(cell.startswith(prefix) for cell in cells)


@given(
    cells=st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=30),
    group=st.integers(1, 10),
    encoding=st.sampled_from(["base64", "binary"]),
)
def test_any_text_in_any_row_groups_comes_back(bench, cells, group, encoding):
    """Values and row groups come back as they were."""
    texts = [None if cell is None else cell.encode("utf-8", "ignore").decode() for cell in cells]
    table = pa.table({"a": pa.array(texts, pa.string()), "b": pa.array(texts, pa.string())})
    schema = bench.schema(
        {
            "a": {"type": "string"},
            "b": {"type": "string", "encrypt": "look", "encoding": encoding},
        }
    )
    encrypted, back = _there_and_back(bench, table, schema, row_group_size=group)
    assert back.equals(table)
    assert encrypted["a"].equals(table["a"])
    sizes = [size for size in _groups(bench.folder / "x.parquet") if size]
    assert [size for size in _groups(bench.folder / "z.parquet") if size] == sizes


@pytest.mark.parametrize("sizes", [[5], [3, 1, 4], [1] * 20, [100_000, 7]])
def test_row_groups_keep_their_number_and_sizes(shop, sizes):
    """The layout that the writer chose is kept, also where a group is read in parts."""
    table = _people(max(sizes))
    with pq.ParquetWriter(shop.folder / "x.parquet", table.schema) as writer:
        for size in sizes:
            writer.write_table(table.slice(0, size))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "z.parquet")
    assert _groups(shop.folder / "y.parquet") == _groups(shop.folder / "z.parquet") == sizes
    whole = pq.read_table(shop.folder / "z.parquet")
    assert whole.equals(pq.read_table(shop.folder / "x.parquet"))


def test_row_group_without_rows_keeps_its_place(shop):
    """An empty row group among others is kept like them."""
    table = _people()
    with pq.ParquetWriter(shop.folder / "x.parquet", table.schema) as writer:
        for size in (5, 0, 3):
            writer.write_table(table.slice(0, size))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    assert _groups(shop.folder / "y.parquet") == [5, 0, 3]


@pytest.mark.parametrize("groups", [0, 1])
def test_file_without_rows_comes_back_with_its_schema(shop, groups):
    """A file of no rows, with no row group or an empty one, keeps types and metadata."""
    table = _people(0).replace_schema_metadata({"made": "by hand"})
    with pq.ParquetWriter(shop.folder / "x.parquet", table.schema) as writer:
        for _ in range(groups):
            writer.write_table(table)
    receipt = shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "z.parquet")
    assert receipt.rows == 0
    back = pq.read_table(shop.folder / "z.parquet")
    assert back.num_rows == 0
    assert back.schema.equals(table.schema, check_metadata=True)


@pytest.mark.parametrize("key", ["look", "seal"])
def test_compression_is_kept_for_each_column(shop, key):
    """Each column keeps its own codec, on both ways."""
    codecs = {"id": "NONE", "email": "ZSTD", "note": "GZIP"}
    schema = _schema(shop, email={"encrypt": key})
    _there_and_back(shop, _people(), schema, compression=codecs)
    wanted = {"id": "UNCOMPRESSED", "email": "ZSTD", "note": "GZIP"}
    assert _codecs(shop.folder / "y.parquet") == wanted
    assert _codecs(shop.folder / "z.parquet") == wanted


def test_metadata_of_file_and_fields_and_nullability_are_kept(shop):
    """Nothing that belongs to the file or to a column gets lost, and only our record is added."""
    fields = pa.schema(
        [
            pa.field("id", pa.int32(), nullable=False, metadata={"unit": "none"}),
            pa.field("email", pa.string(), nullable=False, metadata={"pii": "yes", "é": "ü"}),
            pa.field("note", pa.string(), metadata={"PARQUET:field_id": "77"}),
        ],
        metadata={"pandas": "{}", "made": "by hand"},
    )
    table = pa.table({"id": pa.array([1], pa.int32()), "email": ["e"], "note": [None]}, fields)
    encrypted, back = _there_and_back(shop, table, _schema(shop))
    original = pq.read_table(shop.folder / "x.parquet").schema
    assert back.schema.equals(original, check_metadata=True)
    assert set(encrypted.schema.metadata) == {b"pandas", b"made", b"piienc"}
    for field in original:
        changed = encrypted.schema.field(field.name)
        assert (changed.nullable, changed.metadata) == (field.nullable, field.metadata)


def test_nested_and_dictionary_columns_that_are_not_marked_pass(shop):
    """Only marked columns must be of plain values."""
    table = _people().append_column("tags", [[["a"], None, [], ["b", "c"], ["a"]]])
    table = table.append_column("kind", pa.array(list("ababa")).dictionary_encode())
    table = table.append_column("inner", [[{"x": 1, "y": C}] * 5])
    schema = shop.schema(SOME, extra_columns="keep")
    encrypted, back = _there_and_back(shop, table, schema, row_group_size=2)
    assert back.equals(pq.read_table(shop.folder / "x.parquet"))
    for name in ("tags", "kind", "inner"):
        assert encrypted[name].to_pylist() == table[name].to_pylist()


def test_marked_column_of_a_nested_type_is_refused_by_name(shop):
    """A list has no text that SQL reads back."""
    table = pa.table({"id": [1], "email": [[C]], "note": [C]})
    pq.write_table(table, shop.folder / "x.parquet")
    with shop.refused(InputError, "'email'"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))


def test_encrypted_file_shows_no_value_anywhere(shop):
    """Statistics, dictionaries and metadata betray nothing of a marked column."""
    table = _people(1000)
    _there_and_back(shop, table, _schema(shop), compression="NONE", use_dictionary=True)
    assert C.encode() in shop.read("x.parquet")
    assert C.encode() not in shop.read("y.parquet")
    assert C.encode() in shop.read("z.parquet")


def test_ciphertext_has_no_statistics_and_decrypted_columns_have_them_again(shop):
    """Least and greatest ciphertexts help no reader, and take a tenth of the time to write."""
    _there_and_back(shop, _people(), _schema(shop))

    def with_statistics(name: str) -> set[str]:
        group = pq.read_metadata(shop.folder / name).row_group(0)
        columns = map(group.column, range(group.num_columns))
        return {each.path_in_schema for each in columns if each.is_stats_set}

    everywhere = with_statistics("x.parquet")
    assert {"email", "note", "id"} <= everywhere
    assert with_statistics("y.parquet") == everywhere - {"email", "note"}
    assert with_statistics("z.parquet") == everywhere


def test_decrypt_of_some_columns_keeps_the_record_of_the_rest(shop):
    """What stays encrypted stays known, and can be decrypted from there without a schema."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "half.parquet", columns=("email",))
    half = pq.read_table(shop.folder / "half.parquet")
    assert half["email"].equals(_people()["email"])
    assert half["note"].equals(pq.read_table(shop.folder / "y.parquet")["note"])
    with shop.refused(UsageError, "'email'"):
        shop.decrypt("half.parquet", "z.parquet", columns=("email",))
    with shop.refused(PolicyError, "'note'"):
        shop.encrypt("half.parquet", "again.parquet", _schema(shop))
    receipt = shop.decrypt("half.parquet", "z.parquet")
    assert list(receipt.columns) == ["note"]
    back = pq.read_table(shop.folder / "z.parquet")
    assert back.equals(_people())
    assert not back.schema.metadata


def test_decrypt_with_a_schema_gives_the_recorded_types(shop):
    """The file's own word on types counts more than the schema's coarser one."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    schema = shop.schema(
        {**SOME, "id": {"type": "integer", "encrypt": "look"}},
    )
    shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet", schema)
    assert pq.read_table(shop.folder / "z.parquet").schema.field("id").type == pa.int32()


def test_decrypt_without_record_restores_the_types_of_the_schema(shop):
    """Where the file does not tell, the schema does: what another program encrypted."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    schema = shop.schema({**SOME, "id": {"type": "integer", "encrypt": "look"}})
    shop.encrypt("x.parquet", "y.parquet", schema)
    bare = pq.read_table(shop.folder / "y.parquet").replace_schema_metadata(None)
    pq.write_table(bare, shop.folder / "bare.parquet")
    with shop.refused(UsageError, "bare"):
        shop.decrypt("bare.parquet", "z.parquet")
    shop.decrypt("bare.parquet", "z.parquet", schema)
    assert pq.read_table(shop.folder / "z.parquet")["id"].equals(_people()["id"].cast(pa.int64()))


@pytest.mark.parametrize(
    ("wanted", "array"),
    [
        ("string", pa.array(["a", None])),
        ("integer", pa.array([-(2**63), None])),
        ("float", pa.array([0.1, None])),
        ("boolean", pa.array([True, None])),
        ("date", pa.array([dt.date(2020, 2, 29), None])),
        ("timestamp", pa.array([1, None], pa.timestamp("us"))),
        ("decimal", pa.array([Decimal("1." + "0" * 8 + "1"), None], pa.decimal128(38, 9))),
        ("binary", pa.array([b"\xff", None])),
    ],
)
def test_type_of_the_schema_that_is_restored_is_the_usual_one_of_sql(shop, wanted, array):
    """Wide enough for what the column may hold."""
    pq.write_table(pa.table({"v": array}), shop.folder / "x.parquet")
    schema = shop.schema({"v": {"type": wanted, "encrypt": "look"}})
    shop.encrypt("x.parquet", "y.parquet", schema)
    bare = pq.read_table(shop.folder / "y.parquet").replace_schema_metadata(None)
    pq.write_table(bare, shop.folder / "bare.parquet")
    shop.decrypt("bare.parquet", "z.parquet", schema)
    assert pq.read_table(shop.folder / "z.parquet")["v"].combine_chunks().equals(array)


def test_file_encrypted_already_is_refused_by_its_record(shop):
    """The file's record is enough, whatever the cells look like."""
    pq.write_table(_people(0), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    with shop.refused(PolicyError, "'email', 'note'", "already"):
        shop.encrypt("y.parquet", "z.parquet", _schema(shop))


def test_file_encrypted_already_is_refused_by_its_cells(shop):
    """Without its record, the cells themselves tell."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    bare = pq.read_table(shop.folder / "y.parquet").replace_schema_metadata(None)
    pq.write_table(bare, shop.folder / "bare.parquet")
    with shop.refused(PolicyError, "'email'", "row 1", "already"):
        shop.encrypt("bare.parquet", "z.parquet", _schema(shop))


def test_schema_that_does_not_mark_a_recorded_column_is_refused(shop):
    """A schema that knows less than the file is the wrong one."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    schema = shop.schema({**SOME, "note": {"type": "string"}})
    with shop.refused(ConfigError, "'note'"):
        shop.decrypt("y.parquet", "z.parquet", schema)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"\xff",
        b"[]",
        b'{"version": 1}',
        b'{"version": 2}',
        b'{"version": 1, "columns": {}, "types": "!"}',
    ],
)
def test_record_that_is_damaged_is_refused(shop, record):
    """Who can write the file can write the record: nothing in it is trusted blindly."""
    table = _people().replace_schema_metadata({"piienc": record})
    pq.write_table(table, shop.folder / "x.parquet")
    with shop.refused(InputError, r"x\.parquet"):
        shop.decrypt("x.parquet", "y.parquet", None)


def test_damaged_record_does_not_matter_where_a_schema_is_given(shop):
    """The hint of a damaged record names the schema, so the schema must help."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    table = pq.read_table(shop.folder / "y.parquet").replace_schema_metadata({"piienc": b"{}"})
    pq.write_table(table, shop.folder / "broken.parquet")
    shop.decrypt("broken.parquet", "z.parquet", _schema(shop))
    assert pq.read_table(shop.folder / "z.parquet")["email"].equals(_people()["email"])


def _with_record(shop, change):
    """Write an encrypted file whose record was changed by somebody."""
    pq.write_table(_people(), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    table = pq.read_table(shop.folder / "y.parquet")
    record = json.loads(table.schema.metadata[b"piienc"])
    table = change(table, record)
    fields = pa.schema([field for field in _people().schema if field.name in record["columns"]])
    record["types"] = base64.b64encode(fields.serialize()).decode()
    table = table.replace_schema_metadata({"piienc": json.dumps(record)})
    pq.write_table(table, shop.folder / "forged.parquet")


def test_column_taken_out_of_the_record_is_not_exempt_from_authentication(shop):
    """A forged column must not pass because the record, which anybody can write, is silent."""

    def forge(table, record):
        del record["columns"]["email"]
        forged = pa.array(["forged@example.org"] * len(table))
        return table.set_column(table.schema.get_field_index("email"), "email", forged)

    _with_record(shop, forge)
    with shop.refused(InputError, "'email'"):
        shop.decrypt("forged.parquet", "z.parquet", _schema(shop))
    with shop.refused(AuthenticationError, "'email'"):
        shop.decrypt("forged.parquet", "z.parquet", _schema(shop), columns=["email"])


def test_record_with_a_context_of_its_own_is_not_believed(shop):
    """Whoever moves cells to another column could write the old context beside them."""

    def rename(table, record):
        record["columns"]["email"]["context"] = "note"
        return table

    _with_record(shop, rename)
    with shop.refused(UsageError, "'email'"):
        shop.decrypt("forged.parquet", "z.parquet", None)


@pytest.mark.parametrize("rows", [[3], [3, 9, 17]])
@pytest.mark.parametrize("column", ["email", "note"])
def test_tampered_cells_are_refused_by_row_and_column(shop, rows, column):
    """Every cell is authenticated, and the refusal names the places, across row groups."""
    pq.write_table(_people(40), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    table = pq.read_table(shop.folder / "y.parquet")
    cells = table[column].to_pylist()
    for row in rows:
        cell = cells[row - 1]
        cells[row - 1] = cell[:-6] + ("A" if cell[-6] != "A" else "B") + cell[-5:]
    number = table.schema.get_field_index(column)
    bad = table.set_column(number, table.schema.field(column), pa.array(cells))
    pq.write_table(bad, shop.folder / "bad.parquet", row_group_size=40)
    with shop.refused(AuthenticationError, f"'{column}'", rf"rows? {', '.join(map(str, rows))}\b"):
        shop.decrypt("bad.parquet", "z.parquet")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"id,email,note\n1,2,3\n", b"PAR1" * 100])
def test_file_that_is_no_parquet_is_refused(shop, data):
    """A name is no proof."""
    shop.write("x.parquet", data)
    with shop.refused(InputError, r"x\.parquet"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    with shop.refused(InputError, r"x\.parquet"):
        shop.decrypt("x.parquet", "y.parquet")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_parquet_cut_off_is_refused(shop, share):
    """The footer stands at the end, so a part of a file is none."""
    pq.write_table(_people(1000), shop.folder / "x.parquet")
    whole = shop.read("x.parquet")
    shop.write("x.parquet", whole[: int(len(whole) * share)])
    with shop.refused(InputError, r"x\.parquet"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))


@pytest.mark.parametrize("codec", ["SNAPPY", "GZIP", "ZSTD"])
def test_parquet_with_damaged_pages_is_refused_with_nothing_left(shop, codec):
    """Damage is found while the output grows; it leaves neither a file nor a trace."""
    pq.write_table(
        _people(50_000), shop.folder / "x.parquet", compression=codec, row_group_size=10_000
    )
    whole = bytearray(shop.read("x.parquet"))
    middle = len(whole) // 2
    whole[middle : middle + 4000] = b"\xff" * 4000
    shop.write("x.parquet", whole)
    with shop.refused(InputError, r"x\.parquet"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))


def test_text_that_is_not_utf_8_is_refused_before_it_is_encrypted(shop):
    """What could not be decrypted into its own type again is not encrypted into it."""
    texts = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    pq.write_table(pa.table({"id": [1], "email": texts, "note": [C]}), shop.folder / "x.parquet")
    with shop.refused(InputError, "'email'"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))


def test_duplicate_column_is_refused_by_name(shop):
    """Parquet too may name a column twice."""
    table = pa.Table.from_arrays([pa.array([C])] * 4, ["id", "email", "note", "note"])
    pq.write_table(table, shop.folder / "x.parquet")
    with shop.refused(InputError, "'note'"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop))
