"""What can be told with keys of every kind, and without them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from verify_desk import FORMATS, Desk, Sheet, compressed, found, people

from piienc.keys import Key, Keyset, Mode, Prefix, Status, generate
from piienc.receivers import Profile, RowRule
from piienc.transform.treatments.decrypt import Decryption

COLUMNS = {
    "a": {"type": "string", "encrypt": "look", "unique": True},
    "b": {"type": "string", "encrypt": "seal"},
}
PLAIN = {"a": [f"value {i}" for i in range(50)], "b": ["", None, "x", "y", "z"] * 10}


def _keys(prefix: Prefix) -> dict[str, Keyset]:
    return {"look": generate(Mode.SEARCHABLE, prefix), "seal": generate(Mode.SEALED, prefix)}


def _rotated(old: Keyset, status: Status = Status.ENABLED) -> Keyset:
    new = generate(old.mode).primary
    before = [Key(key.key_id, key.material, status, key.prefix) for key in old.keys]
    return Keyset(old.mode, new.key_id, (*before, new))


def _sealed(desk: Desk, kind: str, **more) -> Sheet:
    schema = desk.schema({name: column | more for name, column in COLUMNS.items()})
    Sheet(PLAIN).save(desk.folder / f"plain.{kind}")
    return Sheet.load(desk.encrypt(f"plain.{kind}", f"sealed.{kind}", schema))


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize(
    ("kind", "encoding"), [("csv", "base64"), ("parquet", "base64"), ("parquet", "binary")]
)
def test_keys_of_either_prefix_leave_nothing_to_find(kind, encoding, prefix, desk):
    """With the keys and without; there, authentic cells are not counted."""
    desk.keys = _keys(prefix)
    _sealed(desk, kind, encoding=encoding)
    report = desk.verify(f"sealed.{kind}", desk.schema(COLUMNS), against=f"plain.{kind}")
    assert (found(report), report.exit_code) == ([], 0)
    assert [(c.encrypted, c.authentic) for c in report.columns.values()] == [(50, 50), (40, 40)]
    desk.used = False
    report = desk.verify(f"sealed.{kind}", desk.schema(COLUMNS))
    assert (found(report), report.exit_code) == ([], 0)
    assert [(c.encrypted, c.authentic) for c in report.columns.values()] == [(50, None), (40, None)]
    assert report.columns["a"].distinct == 50


@pytest.mark.parametrize("kind", FORMATS)
def test_without_a_prefix_what_is_no_ciphertext_is_still_found(kind, desk):
    """With the keys, and by the form alone."""
    desk.keys = _keys(Prefix.RAW)
    sheet = _sealed(desk, kind)
    sheet.columns["b"][9] = "in clear"
    sheet.columns["a"][1] = sheet.columns["a"][0]
    for desk.used in (True, False):
        report = desk.verify_sheet(sheet, kind, desk.schema(COLUMNS))
        assert found(report) == [(2, "a", "unique"), (10, "b", "plaintext")]


def test_equal_short_values_under_a_key_without_prefix_are_counted_as_equal(desk):
    """As bytes, their ciphertexts are shorter than those with a prefix, whatever is behind them."""
    desk.keys = {"look": generate(Mode.SEARCHABLE, Prefix.RAW)}
    schema = desk.schema({"a": {"type": "string", "encrypt": "look", "encoding": "binary"}})
    cells = ["", "f", "m", "f", "", "m", "m"] * 20
    Sheet({"a": cells}).save(desk.folder / "plain.parquet")
    desk.encrypt("plain.parquet", "sealed.parquet", schema)
    column = desk.verify("sealed.parquet", schema).columns["a"]
    assert (column.distinct, column.most_frequent) == (3, 60)


@pytest.mark.parametrize("kind", FORMATS)
def test_cells_of_both_keys_are_authentic_after_a_rotation(kind, desk):
    """And both ids are told."""
    first = _sealed(desk, kind)
    old = desk.keys["look"]
    desk.keys["look"] = _rotated(old)
    sheet = _sealed(desk, kind)
    sheet.columns["a"][:25] = first.columns["a"][:25]
    report = desk.verify_sheet(sheet, kind, desk.schema(COLUMNS), against=f"plain.{kind}")
    assert (found(report), report.exit_code) == ([], 0)
    assert set(report.columns["a"].key_ids) == {old.primary_id, desk.keys["look"].primary_id}


@pytest.mark.parametrize("kind", FORMATS)
def test_cells_of_a_disabled_key_are_found(kind, desk):
    """It may not be used, so its cells are not authentic to anybody."""
    sheet = _sealed(desk, kind)
    cell = sheet.columns["a"][25]
    desk.keys["look"] = _rotated(desk.keys["look"], Status.DISABLED)
    sheet = _sealed(desk, kind)
    sheet.columns["a"][25] = cell
    report = desk.verify_sheet(sheet, kind, desk.schema(COLUMNS))
    assert (found(report), report.exit_code) == ([(26, "a", "key")], 10)
    assert "DISABLED" in report.findings[0].detail


@pytest.mark.parametrize("gone", ["missing", "locked"])
@pytest.mark.parametrize("kind", FORMATS)
def test_key_that_cannot_be_used_leaves_what_can_be_told(kind, gone, desk):
    """Exit code 5 if nothing is found; a value in clear is found all the same."""
    sheet = _sealed(desk, kind)
    keys = dict(desk.keys)
    if gone == "missing":
        del desk.keys["look"]
    desk.locked = {"look"}
    report = desk.verify(f"sealed.{kind}", desk.schema(COLUMNS))
    assert (found(report), report.exit_code) == ([], 5)
    assert report.missing_keys == ("look",)
    assert (report.columns["a"].authentic, report.columns["b"].authentic) == (None, 40)
    assert report.columns["a"].mode == (None if gone == "missing" else "searchable")
    unchecked = {"authentic"} | ({"key", "leak", "unique"} if gone == "missing" else set())
    assert set(report.columns["a"].unchecked) == unchecked
    other = Desk(desk.folder, keys)
    sheet.columns["a"][3] = other.sealed("x", "other", "a")
    sheet.columns["a"][4] = "in clear"
    report = desk.verify_sheet(sheet, kind, desk.schema(COLUMNS))
    stranger = [] if gone == "missing" else [(4, "a", "key")]
    assert (found(report), report.exit_code) == ([*stranger, (5, "a", "plaintext")], 10)


@pytest.mark.parametrize("kind", FORMATS)
def test_plain_file_is_held_to_its_rules_before_it_is_encrypted(kind, sheets, office_desk):
    """Marked columns, too; what is encrypted already is found, and judged by nothing else."""
    sheet = sheets[f"small.{kind}"].copy()
    sheet.columns["email"][1] = "nobody"
    sheet.columns["email"][2] = office_desk.sealed("a@b.example", "look", "email")
    sheet.columns["note"][3] = office_desk.sealed("a", "seal", "note")
    sheet.columns["city"][4] = "Turku"
    wanted = [
        (2, "email", "format"),
        (3, "email", "encrypted"),
        (4, "note", "encrypted"),
        (5, "city", "enum"),
    ]
    for tried in (False, True):
        report = office_desk.verify_sheet(sheet, kind, expect="plain", round_trip=tried)
        assert (found(report), report.exit_code) == (wanted, 10)


@pytest.mark.parametrize("kind", FORMATS)
def test_encrypted_file_is_no_plain_one_and_the_other_way_round(kind, office_desk):
    """Every cell says so."""
    report = office_desk.verify(f"small.enc.{kind}", expect="plain")
    assert set(report.counts) == {"encrypted"} | ({"type"} if kind == "parquet" else set())
    assert report.columns["email"].encrypted == 100
    report = office_desk.verify(f"small.{kind}")
    assert report.counts["plaintext"] == 100 + 86 + 80
    assert report.columns["email"].encrypted == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_round_trip_without_its_key_is_not_said_to_have_passed(kind, office_desk):
    """Neither by the exit code nor in the report."""
    desk = Desk(office_desk.folder, office_desk.keys, locked={"look"})
    report = desk.verify(f"small.{kind}", expect="plain", round_trip=True)
    assert (found(report), report.exit_code) == ([], 5)
    assert report.columns["email"].unchecked == {"round-trip": "no key look"}
    assert report.columns["note"].unchecked == {}


def test_round_trip_finds_what_does_not_come_back(office_desk, monkeypatch):
    """Shown with a decryption that changes a value."""
    real = Decryption.apply

    def changed(self, array):
        values = real(self, array).to_pylist()
        return pa.array(["other" if value == "note 9" else value for value in values])

    monkeypatch.setattr(Decryption, "apply", changed)
    report = office_desk.verify("small.csv", expect="plain", round_trip=True)
    assert found(report) == [(10, "note", "round-trip")]


@pytest.mark.parametrize("kind", FORMATS)
def test_file_without_rows_is_clean(kind, desk):
    """Encrypted, plain, with keys and without."""
    people(0, kind).save(desk.folder / f"none.{kind}")
    desk.encrypt(f"none.{kind}", f"none.enc.{kind}")
    for desk.used in (True, False):
        report = desk.verify(f"none.enc.{kind}", against=f"none.{kind}")
        assert (found(report), report.rows, report.exit_code) == ([], 0, 0)
    assert found(desk.verify(f"none.{kind}", expect="plain")) == []


@pytest.mark.parametrize(
    ("csv", "form"),
    [
        ("a;b\r\n1;x\r\n2;\r\n", {"delimiter": ";"}),
        ("a\tb\n'1'\t'x\ty'\n2\t''\n", {"delimiter": "\t", "quote": "'"}),
        ("a,b\nå,ü\n2,\n", {"encoding": "latin-1"}),
        ("\ufeffa,b\n1,x\n2,\n", {}),
        ('a,b\n"x\ny","line\r\nbreak"\n2,""', {}),
        ("a,b\n1,x\n2,\n", {"encoding": "utf-16"}),
    ],
    ids=["semicolon", "tab", "latin-1", "mark", "breaks", "utf-16"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "gzip"])
def test_csv_of_other_forms_is_verified(csv, form, packed, desk):
    """Delimiters, quotes, encodings, line ends and compression."""
    schema = desk.schema(COLUMNS, csv=form)
    plain = desk.folder / "plain.csv"
    plain.write_bytes(csv.encode(form.get("encoding", "utf-8")))
    sealed = desk.encrypt("plain.csv", "sealed.csv", schema)
    if packed:
        plain, sealed = compressed(plain), compressed(sealed)
    for key in (None, "a"):
        report = desk.verify(sealed.name, schema, against=plain.name, key_column=key)
        assert (found(report), report.exit_code, report.rows) == ([], 0, 2)
    report = desk.verify(plain.name, schema, expect="plain", round_trip=True)
    assert (found(report), report.exit_code) == ([], 0)
    report = desk.verify(plain.name, schema)
    assert {rule for *_, rule in found(report)} == {"plaintext"}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("expect", ["encrypted", "plain"])
def test_receivers_rules_hold_for_plain_values_of_marked_columns(expect, kind, desk):
    """Whether they are encrypted already or not yet."""
    rule = RowRule(columns=["a"], lower_case=True)
    profile = Profile(name="own", rows={"low": rule})
    sheet = Sheet({"a": ["x", "Y", "z"], "b": [None, "B", "c"]})
    sheet.save(desk.folder / f"plain.{kind}")
    desk.encrypt(f"plain.{kind}", f"sealed.{kind}", desk.schema(COLUMNS))
    file = f"plain.{kind}" if expect == "plain" else f"sealed.{kind}"
    report = desk.verify(file, desk.schema(COLUMNS), expect=expect, profile=profile)
    assert found(report) == [(2, "a", "profile")]
