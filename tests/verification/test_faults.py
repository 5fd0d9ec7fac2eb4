"""Planted faults: each is found by its row, column and rule, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from verify_desk import COLUMNS, FORMATS, Desk, Sheet, found

if TYPE_CHECKING:
    from collections.abc import Callable

    Plant = Callable[[Desk, Sheet, int], None]

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SMALL = {"first": 1, "middle": 50, "last": 100}
LARGE = {"border": 65_536, "behind": 65_537, "last": 70_000}
"""Rows at both sides of the border of two slices of Parquet, and behind some blocks of CSV."""


@dataclass(frozen=True)
class Fault:
    """A fault that is planted in a row.

    Attributes:
        name: what the test is called by.
        column: where it is found.
        rule: by which.
        plant: changes a table's row, from 0.
        code: the exit code.
    """

    name: str
    column: str
    rule: str
    plant: Plant
    code: int = 10


def setting(column: str, value: Any) -> Plant:
    """Put a value into an unmarked cell; a number becomes text where all is text."""

    def plant(_desk: Desk, sheet: Sheet, row: int) -> None:
        typed = sheet.types or not isinstance(value, int)
        sheet.columns[column][row] = value if typed else str(value)

    return plant


def sealing(column: str, value: str, key: str | None = None, context: str | None = None) -> Plant:
    """Put an encrypted value into a cell, by default as it should be encrypted."""

    def plant(desk: Desk, sheet: Sheet, row: int) -> None:
        under = key or COLUMNS[column]["encrypt"]
        sheet.columns[column][row] = desk.sealed(value, under, context or column)

    return plant


def character(place: int, change: Callable[[str], str]) -> Plant:
    """Change a character of an encrypted email."""

    def plant(desk: Desk, sheet: Sheet, row: int) -> None:
        cell = list(desk.sealed("ada@example.com", "look", "email"))
        cell[place] = change(cell[place])
        sheet.columns["email"][row] = "".join(cell)

    return plant


def next_bit(letter: str) -> str:
    """Flip the lowest bit of a character of base64."""
    return BASE64[BASE64.index(letter) ^ 1]


def unused_bit(desk: Desk, sheet: Sheet, row: int) -> None:
    """Flip a bit of base64 that stands for nothing: what it decodes to stays the same."""
    cell = desk.sealed("adal@example.com", "look", "email")
    assert cell.endswith("==")
    sheet.columns["email"][row] = cell[:-3] + next_bit(cell[-3]) + "=="


def without_padding(desk: Desk, sheet: Sheet, row: int) -> None:
    """Leave out the padding."""
    sheet.columns["email"][row] = desk.sealed("adal@example.com", "look", "email").rstrip("=")


def cut_off(desk: Desk, sheet: Sheet, row: int) -> None:
    """Leave so little that it cannot be a ciphertext."""
    sheet.columns["email"][row] = desk.sealed("adal@example.com", "look", "email")[:16]


def from_above(column: str) -> Plant:
    """Repeat the cell of another row: the one above, or of the first row the one below."""

    def plant(desk: Desk, sheet: Sheet, row: int) -> None:
        sheet.columns[column][row] = sheet.columns[column][row - 1 if row else 1]

    return plant


RULES = [
    Fault("null in a required column", "id", "required", setting("id", None)),
    Fault("null in a marked and required one", "email", "required", setting("email", None)),
    Fault("a pattern not matched", "id", "pattern", setting("id", "c-12345")),
    Fault("a pattern matched but for a line break", "id", "pattern", setting("id", "c-123456\n")),
    Fault("a value that is not listed", "city", "enum", setting("city", "Turku")),
    Fault("the empty string where it is not listed", "city", "enum", setting("city", "")),
    Fault("a number below the least", "age", "min", setting("age", -1)),
    Fault("a number above the most", "age", "max", setting("age", 151)),
    Fault("text longer than the most", "zip", "max_length", setting("zip", "000123")),
    Fault("a marked value of another form", "email", "format", sealing("email", "nobody")),
    Fault("a marked date before the least", "born", "min", sealing("born", "1899-12-31")),
    Fault("a marked date behind the most", "born", "max", sealing("born", "2020-01-02")),
    Fault("a marked value that is no date", "born", "type", sealing("born", "1999-02-29")),
    Fault("a marked value too long", "note", "max_length", sealing("note", "x" * 21)),
    Fault("plain text in a marked column", "email", "plaintext", setting("email", "a@b.example")),
    Fault("the empty string in clear", "note", "plaintext", setting("note", "")),
    Fault("base64 of something else", "note", "plaintext", setting("note", "QUJD" * 20)),
    Fault("another key", "email", "key", sealing("email", "a@b.example", "other")),
    Fault("another column's key", "note", "key", sealing("note", "n", "look")),
    Fault(
        "another column's context",
        "email",
        "authentic",
        sealing("email", "a@b.example", None, "id"),
        6,
    ),
    Fault("another context, sealed", "note", "authentic", sealing("note", "n", None, "born"), 6),
    Fault("a flipped bit", "email", "authentic", character(30, next_bit), 6),
    Fault("a flipped bit of the synthetic IV", "email", "authentic", character(8, next_bit), 6),
    Fault("no base64", "email", "authentic", character(30, lambda _: "*"), 6),
    Fault("an unused bit of base64", "email", "authentic", unused_bit, 6),
    Fault("no padding", "email", "authentic", without_padding, 6),
    Fault("a ciphertext cut off", "email", "authentic", cut_off, 6),
    Fault("an email address in clear", "zip", "personal", setting("zip", "a@b.no")),
]


def _with_room(fault: Fault) -> dict[str, Any]:
    """Return the columns, with room for what would otherwise be too long, too."""
    if fault.rule == "personal":
        return COLUMNS | {"zip": {"type": "string"}}
    return COLUMNS


def _check(fault: Fault, kind: str, sheets, desk: Desk, size: str, row: int) -> None:
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    fault.plant(desk, sheet, row - 1)
    report = desk.verify_sheet(sheet, kind, desk.schema(_with_room(fault)))
    assert found(report) == [(row, fault.column, fault.rule)]
    assert report.exit_code == fault.code
    assert list(report.counts) == [fault.rule]
    assert report.rows == len(sheet.columns["id"])


@pytest.mark.parametrize("place", SMALL)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("fault", RULES, ids=lambda fault: fault.name)
def test_fault_in_a_cell_is_found_and_nothing_else(fault, kind, place, sheets, office_desk):
    """Every rule, in CSV and Parquet, in the first, a middle and the last row."""
    _check(fault, kind, sheets, office_desk, "small", SMALL[place])


_FAR = ["plain text in a marked column", "a number above the most"]


@pytest.mark.parametrize("place", LARGE)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("fault", [f for f in RULES if f.name in _FAR], ids=lambda f: f.name)
def test_fault_in_a_large_file_is_found_in_its_row(fault, kind, place, sheets, office_desk):
    """Rows are counted over the borders of blocks and slices."""
    _check(fault, kind, sheets, office_desk, "large", LARGE[place])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("column", ["id", "email"], ids=["in clear", "encrypted"])
@pytest.mark.parametrize(("size", "row"), [("small", 2), ("large", 70_000)])
def test_value_that_stands_twice_is_found_in_the_later_row(
    column, kind, size, row, sheets, office_desk
):
    """However far apart they are."""
    sheet = sheets[f"{size}.enc.{kind}"].copy()
    sheet.columns[column][row - 1] = sheet.columns[column][0]
    assert found(office_desk.verify_sheet(sheet, kind)) == [(row, column, "unique")]


def test_type_is_checked_in_csv_cell_by_cell(sheets, office_desk):
    """What is not of its type breaks no other rule."""
    sheet = sheets["small.enc.csv"].copy()
    sheet.columns["age"][49] = "many"
    assert found(office_desk.verify_sheet(sheet, "csv")) == [(50, "age", "type")]


def test_type_is_checked_in_parquet_by_the_column(sheets, office_desk):
    """A column of text is no column of integers."""
    sheet = sheets["small.enc.parquet"].copy()
    sheet.types["age"] = pa.string()
    sheet.columns["age"] = [str(age) for age in sheet.columns["age"]]
    assert found(office_desk.verify_sheet(sheet, "parquet")) == [(None, "age", "type")]


def test_type_of_a_marked_column_is_checked_in_parquet_as_in_any_other(desk):
    """Before it is encrypted, and by what it was before."""
    columns = {"a": {"type": "integer", "encrypt": "seal"}}
    Sheet({"a": ["1", "2"]}).save(desk.folder / "plain.parquet")
    desk.encrypt("plain.parquet", "sealed.parquet", desk.schema(columns))
    for file, expect in (("plain.parquet", "plain"), ("sealed.parquet", "encrypted")):
        report = desk.verify(file, desk.schema(columns), expect=expect)
        assert found(report) == [(None, "a", "type")]


@pytest.mark.parametrize("kind", FORMATS)
def test_column_that_is_missing_or_too_much_is_found(kind, sheets, office_desk):
    """Both are of no row; a column that is kept by the schema is not looked for."""
    sheet = sheets[f"small.enc.{kind}"].copy()
    sheet.columns["more"] = sheet.columns.pop("city")
    sheet.types["more"] = pa.string()
    report = office_desk.verify_sheet(sheet, kind)
    assert found(report) == [(None, "more", "columns"), (None, "city", "columns")]
    columns = {name: column for name, column in COLUMNS.items() if name != "city"}
    kept = office_desk.schema(columns, extra_columns="keep")
    assert found(office_desk.verify_sheet(sheet, kind, kept)) == []


@pytest.mark.parametrize("extra", ["error", "keep"])
@pytest.mark.parametrize("name", ["zip", "email"])
def test_column_that_is_called_like_another_is_found(sheets, office_desk, name, extra):
    """In CSV; Parquet refuses it. An unmarked one is like any other, and may be kept."""
    path = office_desk.folder / "twice.csv"
    sheets["small.enc.csv"].save(path)
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(f"{line},{name if not i else '1234567'}" for i, line in enumerate(lines))
    )
    report = office_desk.verify("twice.csv", office_desk.schema(COLUMNS, extra_columns=extra))
    passes = extra == "keep" and not COLUMNS[name].get("encrypt")
    assert found(report) == [] if passes else [(None, f"{name}.1", "columns")]


def test_file_without_columns_lacks_those_of_the_schema(desk):
    """Parquet allows it: that is a finding, and no bug."""
    for rows in (0, 3):
        table = pa.table({"x": pa.nulls(rows)}).drop_columns(["x"])
        pq.write_table(table, desk.folder / "bare.parquet")
        report = desk.verify("bare.parquet", desk.schema({"id": {"type": "string"}}))
        assert (found(report), report.exit_code) == ([(None, "id", "columns")], 10)


@pytest.mark.parametrize("kind", FORMATS)
def test_share_of_cells_that_look_personal_is_found_of_the_column(kind, desk):
    """A card number without its groups is one finding from a fifth of the cells on, or none."""
    schema = desk.schema({"n": {"type": "string"}})
    for cards, wanted in ((19, []), (20, [(None, "n", "personal")])):
        cells = ["4111111111111111"] * cards + ["17"] * (100 - cards)
        report = desk.verify_sheet(Sheet({"n": cells}), kind, schema)
        assert found(report) == wanted
        assert report.columns["n"].suspicious == ({"card_digits": cards} if wanted else {})


@pytest.mark.parametrize("kind", FORMATS)
def test_own_finder_finds_and_allow_silences(kind, desk):
    """A finder of the schema is one like others."""
    sheet = Sheet({"a": ["EMP-000001", "x"], "b": ["a@b.example", "EMP-000002"]})
    finders = {"finders.staff": {"pattern": "EMP-[0-9]{6}", "description": "a number of staff"}}
    columns: dict[str, Any] = {"a": {"type": "string"}, "b": {"type": "string"}}
    report = desk.verify_sheet(sheet, kind, desk.schema(columns, **finders))
    assert found(report) == [(1, "a", "personal"), (1, "b", "personal"), (2, "b", "personal")]
    columns["b"]["allow"] = {"email": "made up", "staff": "made up"}
    report = desk.verify_sheet(sheet, kind, desk.schema(columns, **finders))
    assert found(report) == [(1, "a", "personal")]


@pytest.mark.parametrize("kind", FORMATS)
def test_leak_of_a_searchable_column_is_a_warning(kind, desk):
    """Few values show; a sealed column of the same values does not."""
    cells = ["f", "m"] * 100
    columns = {
        "a": {"type": "string", "encrypt": "look"},
        "b": {"type": "string", "encrypt": "seal"},
    }
    schema = desk.schema(columns)
    Sheet({"a": cells, "b": cells}).save(desk.folder / f"plain.{kind}")
    desk.encrypt(f"plain.{kind}", f"sealed.{kind}", schema)
    for file, wanted in ((f"sealed.{kind}", {}), (f"plain.{kind}", {"expect": "plain"})):
        report = desk.verify(file, schema, **wanted)
        assert found(report) == [(None, "a", "leak")]
        assert (report.exit_code, report.columns["a"].distinct) == (0, 2)
        assert report.columns["a"].most_frequent == 100


BINARY = {"a": {"type": "string", "encrypt": "seal", "encoding": "binary"}}


@pytest.mark.parametrize("row", SMALL.values())
@pytest.mark.parametrize(
    ("plant", "rule", "code"),
    [
        (lambda cell: cell[:20] + bytes([cell[20] ^ 1]) + cell[21:], "authentic", 6),
        (lambda cell: cell[:-1], "authentic", 6),
        (lambda cell: cell[:10], "authentic", 6),
        (lambda _: b"in clear", "plaintext", 10),
        (lambda _: b"", "plaintext", 10),
        (lambda _: b"in clear, and as long as ciphertexts are", "plaintext", 10),
        (lambda cell: b"\x01\0\0\0\x01" + cell[5:], "key", 10),
    ],
    ids=["a bit", "a byte less", "cut off", "in clear", "empty", "long", "key id"],
)
def test_fault_in_raw_bytes_is_found(plant, rule, code, row, desk):
    """As in base64."""
    schema = desk.schema(BINARY)
    Sheet({"a": [f"value {i}" for i in range(100)]}).save(desk.folder / "plain.parquet")
    sheet = Sheet.load(desk.encrypt("plain.parquet", "sealed.parquet", schema))
    assert found(desk.verify("sealed.parquet", schema)) == []
    sheet.columns["a"][row - 1] = plant(sheet.columns["a"][row - 1])
    report = desk.verify_sheet(sheet, "parquet", schema)
    assert (found(report), report.exit_code) == ([(row, "a", rule)], code)


@pytest.mark.parametrize("kind", FORMATS)
def test_several_faults_are_told_in_the_order_of_rows(kind, sheets, office_desk):
    """Columns as the file has them; what is of no row first."""
    sheet = sheets[f"small.enc.{kind}"].copy()
    sheet.columns["city"][9] = "Turku"
    sheet.columns["email"][9] = "in clear"
    sheet.columns["id"][2] = None
    sheet.columns["email"][99] = None
    columns = COLUMNS | {"gone": {"type": "string"}}
    report = office_desk.verify_sheet(sheet, kind, office_desk.schema(columns))
    assert found(report) == [
        (None, "gone", "columns"),
        (3, "id", "required"),
        (10, "email", "plaintext"),
        (10, "city", "enum"),
        (100, "email", "required"),
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_most_findings_are_counted_and_the_first_ones_listed(kind, sheets, office_desk):
    """Of each column and rule; with none listed, the verdict stays."""
    sheet = sheets[f"small.enc.{kind}"].copy()
    sheet.columns["city"] = ["Turku"] * 100
    sheet.columns["email"] = ["in clear"] * 100
    report = office_desk.verify_sheet(sheet, kind, most=2)
    assert [(f.row, f.column) for f in report.findings] == [
        (1, "email"),
        (1, "city"),
        (2, "email"),
        (2, "city"),
    ]
    assert report.counts == {"plaintext": 100, "enum": 100}
    assert report.columns["city"].failures == {"enum": 100}
    report = office_desk.verify_sheet(sheet, kind, most=0)
    assert (report.findings, report.exit_code, report.errors) == ((), 10, 200)


def test_one_plain_cell_of_a_million_is_found(desk):
    """In a narrow file, behind many blocks."""
    rows, row = 1_000_000, 777_777
    schema = desk.schema({"a": {"type": "string", "encrypt": "look"}})
    names = "\n".join(map(str, range(rows)))
    (desk.folder / "plain.csv").write_text(f"a\n{names}\n")
    path = desk.encrypt("plain.csv", "sealed.csv", schema)
    lines = path.read_bytes().split(b"\n")
    lines[row] = b"hello"
    path.write_bytes(b"\n".join(lines))
    report = desk.verify("sealed.csv", schema)
    assert (found(report), report.rows) == ([(row, "a", "plaintext")], rows)
    column = report.columns["a"]
    assert (column.encrypted, column.authentic) == (rows - 1, rows - 1)


def test_date_of_a_schema_holds_for_dates_of_parquet(sheets, office_desk):
    """The column's own type is restored before its rules are looked at."""
    columns = COLUMNS | {"born": COLUMNS["born"] | {"min": date(1952, 1, 1)}}
    report = office_desk.verify("small.enc.parquet", office_desk.schema(columns))
    assert {(f.column, f.rule) for f in report.findings} == {("born", "min")}
    assert [f.row for f in report.findings] == [2, 52]
