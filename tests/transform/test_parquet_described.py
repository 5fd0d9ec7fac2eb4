"""What keys of the footer tell of columns is true of the encrypted file, and comes back."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

MARKS = {
    "age": {"type": "integer", "encrypt": "look"},
    "name": {"type": "string", "encrypt": "seal"},
}
SPARK = {
    "type": "struct",
    "fields": [
        {"name": "age", "type": "long", "nullable": True, "metadata": {}},
        {
            "name": "name",
            "type": "string",
            "nullable": True,
            "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "varchar(9)"},
        },
        {"name": "city", "type": "string", "nullable": True, "metadata": {}},
    ],
}  # fmt: skip
GEO = {"version": "1.1.0", "primary_column": "place", "columns": {"place": {}, "name": {}}}
KEYS = {
    "org.apache.spark.sql.parquet.row.metadata": SPARK,
    "iceberg.schema": {"fields": [{"id": 1, "name": "age", "type": "long"}]},
    "parquet.avro.schema": {
        "type": "record",
        "fields": [{"name": "age", "type": ["null", "long"], "default": None}],
    },
    "geo": GEO,
    "huggingface": {"info": {"features": {"age": {"dtype": "int64", "_type": "Value"}}}},
}


def _keys(shop, name):
    return pq.ParquetFile(shop.folder / name).metadata.metadata


def _table(**keys):
    table = pa.table(
        {"age": [1, None], "name": ["a", "b"], "city": ["x", "y"], "place": [b"", b""]}
    )
    return table.replace_schema_metadata({key: json.dumps(told) for key, told in keys.items()})


def _schema(shop, columns=None):
    return shop.schema(columns or MARKS, extra_columns="keep")


@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_pandas_opens_both_files_and_reads_what_it_wrote(shop, encoding):
    """A marked nullable integer is text, and the key says so until it is decrypted."""
    frame = pd.DataFrame(
        {
            "age": pd.array([1, None], dtype="Int64"),
            "name": pd.Categorical(["a", "b"], ["b", "a", "c"], ordered=True),
            "seen": pd.to_datetime(["2024-02-29", None]).tz_localize("Europe/Berlin"),
        },
        index=pd.Index([7, 8], name="row"),
    )
    frame.to_parquet(shop.folder / "x.parquet")
    marks = {
        name: {"type": "string", "encrypt": "look", "encoding": encoding}
        for name in ("age", "name", "seen", "row")
    }
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, marks))
    encrypted = pd.read_parquet(shop.folder / "y.parquet")
    assert encrypted["age"].notna().tolist() == [True, False]
    assert encrypted.index.name == "row"
    shop.decrypt("y.parquet", "z.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(shop.folder / "z.parquet"), pd.read_parquet(shop.folder / "x.parquet")
    )
    assert _keys(shop, "z.parquet")[b"pandas"] == _keys(shop, "x.parquet")[b"pandas"]


def test_pandas_reads_the_unmarked_columns_of_an_encrypted_file(shop):
    """Their types are those of the original."""
    frame = pd.DataFrame({"age": pd.array([1, None], "Int64"), "n": pd.array([None, 2], "Int8")})
    frame.to_parquet(shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, {"age": MARKS["age"]}))
    pd.testing.assert_series_equal(pd.read_parquet(shop.folder / "y.parquet")["n"], frame["n"])


@pytest.mark.parametrize("key", KEYS)
def test_key_of_another_program_is_true_and_comes_back(shop, key):
    """To the byte: it is kept in the record, and not made anew."""
    pq.write_table(_table(**{key: KEYS[key]}), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    assert _keys(shop, "y.parquet")[key.encode()] != _keys(shop, "x.parquet")[key.encode()]
    shop.decrypt("y.parquet", "z.parquet")
    assert _keys(shop, "z.parquet")[key.encode()] == _keys(shop, "x.parquet")[key.encode()]


def test_spark_is_told_of_text(shop):
    """A marked column has the type of its ciphertext, and the others keep theirs."""
    pq.write_table(
        _table(**{"org.apache.spark.sql.parquet.row.metadata": SPARK}), shop.folder / "x.parquet"
    )
    binary = {**MARKS["age"], "encoding": "binary"}
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, MARKS | {"age": binary}))
    told = json.loads(_keys(shop, "y.parquet")[b"org.apache.spark.sql.parquet.row.metadata"])
    assert [each["type"] for each in told["fields"]] == ["binary", "string", "string"]
    assert told["fields"][1]["metadata"] == {}


def test_geometry_that_is_encrypted_is_none_any_more(shop):
    """Without its primary column, the key has nothing to tell; a reader would look for shapes."""
    pq.write_table(_table(geo=GEO), shop.folder / "x.parquet")
    marks = {"place": {"type": "binary", "encrypt": "look"}}
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, marks))
    assert b"geo" not in _keys(shop, "y.parquet")
    shop.decrypt("y.parquet", "z.parquet")
    assert json.loads(_keys(shop, "z.parquet")[b"geo"]) == GEO


def test_key_is_true_of_a_file_that_is_decrypted_in_part(shop):
    """Each column is told of as it is."""
    pq.write_table(
        _table(**{"org.apache.spark.sql.parquet.row.metadata": SPARK}), shop.folder / "x.parquet"
    )
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "half.parquet", columns=("age",))
    key = b"org.apache.spark.sql.parquet.row.metadata"
    told = json.loads(_keys(shop, "half.parquet")[key])
    assert told["fields"][0] == SPARK["fields"][0]
    assert told["fields"][1]["metadata"] == {}
    shop.decrypt("half.parquet", "z.parquet")
    assert _keys(shop, "z.parquet")[key] == _keys(shop, "x.parquet")[key]


def test_column_that_is_left_out_is_told_of_no_more(shop):
    """Neither in the encrypted file nor behind it."""
    frame = pd.DataFrame({"age": [1, 2], "name": ["a", "b"], "city": ["x", "y"]})
    frame.to_parquet(shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop), treatments={"city": "omit"})
    shop.decrypt("y.parquet", "z.parquet")
    for name in ("y.parquet", "z.parquet"):
        told = json.loads(_keys(shop, name)[b"pandas"])
        assert [each["name"] for each in told["columns"]] == ["age", "name"]
        assert list(pd.read_parquet(shop.folder / name)) == ["age", "name"]


@pytest.mark.parametrize(
    "told", [b"", b"[]", b"{}", b'{"columns": 1}', b'{"columns": [1]}', b"\xff"]
)
def test_key_of_another_form_passes_as_it_is(shop, told):
    """What cannot be understood is nobody's business."""
    table = _table().replace_schema_metadata({"pandas": told, "geo": told})
    pq.write_table(table, shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "z.parquet")
    for name in ("y.parquet", "z.parquet"):
        assert _keys(shop, name)[b"pandas"] == _keys(shop, name)[b"geo"] == told


def test_polars_reads_the_file_that_came_back(shop):
    """Another reader agrees."""
    frame = pl.DataFrame({"age": [1, None], "name": ["a", "b"]})
    frame.write_parquet(shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop))
    shop.decrypt("y.parquet", "z.parquet")
    assert pl.read_parquet(shop.folder / "z.parquet").equals(frame)
