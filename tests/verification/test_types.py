"""Types that Arrow does not compute with are verified like all others."""

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

KINDS = {
    "string_view": pa.array(["a", None, "x" * 40], pa.string_view()),
    "binary_view": pa.array([b"a", None, b"\xff" * 40], pa.binary_view()),
    "uuid": pa.array([b"\0" * 16, None, b"\xff" * 16], pa.uuid()),
    "json": pa.array(['{"a": 1}', None, "[]"], pa.json_()),
    "views in lists": pa.array([["a"], None, []], pa.list_(pa.string_view())),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), ["b", "a"], ordered=True),
}
MARKABLE = [name for name in KINDS if "list" not in name]


def _write(desk, values, name="x.parquet"):
    table = pa.table({"kind": values, "email": ["a@b.example", None, "c@d.example"]})
    pq.write_table(table, desk.folder / name)


def _backwards(values):
    return pa.concat_arrays([values[2:3], values[1:2], values[0:1]])


def _columns(name, key):
    kind = "binary" if name == "binary_view" else "string"
    mark = {"encrypt": key} if key else {}
    return {
        "kind": {"type": kind, **mark},
        "email": {"type": "string", "encrypt": "look"},
    }


@pytest.mark.parametrize("key", ["look", "seal", None])
@pytest.mark.parametrize("name", KINDS)
def test_column_of_any_type_is_verified_against_its_original(desk, name, key):
    """A file is right, and another original is found to be another one."""
    if key and name not in MARKABLE:
        pytest.skip("nested values cannot be marked")
    columns = _columns(name, key)
    if name not in MARKABLE:
        del columns["kind"]
    schema = desk.schema(columns, extra_columns="keep")
    _write(desk, KINDS[name])
    desk.encrypt("x.parquet", "y.parquet", schema)
    assert desk.verify("y.parquet", schema, against="x.parquet").ok
    _write(desk, _backwards(KINDS[name]), "other.parquet")
    report = desk.verify("y.parquet", schema, against="other.parquet")
    assert {(each.column, each.rule) for each in report.findings} == {("kind", "value")}


@pytest.mark.parametrize("name", MARKABLE)
def test_round_trip_of_any_type(desk, name):
    """A plain file can be tried out in memory."""
    schema = desk.schema(_columns(name, "look"))
    _write(desk, KINDS[name])
    report = desk.verify("x.parquet", schema, expect="plain", round_trip=True)
    assert not [each for each in report.findings if each.rule != "personal"]
