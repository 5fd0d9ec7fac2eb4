"""Dictionary columns keep their categories, their order and their index type."""

import base64
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.errors import AuthenticationError, InputError
from piienc.state import CellCounter

C = "CANARY-4711"


def _column(indices, values, index=None, *, ordered=True):
    places = pa.array(indices, index or pa.int8())
    return pa.DictionaryArray.from_arrays(places, values, ordered=ordered)


def _schema(shop, key):
    mark = {"encrypt": key} if key else {}
    columns = {"risk": {"type": "string", **mark}, "email": {"type": "string", "encrypt": "look"}}
    return shop.schema(columns)


def _write(shop, *columns, **options):
    tables = [
        pa.table({"risk": each, "email": pa.array(["a"] * len(each), pa.string())})
        for each in columns
    ]
    with pq.ParquetWriter(shop.folder / "x.parquet", tables[0].schema, **options) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=100_000)


def _read(shop, name):
    return pq.read_table(shop.folder / name)["risk"]


@pytest.mark.parametrize("key", ["look", "seal", None])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("index", [pa.int8(), pa.int32()])
def test_categories_their_order_and_unused_ones_come_back(shop, key, ordered, index):
    """What no row has is a category still."""
    values = ["low", C, "high", "unused"]
    _write(shop, _column([2, None, 0, 1, 2], values, index, ordered=ordered))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, key))
    shop.decrypt("y.parquet", "z.parquet")
    before, after = _read(shop, "x.parquet"), _read(shop, "z.parquet")
    assert after.type == before.type
    assert after.equals(before)
    assert after.chunk(0).dictionary.to_pylist() == values
    frame = pd.read_parquet(shop.folder / "z.parquet")
    assert frame["risk"].dtype == pd.CategoricalDtype(values, ordered=ordered)
    if key:
        assert C.encode() not in shop.read("y.parquet")


@pytest.mark.parametrize("key", ["look", None])
def test_categories_of_many_rows_and_row_groups_come_back(shop, key):
    """Slices and row groups share one list."""
    values = ["low", "mid", "high", "unused"]
    rows = [n % 3 for n in range(70_000)]
    _write(shop, _column(rows[::-1], values), _column([2], values), _column([], values))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, key))
    shop.decrypt("y.parquet", "z.parquet")
    before, after = _read(shop, "x.parquet"), _read(shop, "z.parquet")
    assert after.to_pylist() == before.to_pylist()
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in after.chunks if len(chunk)} == {
        tuple(values)
    }


def test_large_dictionary_without_an_order_is_an_encoding(shop):
    """Its values come back; the record does not list them all once more."""
    values = [f"{C}{n}" for n in range(2000)]
    _write(shop, _column(list(range(2000)), values, pa.int32(), ordered=False))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))
    shop.decrypt("y.parquet", "z.parquet")
    record = json.loads(pq.read_schema(shop.folder / "y.parquet").metadata[b"piienc"])
    assert "categories" not in record["columns"]["risk"]
    assert _read(shop, "z.parquet").to_pylist() == values


def test_large_ordered_dictionary_keeps_its_order(shop):
    """Also where its page is over the megabyte behind which writers give dictionaries up."""
    values = [f"{n:050}" for n in range(30_000)][::-1]
    column = _column(list(range(30_000)), values, pa.int32())
    _write(shop, column, dictionary_pagesize_limit=1 << 24)
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))
    shop.decrypt("y.parquet", "z.parquet")
    assert _read(shop, "z.parquet").chunk(0).dictionary.to_pylist() == values


def test_row_groups_with_categories_in_different_orders_are_refused_where_marked(shop):
    """Nobody can tell which order holds."""
    _write(shop, _column([0], ["low", "high"]), _column([0], ["high", "low"]))
    with shop.refused(InputError, r"x\.parquet: column 'risk': its row groups", "different orders"):
        shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))


def test_sealed_categories_count_as_a_cell(shop, monkeypatch):
    """Each encryption under AES-GCM counts towards what is safe."""
    spent = []
    monkeypatch.setattr(CellCounter, "spend", lambda _self, _key_id, cells: spent.append(cells))
    _write(shop, _column([0, 1, None, None, None], ["low", "high"]))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "seal"))
    assert sorted(spent) == [1, 2]


@pytest.mark.parametrize("forge", ["cell", "other", "bits"])
def test_categories_that_somebody_has_changed_are_refused(shop, forge):
    """Neither a cell of the column nor another list passes for them."""
    _write(shop, _column([0, 1], ["low", "high"]))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))
    table = pq.read_table(shop.folder / "y.parquet")
    record = json.loads(table.schema.metadata[b"piienc"])
    facts = record["columns"]["risk"]
    if forge == "bits":
        raw = bytearray(base64.b64decode(facts["categories"]))
        raw[-1] ^= 1
        facts["categories"] = base64.b64encode(raw).decode()
    else:
        facts["categories"] = table["risk"][0].as_py() if forge == "cell" else "AAAA"
    table = table.replace_schema_metadata({"piienc": json.dumps(record)})
    pq.write_table(table, shop.folder / "forged.parquet")
    with shop.refused(AuthenticationError, "'risk'", "categories"):
        shop.decrypt("forged.parquet", "z.parquet")


def test_categories_of_a_column_that_is_no_dictionary_are_passed_over(shop):
    """They say nothing of its values."""
    _write(shop, pa.array(["low", "high"]))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))
    table = pq.read_table(shop.folder / "y.parquet")
    record = json.loads(table.schema.metadata[b"piienc"])
    record["columns"]["risk"]["categories"] = "AAAA"
    pq.write_table(
        table.replace_schema_metadata({"piienc": json.dumps(record)}), shop.folder / "more.parquet"
    )
    shop.decrypt("more.parquet", "z.parquet")
    assert _read(shop, "z.parquet").to_pylist() == ["low", "high"]


def test_file_whose_record_knows_no_categories_is_decrypted(shop):
    """An older version has not listed them: values and type come back."""
    _write(shop, _column([1, 0], ["low", "high"], ordered=False))
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, "look"))
    table = pq.read_table(shop.folder / "y.parquet")
    record = json.loads(table.schema.metadata[b"piienc"])
    del record["columns"]["risk"]["categories"]
    pq.write_table(
        table.replace_schema_metadata({"piienc": json.dumps(record)}), shop.folder / "old.parquet"
    )
    shop.decrypt("old.parquet", "z.parquet")
    assert _read(shop, "z.parquet").to_pylist() == ["high", "low"]


@pytest.mark.parametrize("key", ["look", "seal"])
def test_enum_of_polars_shows_none_of_its_values_and_comes_back(shop, key):
    """Polars lists them in the metadata of the field, and so in the footer, twice."""
    frame = pl.DataFrame({"risk": pl.Series([f"{C}-b", None], dtype=pl.Enum([f"{C}-a", f"{C}-b"]))})
    frame = frame.with_columns(email=pl.lit("a"))
    frame.write_parquet(shop.folder / "x.parquet")
    assert _shows(shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet", _schema(shop, key))
    assert not _shows(shop.folder / "y.parquet")
    assert pl.read_parquet(shop.folder / "y.parquet").dtypes == [pl.String] * 2
    shop.decrypt("y.parquet", "z.parquet", _schema(shop, key))
    back = pl.read_parquet(shop.folder / "z.parquet")
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_enum_that_is_omitted_shows_none_of_its_values(shop):
    """The original footer is kept without what stands there of a column that is gone."""
    values = pl.Series([f"{C}-b"], dtype=pl.Enum([f"{C}-a", f"{C}-b"]))
    pl.DataFrame({"risk": ["low"], "gone": values}).write_parquet(shop.folder / "x.parquet")
    schema = shop.schema(
        {"risk": {"type": "string", "encrypt": "look"}, "gone": {"type": "string"}}
    )
    shop.encrypt("x.parquet", "y.parquet", schema, treatments={"gone": "omit"})
    assert not _shows(shop.folder / "y.parquet")


def _shows(path) -> bool:
    """Tell whether a file shows a value: in its bytes, or in base64 anywhere in its footer."""
    metadata = pq.read_metadata(path).metadata or {}
    record = json.loads(metadata.get(b"piienc", b"{}"))
    texts = [*metadata.values(), record.get("types", ""), *record.get("keys", {}).values()]
    decoded = [base64.b64decode(text) for text in texts if text[:1] not in (b"{", "{")]
    return any(C.encode() in data for data in (path.read_bytes(), *decoded))
