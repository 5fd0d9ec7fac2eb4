"""Every Arrow type that Parquet holds comes back, marked or not, or is refused by a clear word."""

import datetime as dt
import uuid
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.describe.inspect import inspect
from piienc.errors import InputError
from piienc.setup.infer.infer import infer
from piienc.storage import FileSource

UUIDS = [uuid.UUID(int=n).bytes for n in (0, 1, 2**128 - 1)]
KINDS = {
    "string_view": pa.array(["a", None, "x" * 40], pa.string_view()),
    "binary_view": pa.array([b"a", None, b"\xff" * 40], pa.binary_view()),
    "large_string": pa.array(["a", None, "é"], pa.large_string()),
    "large_binary": pa.array([b"a", None, b""], pa.large_binary()),
    "fixed": pa.array([b"abc", None, b"\0\0\0"], pa.binary(3)),
    "uuid": pa.array([UUIDS[1], None, UUIDS[2]], pa.uuid()),
    "json": pa.array(['{"a": 1}', None, "[]"], pa.json_()),
    "bool8": pa.array([1, None, 0], pa.bool8()),
    "float16": pa.array(np.array([1.5, 0, -2], np.float16)),
    "decimal32": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal32(5, 2)),
    "decimal64": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal64(15, 2)),
    "decimal256": pa.array([Decimal("1.50"), None, Decimal(10) ** 50], pa.decimal256(60, 2)),
    "duration": pa.array([1, None, -1], pa.duration("ms")),
    "time32": pa.array([1, None, 0], pa.time32("ms")),
    "date64": pa.array([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)], pa.date64()),
    "seconds": pa.array([1, None, -1], pa.timestamp("s", "Europe/Berlin")),
    "time_s": pa.array([1, None, 0], pa.time32("s")),
    "null": pa.nulls(3),
    "dictionary": pa.array(["b", None, "a"]).dictionary_encode(),
}
NESTED = {
    "list": pa.array([["a"], None, []], pa.list_(pa.string_view())),
    "fixed_list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
    "large_list": pa.array([[b"a"], None, []], pa.large_list(pa.binary_view())),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "struct": pa.array([{"x": UUIDS[0]}, None, {"x": None}], pa.struct([("x", pa.binary(16))])),
    "tensor": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int8(), [2]),
        pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int8(), 2)),
    ),
}  # fmt: skip


def _write(shop, values, **options):
    table = pa.table({"row": pa.array([1, 2, 3]), "kind": values, "email": ["a", None, "b"]})
    pq.write_table(table, shop.folder / "x.parquet", **options)


def _same(shop, name, other):
    one, two = (pq.read_table(shop.folder / each) for each in (name, other))
    assert two.schema.equals(one.schema, check_metadata=True)
    assert [c.to_pylist() for c in two.columns] == [c.to_pylist() for c in one.columns]
    assert _by_duckdb(shop, other) == _by_duckdb(shop, name)
    assert _by_polars(shop, other) == _by_polars(shop, name)


def _by_duckdb(shop, name):
    try:
        found = duckdb.sql(f"select * from read_parquet('{shop.folder / name}')")  # noqa: S608  # our own
        return found.columns, list(map(str, found.types)), repr(found.fetchall())
    except duckdb.Error as error:
        return type(error)


def _by_polars(shop, name):
    try:
        frame = pl.read_parquet(shop.folder / name)
        return frame.schema, repr(frame.rows())
    except BaseException as error:  # polars panics at a type that it does not know
        if type(error).__module__.startswith(("polars", "pyo3")):
            return type(error)
        raise


@pytest.mark.parametrize("key", ["look", "seal", None])
@pytest.mark.parametrize("name", KINDS)
def test_type_comes_back_by_three_readers(shop, name, key):
    """pyarrow, DuckDB and polars read the same types and values before and after."""
    _write(shop, KINDS[name])
    mark = {"encrypt": key} if key else {}
    schema = shop.schema(
        {"kind": {"type": "string", **mark}, "email": {"type": "string", "encrypt": "look"}},
        extra_columns="keep",
    )
    shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet")
    _same(shop, "x.parquet", "z.parquet")
    unmarked = pl.read_parquet_schema(shop.folder / "y.parquet")
    assert unmarked["row"] == pl.Int64
    if key is None:
        assert unmarked == pl.read_parquet_schema(shop.folder / "x.parquet")
    else:
        stored = pq.read_table(shop.folder / "y.parquet").schema.field("kind").type
        assert stored in {pa.string(), pa.large_string()}


@pytest.mark.parametrize("name", NESTED)
def test_nested_type_comes_back_unmarked_and_is_refused_marked(shop, name):
    """What has no text that SQL reads back is not encrypted."""
    _write(shop, NESTED[name])
    plain = {"email": {"type": "string", "encrypt": "look"}}
    schema = shop.schema(plain, extra_columns="keep")
    shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet")
    _same(shop, "x.parquet", "z.parquet")
    schema = shop.schema(
        plain | {"kind": {"type": "string", "encrypt": "look"}}, extra_columns="keep"
    )
    with shop.refused(InputError, "'kind'", "cannot be encrypted"):
        shop.encrypt("x.parquet", "w.parquet", schema)


@pytest.mark.parametrize("name", [*KINDS, *NESTED])
def test_types_are_inspected_and_inferred(shop, name):
    """Looking at a file never depends on what Arrow can compute with its types."""
    _write(shop, (KINDS | NESTED)[name])
    report = inspect(FileSource(shop.folder / "x.parquet"), known=dict, keys=dict)
    assert [column.name for column in report.columns] == ["row", "kind", "email"]
    assert infer(shop.folder / "x.parquet")


def test_uuid_is_encrypted_as_its_usual_text(shop):
    """A receiver casts it back in SQL."""
    from piienc.columns import to_cells

    cells = to_cells(KINDS["uuid"], "column")
    assert cells.to_pylist() == [
        str(uuid.UUID(bytes=UUIDS[1])),
        None,
        "f" * 8 + "-ffff" * 3 + "-" + "f" * 12,
    ]


def test_unknown_extension_of_a_marked_column_is_restored(shop):
    """A type that is not registered here travels in the field's metadata: only where it is true."""
    field = pa.field(
        "kind",
        pa.binary(),
        metadata={"ARROW:extension:name": "geo.wkb", "ARROW:extension:metadata": "{}", "a": "b"},
    )
    table = pa.table([pa.array([b"x", None])], pa.schema([field]))
    pq.write_table(table, shop.folder / "x.parquet")
    schema = shop.schema({"kind": {"type": "binary", "encrypt": "look"}})
    shop.encrypt("x.parquet", "y.parquet", schema)
    shop.decrypt("y.parquet", "z.parquet")
    assert pq.read_schema(shop.folder / "y.parquet").field("kind").metadata == {b"a": b"b"}
    before, after = (pq.read_table(shop.folder / each) for each in ("x.parquet", "z.parquet"))
    assert after.schema.equals(before.schema, check_metadata=True)


@pytest.mark.parametrize(
    ("kind", "texts", "values"),
    [
        ("decimal", ["1.10", "-2.5"], [Decimal("1.1"), Decimal("-2.5")]),
        ("integer", ["007", "-1"], [7, -1]),
        ("boolean", ["TRUE", "false"], [True, False]),
        ("float", ["1e3", "-inf"], [1000.0, float("-inf")]),
        ("date", ["2000-02-29"], [dt.date(2000, 2, 29)]),
        ("timestamp", ["2024-01-01 00:00"], [dt.datetime(2024, 1, 1)]),  # noqa: DTZ001  # no zone
    ],
)
def test_values_that_others_have_spelt_come_back_by_the_schema_alone(shop, kind, texts, values):
    """Another program has made Parquet of the encrypted CSV, and the record of it is not there."""
    schema = shop.schema({"a": {"type": kind, "encrypt": "look"}})
    shop.write("a.csv", "a\n" + "".join(f"{text}\n" for text in texts))
    shop.encrypt("a.csv", "b.csv", schema)
    cells = shop.read("b.csv").decode().split()[1:]
    pq.write_table(pa.table({"a": cells}), shop.folder / "b.parquet")
    shop.decrypt("b.parquet", "c.parquet", schema)
    assert pq.read_table(shop.folder / "c.parquet")["a"].to_pylist() == values
