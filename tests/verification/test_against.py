"""Two files compared: each difference is found by its row, column and rule, and nothing else is."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq
from verify_desk import COLUMNS, FORMATS, Desk, Sheet, found

from piienc.errors import InputError, UsageError
from piienc.verification.against import compared
from piienc.verification.columns import buckets

ROWS = {"small": (1, 50, 100), "large": (65_536, 65_537, 70_000)}
PLACES = [(size, row) for size, rows in ROWS.items() for row in rows]


def _compare(desk: Desk, sheet: Sheet, kind: str, size: str, **wanted: Any) -> list[Any]:
    report = desk.verify_sheet(sheet, kind, against=f"{size}.{kind}", **wanted)
    assert report.exit_code == (10 if report.errors else 0)
    return found(report)


@pytest.mark.parametrize("key", [None, "id", "email"])
@pytest.mark.parametrize("size", ROWS)
@pytest.mark.parametrize("kind", FORMATS)
def test_clean_files_have_no_difference(kind, size, key, office_desk):
    """Row by row, and by a column that is in clear or encrypted."""
    report = office_desk.verify(f"{size}.enc.{kind}", against=f"{size}.{kind}", key_column=key)
    assert (found(report), report.exit_code) == ([], 0)
    assert report.against.name.endswith(f"{size}.{kind}")


CELLS: list[tuple[str, str, Any, str]] = [
    ("a changed unmarked cell", "city", "flip", "in clear"),
    ("null in an unmarked column", "zip", None, "in clear"),
    ("null turned into the empty string", "zip", "", "in clear"),
    ("leading zeros gone", "zip", "123", "in clear"),
    ("another encrypted value", "note", "other", "seal"),
    ("the empty string, encrypted", "note", "", "seal"),
    ("null in a marked column", "note", None, "in clear"),
]


FAR = {"leading zeros gone"}
CHANGES = [
    pytest.param(cell, size, row, id=f"{name}-{size}-{row}")
    for name, *cell in CELLS
    for size, row in PLACES
    if size == "small" or name in FAR
]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("cell", "size", "row"), CHANGES)
def test_changed_cell_is_found(cell, kind, size, row, sheets, office_desk):
    """In its row and column, and nothing else; without the original, nothing is."""
    column, value, key = cell
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    original = sheets[f"{size}.{kind}"].columns[column][row - 1]
    if value == "flip":
        value = "Bergen" if original == "Oslo" else "Oslo"
    if value == original:
        value = "00000" if column == "zip" else office_desk.sealed("else", "seal", "note")
    elif key != "in clear":
        value = office_desk.sealed(value, key, column)
    sheet.columns[column][row - 1] = value
    assert _compare(office_desk, sheet, kind, size) == [(row, column, "value")]
    if size == "small":
        assert _compare(office_desk, sheet, kind, size, key_column="id") == [(row, column, "value")]
        assert found(office_desk.verify("faulty." + kind)) == []


@pytest.mark.parametrize(
    ("column", "size"),
    [("note", "small"), ("email", "small"), ("city", "small"), ("note", "large")],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_cells_swapped_between_rows_are_found(column, kind, size, sheets, office_desk):
    """Each is authentic, but in another row."""
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    first, second = 2, ROWS[size][-1]
    cells = sheet.columns[column]
    cells[first - 1], cells[second - 1] = cells[second - 1], cells[first - 1]
    wanted = [(first, column, "value"), (second, column, "value")]
    assert _compare(office_desk, sheet, kind, size) == wanted
    if column != "email":
        assert _compare(office_desk, sheet, kind, size, key_column="id") == wanted


@pytest.mark.parametrize(("size", "row"), PLACES)
@pytest.mark.parametrize("kind", FORMATS)
def test_lost_row_is_found_where_it_stood(kind, size, row, sheets, office_desk):
    """The rows behind it do not count as changed."""
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    rows = len(sheet.columns["id"])
    for cells in sheet.columns.values():
        del cells[row - 1]
    middle = [(None, None, "rows"), (row, None, "row")]
    wanted = [(rows, None, "rows")] if row == rows else middle
    assert _compare(office_desk, sheet, kind, size) == wanted
    if size == "small":
        by_key = office_desk.verify("faulty." + kind, against=f"{size}.{kind}", key_column="id")
        assert found(by_key) == [(None, None, "row")]
        assert by_key.findings[0].detail == f"not here, of the original: row {row}"


@pytest.mark.parametrize(("size", "row"), PLACES)
@pytest.mark.parametrize("kind", FORMATS)
def test_doubled_row_is_found_where_it_stands(kind, size, row, sheets, office_desk):
    """As a row too much, and by what must be unique."""
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    rows = len(sheet.columns["id"])
    for cells in sheet.columns.values():
        cells.insert(row, cells[row - 1])
    twice = [(row + 1, "id", "unique"), (row + 1, "email", "unique")]
    middle = [(None, None, "rows"), (row + 1, None, "row"), *twice]
    wanted = [(row + 1, None, "rows"), *twice] if row == rows else middle
    assert _compare(office_desk, sheet, kind, size) == wanted
    if size == "small":
        by_key = _compare(office_desk, sheet, kind, size, key_column="id")
        assert by_key == [(row + 1, None, "row"), *twice]


@pytest.mark.parametrize("kind", FORMATS)
def test_cell_that_cannot_be_read_is_no_difference_too(kind, sheets, office_desk):
    """One finding says why it is not known; whether it differs, nobody knows."""
    sheet = sheets[f"small.enc.{kind}"].copy()
    cell = sheet.columns["note"][7]
    sheet.columns["note"][7] = cell[:20] + ("A" if cell[20] != "A" else "B") + cell[21:]
    for key in (None, "id"):
        report = office_desk.verify_sheet(sheet, kind, against=f"small.{kind}", key_column=key)
        assert (found(report), report.exit_code) == ([(8, "note", "authentic")], 6)


@pytest.mark.parametrize("in_memory", [buckets.IN_MEMORY, 4096])
@pytest.mark.parametrize("kind", FORMATS)
def test_rows_in_another_order_are_compared_by_their_key(
    kind, in_memory, sheets, office_desk, monkeypatch
):
    """In memory, and in a file without a name; findings stand in the file's order."""
    monkeypatch.setattr(buckets, "IN_MEMORY", in_memory)
    sheet = sheets[f"large.enc.{kind}"].copy()
    order = list(range(70_000))
    random.Random(5).shuffle(order)  # noqa: S311  # an order, no secret
    sheet.columns = {name: [cells[i] for i in order] for name, cells in sheet.columns.items()}
    sheet.columns["zip"][5] = "99999"
    sheet.columns["zip"][69_999] = ""
    sheet.columns["note"][40_000] = office_desk.sealed("else", "seal", "note")
    wanted = [(6, "zip", "value"), (40_001, "note", "value"), (70_000, "zip", "value")]
    assert _compare(office_desk, sheet, kind, "large", key_column="id") == wanted


def test_first_differences_are_listed_whatever_bucket_they_are_in(sheets, office_desk, monkeypatch):
    """Records in a file come bucket by bucket, and not in the order of rows."""
    monkeypatch.setattr(buckets, "IN_MEMORY", 4096)
    sheet = sheets["large.enc.csv"].copy()
    sheet.columns["zip"] = ["x"] * 70_000
    sheet.columns["id"][1_000:2_000] = ["c-000007"] * 1_000
    report = office_desk.verify_sheet(sheet, "csv", against="large.csv", key_column="email", most=3)
    rows = {(f.column, f.rule): [] for f in report.findings}
    for finding in report.findings:
        rows[finding.column, finding.rule].append(finding.row)
    assert rows == {
        ("zip", "value"): [1, 2, 3],
        ("id", "value"): [1_001, 1_002, 1_003],
        ("id", "unique"): [1_001, 1_002, 1_003],
    }
    assert report.counts == {"value": 71_000, "unique": 1_000}


@pytest.mark.parametrize("key", ["id", "email"])
def test_type_that_has_changed_is_found_by_key_as_well(key, sheets, office_desk):
    """A number and its digits as text are not the same."""
    sheet = sheets["small.enc.parquet"].copy()
    sheet.columns["age"] = [str(age) for age in sheet.columns["age"]]
    sheet.types["age"] = pa.string()
    schema = office_desk.schema({**COLUMNS, "age": {"type": "string"}})
    report = office_desk.verify_sheet(
        sheet, "parquet", schema, against="small.parquet", key_column=key
    )
    assert (found(report), report.exit_code) == ([(None, "age", "value")], 10)


def test_columns_of_one_name_are_compared_in_their_order(desk):
    """What one of the two files alone has, has not passed."""
    schema = desk.schema({"k": {"type": "string"}, "v": {"type": "string"}}, extra_columns="keep")
    (desk.folder / "plain.csv").write_text("k,v,v\na,b,c\n")
    for text, expected in (
        ("k,v,v\na,b,c\n", []),
        ("k,v,v\na,c,b\n", [(1, "v", "value"), (1, "v.1", "value")]),
        ("k,v\na,b\n", [(None, "v.1", "columns")]),
    ):
        (desk.folder / "x.csv").write_text(text)
        for key in (None, "k"):
            report = desk.verify("x.csv", schema, against="plain.csv", key_column=key)
            assert (found(report), report.exit_code) == (expected, 10 * bool(expected))


@pytest.mark.parametrize("kind", FORMATS)
def test_keys_that_are_null_or_stand_twice_are_compared_in_their_order(kind, desk):
    """Rows of one name go together one by one."""
    schema = desk.schema({"k": {"type": "string"}, "v": {"type": "string", "encrypt": "seal"}})
    plain = Sheet({"k": [None, "a", None, "a", "b"], "v": ["1", "2", "3", "4", None]})
    plain.save(desk.folder / f"plain.{kind}")
    sheet = Sheet.load(desk.encrypt(f"plain.{kind}", f"sealed.{kind}", schema))
    order = [4, 1, 3, 0, 2]
    sheet.columns = {name: [cells[i] for i in order] for name, cells in sheet.columns.items()}

    def compared_now():
        report = desk.verify_sheet(sheet, kind, schema, against=f"plain.{kind}", key_column="k")
        return found(report)

    assert compared_now() == []
    sheet.columns["v"][1], sheet.columns["v"][2] = sheet.columns["v"][2], sheet.columns["v"][1]
    assert compared_now() == [(2, "v", "value"), (3, "v", "value")]
    sheet.columns["k"][3] = ""
    assert compared_now()[:2] == [(None, None, "row"), (2, "v", "value")]


@pytest.mark.parametrize("kind", FORMATS)
def test_without_keys_what_is_in_clear_is_compared(kind, sheets, office_desk):
    """And the number of rows; the report says what was not."""
    sheet = sheets[f"small.enc.{kind}"].copy()
    sheet.columns["zip"][49] = "9"
    blind = Desk(office_desk.folder, office_desk.keys, used=False)
    report = blind.verify_sheet(sheet, kind, against=f"small.{kind}")
    assert found(report) == [(50, "zip", "value")]
    assert "value" in report.columns["email"].unchecked
    schema = office_desk.schema({"email": COLUMNS["email"]}, name="emails")
    Sheet({"email": sheets[f"small.{kind}"].columns["email"]}).save(blind.folder / f"only.{kind}")
    only = Sheet.load(office_desk.encrypt(f"only.{kind}", f"only.enc.{kind}", schema))
    del only.columns["email"][20]
    report = blind.verify_sheet(only, kind, schema, against=f"only.{kind}")
    assert found(report) == [(100, None, "rows")]


def test_columns_that_only_one_file_has_are_found(sheets, office_desk):
    """On either side."""
    original = sheets["small.csv"].copy()
    original.columns["more"] = original.columns.pop("zip")
    original.save(office_desk.folder / "other.csv")
    report = office_desk.verify("small.enc.csv", against="other.csv")
    assert found(report) == [(None, "zip", "columns"), (None, "more", "columns")]


def test_files_and_columns_that_do_not_go_together_are_refused(office_desk):
    """With what would."""
    with pytest.raises(UsageError, match="different formats"):
        office_desk.verify("small.enc.csv", against="small.parquet")
    with pytest.raises(UsageError, match="'nobody' is not among the columns"):
        office_desk.verify("small.enc.csv", against="small.csv", key_column="nobody")
    with pytest.raises(UsageError, match="--key-column is for --against"):
        office_desk.verify("small.enc.csv", key_column="id")
    with pytest.raises(InputError, match="cannot read"):
        office_desk.verify("small.enc.csv", against="nowhere.csv")


_NOON = datetime(2000, 1, 1, 12, tzinfo=UTC)
TYPED: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    "i": ("integer", pa.int32(), [1, 2, None, 4]),
    "f": ("float", pa.float64(), [float("nan"), 0.1, None, 0.0]),
    "g": ("float", pa.float32(), [float("inf"), float("nan"), None, 1.5]),
    "d": ("decimal", pa.decimal128(10, 2), [Decimal("1.50"), Decimal(0), None, Decimal(-1)]),
    "t": ("timestamp", pa.timestamp("ms", "Europe/Paris"), [_NOON, _NOON, None, _NOON]),
    "b": ("boolean", pa.bool_(), [True, False, None, True]),
    "y": ("date", pa.date32(), [date(2000, 2, 29), date(1, 1, 1), None, date(9999, 12, 31)]),
    "s": ("string", pa.dictionary(pa.int8(), pa.string()), ["a", "b", None, ""]),
    "x": ("binary", pa.binary(), [b"\xff", b"", None, b"a"]),
}
CHANGED = {
    "i": 9,
    "f": -0.0,
    "g": 2.5,
    "d": Decimal("1.51"),
    "t": _NOON + timedelta(milliseconds=1),
    "b": False,
    "y": date(2000, 3, 1),
    "s": "c",
    "x": b"b",
}
NESTED: dict[str, tuple[pa.DataType, list[Any]]] = {
    "l": (pa.list_(pa.float64()), [[1.0, float("nan")], [], None, [2.0]]),
    "o": (pa.struct([("a", pa.string())]), [{"a": "x"}, {"a": None}, None, {"a": ""}]),
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Give a desk with encrypted columns of many types and nested ones in clear, and schemas."""
    desk = Desk(tmp_path_factory.mktemp("typed"))
    schemas = {}
    for encoding in ("base64", "binary"):
        columns = {
            name: {"type": said, "encrypt": "seal", "encoding": encoding}
            for name, (said, _, _) in TYPED.items()
        }
        schemas[encoding] = desk.schema(
            {"key": {"type": "integer"}} | columns, name=encoding, extra_columns="keep"
        )
        cells = {"key": [1, 2, 3, 4]} | {n: c for n, (_, _, c) in TYPED.items()}
        types = {"key": pa.int64()} | {name: kind for name, (_, kind, _) in TYPED.items()}
        cells |= {name: values for name, (_, values) in NESTED.items()}
        types |= {name: kind for name, (kind, _) in NESTED.items()}
        Sheet(cells, types).save(desk.folder / "plain.parquet")
        desk.encrypt("plain.parquet", f"{encoding}.parquet", schemas[encoding])
    return desk, schemas


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_typed_columns_of_clean_files_have_no_difference(encoding, key, typed):
    """NaN is itself, in lists, too; nested columns are not searched, and the report says so."""
    desk, schemas = typed
    report = desk.verify(
        f"{encoding}.parquet", schemas[encoding], against="plain.parquet", key_column=key
    )
    assert (found(report), report.exit_code) == ([], 0)
    assert report.columns["l"].unchecked == {"personal": "nested values are not searched"}
    plain = desk.verify("plain.parquet", schemas[encoding], expect="plain", round_trip=True)
    assert (found(plain), plain.exit_code) == ([], 0)


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("column", [*TYPED, *NESTED])
def test_changed_cell_of_any_type_is_found(column, key, typed):
    """Minus zero is another number than zero."""
    desk, schemas = typed
    table = pq.read_table(desk.folder / "plain.parquet")
    cells = table[column].to_pylist()
    cells[3] = CHANGED.get(column, cells[0])
    place = table.schema.get_field_index(column)
    other = table.set_column(place, column, pa.array(cells, table.schema.field(column).type))
    pq.write_table(other, desk.folder / "other.parquet")
    report = desk.verify(
        "base64.parquet", schemas["base64"], against="other.parquet", key_column=key
    )
    assert (found(report), report.exit_code) == ([(4, column, "value")], 10)


def _batches(rows: list[str | None], cuts: list[int]):
    borders = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    for begin, end in pairwise(borders):
        yield pa.RecordBatch.from_pydict({"a": pa.array(rows[begin:end], pa.string())})


_rows = st.lists(st.sampled_from(["a", "b", "c", "", None]), max_size=40)
_cuts = st.lists(st.integers(0, 99), max_size=4)


@given(_rows, _rows, _cuts, _cuts)
def test_compared_finds_something_if_and_only_if_rows_differ(left, right, cuts, others):
    """Wherever the batches of both files begin and end."""
    violations = list(compared(_batches(left, cuts), _batches(right, others), ["a"]))
    assert (violations == []) == (left == right)
    assert list(compared(_batches(left, cuts), _batches(left, others), ["a"])) == []


@given(st.integers(2, 300), _cuts, _cuts, st.data())
def test_compared_finds_a_lost_row_among_distinct_ones(count, cuts, others, data):
    """One finding for the row and one for the number of rows, and no value that differs."""
    rows: list[str | None] = [str(number) for number in range(count)]
    lost = data.draw(st.integers(0, count - 2))
    left = rows[:lost] + rows[lost + 1 :]
    violations = list(compared(_batches(left, cuts), _batches(rows, others), ["a"]))
    assert [(b.rule, b.rows) for b in violations] == [("row", [lost]), ("rows", None)]
