"""Rows are held to what their receiver demands: each rule, in each row, encrypted and plain."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from receiver_rows import CIPHER, batch, failing, own, schema, seen

from piienc.receivers.row_checks import RowRules
from piienc.schema import Column, Schema

GOOD_AND_BAD = [
    ("max_characters", 3, ["äöü", "", "abc", None], ["abcd", "äöüß"], "longer than 3 characters"),
    ("max_bytes", 3, ["abc", "", "ä", None], ["abcd", "äö"], "longer than 3 bytes"),
    ("lower_case", True, ["a1-ä", "", "ß", None], ["A", "aÄ"], "not in lower case"),
    (
        "refused",
        ["null", "N/A"],
        ["nullx", " null", "", None],
        ["NULL", "Null", "n/a"],
        "one of the words that are refused",
    ),
    (
        "allowed",
        ["$add", "$set"],
        ["$add", "$set", None],
        ["$ADD", "", "add", "$add "],
        "not one of $add, $set",
    ),
    (
        "pattern",
        "a|[0-9]+",
        ["a", "17", None],
        ["", "ab", "1a", "17\n", "\n17"],
        "not of the form that is demanded",
    ),
]


@pytest.mark.parametrize(("name", "value", "good", "bad", "detail"), GOOD_AND_BAD)
def test_demand_takes_good_values_and_finds_bad_ones(name, value, good, bad, detail):
    """In the first row, between, and in the last, and a null breaks nothing."""
    profile = own(r={name: value})
    assert failing(profile, batch(a=good)) == []
    for wrong in bad:
        cells = [wrong, *good, wrong, *good, wrong]
        rows = [0, len(good) + 1, 2 * len(good) + 2]
        found = failing(profile, batch(a=cells, b=[None] * len(cells)))
        assert found == [("a", rows, f"{detail} (rows.r of p)", "error")]


def test_breach_is_told_in_the_rules_own_words_and_severity():
    """What is said is the profile's, and the value is not in it."""
    profile = own(r={"max_bytes": 1, "says": "too much", "severity": "warning"})
    assert failing(profile, batch(a=["secret"])) == [
        ("a", [0], "too much (rows.r of p)", "warning")
    ]


def test_rule_that_is_off_demands_nothing():
    """Neither of rows nor of the file."""
    profile = own(r={"max_bytes": 1, "max_columns": 1, "severity": "off"})
    plain = batch(a=["long"], b=["long"])
    rules = RowRules.of(profile, schema(a=None, b=None), ["a", "b"])
    assert (rules.failing(plain, None), rules.of_the_file()) == ([], [])


@pytest.mark.parametrize(
    ("choice", "columns"),
    [
        ({}, ["mail", "x.operation", "Identity", "note"]),
        ({"properties": ["email"]}, ["mail"]),
        ({"properties": ["IDENTITY", "phone"]}, ["Identity"]),
        ({"columns": ["*.operation"]}, ["x.operation"]),
        ({"columns": ["n*e", "Identity"]}, ["Identity", "note"]),
        ({"columns": ["[a-z]*"]}, []),
        ({"properties": ["Email"], "columns": ["note"]}, ["mail", "note"]),
        ({"besides": ["identity", "Email"]}, ["x.operation", "note"]),
        ({"custom": True}, ["x.operation", "note"]),
        ({"custom": True, "besides": ["note"]}, ["x.operation"]),
    ],
)
def test_columns_are_chosen_by_property_and_by_name(choice, columns):
    """A property is the schema's or else the column's name, however it is spelt."""
    plain = batch(**{name: ["long"] for name in ("mail", "x.operation", "Identity", "note")})
    said = schema(**{"mail": {"property": "Email"}, "x.operation": None}, Identity=None, note=None)
    found = failing(own(r={"max_bytes": 1, **choice}), plain, said=said)
    assert [column for column, *_ in found] == columns


KINDS = {"sale": ["Price"], "visit": ["Page"], "person": []}


@pytest.mark.parametrize(
    ("carried", "kind"),
    [("Price", "sale"), ("page", "visit"), ("PAGE", "visit"), ("note", "person")],
)
def test_rules_for_a_kind_of_rows_hold_for_it_alone(carried, kind):
    """The first kind one of whose properties a column carries, or the one that needs none."""
    profile = own(**{name: {"type": name, "max_bytes": 1} for name in KINDS})
    profile = replace(profile, kinds=KINDS, properties={"Page": []})
    ((_, _, detail, _),) = failing(profile, batch(a=["long"]), said=schema(a={"property": carried}))
    assert detail == f"longer than 1 bytes (rows.{kind} of p)"


def test_rules_for_a_kind_hold_for_no_file_that_is_of_none():
    """Where a profile has no kind for all others."""
    profile = replace(own(r={"type": "sale", "max_bytes": 1}), kinds={"sale": ["Price"]})
    assert failing(profile, batch(a=["long"])) == []


def test_a_receiver_knows_its_own_properties_and_no_others():
    """What one receiver calls a phone number, or an event, is any text to another."""
    columns = ("Phone number", "evtName", "EMAIL", "ts")
    plain = batch(**{name: ["long"] for name in columns})
    custom = replace(own(r={"custom": True, "max_bytes": 1}), properties={"ts": []})
    assert [column for column, *_ in failing(custom, plain)] == [*columns[:3]]
    named = own(r={"properties": ["Phone", "Email", "evtname"], "max_bytes": 1})
    assert [column for column, *_ in failing(named, plain)] == ["EMAIL"]
    assert failing(replace(named, properties={}), plain) == []
    other = replace(named, properties={"Phone": ["phone NUMBER"]})
    assert [column for column, *_ in failing(other, plain)] == ["Phone number"]


MARKED = schema(a={"encrypt": "key"})


def test_lengths_are_those_of_the_cell_and_contents_those_of_the_value():
    """What the receiver stores is the ciphertext; what it would read is the value."""
    profile = own(length={"max_bytes": 10}, case={"lower_case": True})
    plain, stored = batch(a=["ada", "ADA", None]), batch(a=[CIPHER, CIPHER, None])
    assert failing(profile, plain, stored, MARKED) == [
        ("a", [0, 1], "longer than 10 bytes (rows.length of p)", "error"),
        ("a", [1], "not in lower case (rows.case of p)", "error"),
    ]


def test_value_that_was_not_decrypted_is_not_judged_as_a_value():
    """Without the key there is only the cell, or nothing at all."""
    profile = own(case={"lower_case": True}, length={"max_bytes": 10})
    stored = batch(a=[CIPHER, None])
    for plain in (stored, batch(a=[None, None])):
        found = failing(profile, plain, stored, MARKED)
        assert [(rows, detail[:6]) for _, rows, detail, _ in found] == [([0], "longer")]


@pytest.mark.parametrize(
    ("when", "marked", "rows"),
    [
        (None, True, [1]),
        ("always", True, [1]),
        ("encrypted", True, [1]),
        ("plain", True, [0]),
        (None, False, [1]),
        ("encrypted", False, None),
    ],
)
def test_when_says_which_form_of_a_cell_is_meant(when, marked, rows):
    """A cell has two forms in an encrypted column, and in any other one."""
    profile = own(r={"max_bytes": 4, **({"when": when} if when else {})})
    plain = batch(a=["value", "v"]) if marked else batch(a=["v", "value"])
    stored = batch(a=["c", "cipher"]) if marked else plain
    found = failing(profile, plain, stored, MARKED if marked else None)
    assert [each[1] for each in found] == ([] if rows is None else [rows])


def test_encrypted_cells_of_a_file_that_is_still_plain_are_not_there():
    """What is only marked has no ciphertext yet."""
    profile = own(r={"max_bytes": 1, "when": "encrypted"})
    assert failing(profile, batch(a=["value"]), None, MARKED) == []


def test_only_values_that_begin_so_are_meant():
    """Rows keep their numbers, and a null does not begin."""
    profile = own(r={"starting": "$D_", "pattern": r"\$D_[0-9]+"})
    cells = ["x", "$D_x", None, "$D_1", "$D_"]
    (found,) = failing(profile, batch(a=cells))
    assert found[1] == [1, 4]


def test_row_needs_one_of_the_properties():
    """Null and empty text are nothing; a cell that cannot be decrypted is something."""
    profile = own(r={"required_one_of": ["identity", "Email"]})
    said = schema(Identity={"encrypt": "key"}, mail={"property": "Email"}, note=None)
    plain = batch(
        Identity=["a", None, "", None, None], mail=[None, "b", "", None, None], note=["x"] * 5
    )
    stored = batch(
        Identity=[CIPHER, None, CIPHER, None, CIPHER],
        mail=[None, "b", "", None, None],
        note=["x"] * 5,
    )
    detail = "no value in any of identity, Email (rows.r of p)"
    assert failing(profile, plain, stored, said) == [(None, [2, 3], detail, "error")]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([[0], None, []]),
        pa.array([0, None, 7]),
        pa.array([b"x", b"", b"\xff"]),
        pa.array(["x", "", "y"]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_cell_of_any_type_that_is_neither_null_nor_empty_is_a_value(cells):
    """A list is one, too, and so is a number."""
    profile = own(r={"required_one_of": ["Email"]})
    found = failing(profile, batch(m=cells), said=schema(m={"property": "Email"}))
    assert [rows for _, rows, _, _ in found] == [[1]]


def test_cell_that_is_not_decrypted_is_a_value_whatever_type_stands_for_it():
    """Where there was no key, a column of nulls does."""
    profile = own(r={"required_one_of": ["Email"]})
    said = schema(m={"property": "Email", "encrypt": "key"})
    found = failing(profile, batch(m=pa.nulls(3)), batch(m=[CIPHER, None, CIPHER]), said)
    assert [rows for _, rows, _, _ in found] == [[1]]


@pytest.mark.parametrize("form", ["plain", "stored"])
def test_column_that_a_batch_has_not_is_not_judged(form):
    """Neither as it was nor as it lies in the file."""
    rules = RowRules.of(own(r={"max_bytes": 1, "when": form.replace("stored", "encrypted")}),
                        schema(a={"encrypt": "key"}, b=None), ["a", "b"])  # fmt: skip
    there, missing = batch(a=["long"], b=["x"]), batch(b=["x"])
    plain, stored = (missing, there) if form == "plain" else (there, missing)
    assert rules.failing(plain, stored) == []


def test_file_without_a_column_for_what_rows_need_is_told_once():
    """It is of the file and not of each row."""
    profile = own(r={"required_one_of": ["identity"]})
    rules = RowRules.of(profile, schema(note=None), ["note"])
    assert seen(rules.of_the_file()) == [
        (None, [], "no column carries any of identity (rows.r of p)", "error")
    ]
    assert rules.failing(batch(note=["x"]), None) == []


def test_columns_are_held_to_their_names_their_number_and_being_plain():
    """A name is the property's, in bytes, and what is marked is not plain."""
    profile = own(
        names={"max_name_bytes": 4},
        number={"custom": True, "max_columns": 1, "severity": "warning"},
        readable={"properties": ["Email"], "plain": True},
    )
    said = schema(
        long_name={"property": "four"}, xäöü=None, m={"property": "Email", "encrypt": "k"}
    )
    rules = RowRules.of(profile, said, ["long_name", "xäöü", "m"])
    assert seen(rules.of_the_file()) == [
        ("xäöü", [], "its name is longer than 4 bytes (rows.names of p)", "error"),
        ("m", [], "its name is longer than 4 bytes (rows.names of p)", "error"),
        (None, [], "2 columns, and 1 are taken (rows.number of p)", "warning"),
        ("m", [], "encrypted, and must be plain (rows.readable of p)", "error"),
    ]
    assert RowRules.of(profile, schema(a=None), ["a"]).of_the_file() == []
    # As Python reads bytes that are no text; a character each.
    odd = RowRules.of(own(r={"max_name_bytes": 2}), schema(a=None), ["\udcff\udcfe", "a\udcffb"])
    assert [column for column, *_ in seen(odd.of_the_file())] == ["a\udcffb"]


def test_breach_of_columns_is_told_in_the_rules_own_words():
    """As one of rows is."""
    profile = own(
        r={"max_name_bytes": 1, "says": "short, please"}, s={"max_columns": 1, "says": "no more"}
    )
    rules = RowRules.of(profile, schema(ab=None, c=None), ["ab", "c"])
    assert [detail for _, _, detail, _ in seen(rules.of_the_file())] == [
        "short, please (rows.r of p)", "no more (rows.s of p)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "rows"),
    [
        (pa.array(["0", "x", None], pa.large_string()), [0]),
        (pa.array(["0", "x", None], pa.string_view()), [0]),
        (pa.array(["x", "0", "0"]).dictionary_encode(), [1, 2]),
        (pa.array([0, 10, None], pa.int64()), [0]),
        (pa.array([float("nan"), 1.5, None]), [0]),
        (pa.array([Decimal("0.00"), Decimal(0), None], pa.decimal128(3, 2)), []),
        (pa.array([Decimal(0), Decimal(1), None], pa.decimal128(3, 0)), [0]),
        (pa.array([False, True, None]), [1]),
        (pa.array([date(2020, 1, 2), date(2020, 1, 1), None]), [1]),
        (pa.array([b"0", b"1", None], pa.binary_view()), []),
        (pa.array([None, None, None], pa.null()), []),
        (pa.array([[0], [1], None]), []),
        (pa.array([b"0", b"\xff", None]), []),
    ],
)
def test_typed_cells_are_judged_by_their_text(cells, rows):
    """Parquet has its types; what has no text of its own is not judged."""
    found = failing(own(r={"refused": ["0", "NaN", "true", "2020-01-01"]}), batch(a=cells))
    assert [each[1] for each in found] == ([rows] if rows else [])


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)], ids=str
)
def test_bytes_are_as_long_as_they_are(kind):
    """A ciphertext in Parquet may lie there as bytes, and they are no text."""
    cells = pa.array([b"\xff\xfe\xfd", None], kind)
    for name in ("max_bytes", "max_characters"):
        assert failing(own(r={name: 3}), batch(a=cells)) == []
        assert [each[1] for each in failing(own(r={name: 2}), batch(a=cells))] == [[0]]
    assert failing(own(r={"max_bytes": 2, "starting": "x"}), batch(a=cells)) == []


def test_slice_of_a_batch_counts_from_its_own_first_row():
    """Arrays that begin in the middle of a buffer are read from there."""
    plain = batch(a=["long", "x", "long", "x", "long"]).slice(1, 3)
    assert [each[1] for each in failing(own(r={"max_bytes": 2}), plain)] == [[1]]


def test_columns_that_a_batch_has_not_or_has_twice_are_not_judged():
    """Which columns are there is another rule's."""
    rules = RowRules.of(
        own(r={"max_bytes": 1}, o={"required_one_of": ["b"]}), schema(a=None, b=None), ["a", "b"]
    )
    assert rules.failing(batch(c=["long"]), None) == []
    twice = pa.RecordBatch.from_arrays([pa.array(["long"])] * 2, ["a", "a"])
    assert rules.failing(twice, None) == []


def test_empty_batch_breaks_nothing():
    """There is no row that could."""
    profile = own(a={"allowed": ["x"]}, r={"required_one_of": ["a"]}, l={"lower_case": True})
    assert failing(profile, batch(a=[])) == []


CELLS = st.none() | st.text(st.sampled_from("aAäÄ0$_D€\n"), max_size=6)
RULES = {
    "characters": {"max_characters": 3},
    "bytes": {"max_bytes": 4},
    "case": {"lower_case": True},
    "refused": {"refused": ["a0", "Ä", "0"]},
    "allowed": {"allowed": ["a", "$D", "Aa"]},
    "pattern": {"pattern": "[aA]*|[$].+"},
    "starting": {"starting": "$D", "pattern": "[$]D_?0*"},
    "owner": {"required_one_of": ["a", "b"]},
}


def _naive(cell):
    """Judge one cell by Python's own means."""
    if cell is None:
        return set()
    broken = {
        "characters": len(cell) > 3,
        "bytes": len(cell.encode()) > 4,
        "case": cell != cell.lower(),
        "refused": cell.lower() in {"a0", "ä", "0"},
        "allowed": cell not in {"a", "$D", "Aa"},
        "pattern": not re.fullmatch("[aA]*|[$].+", cell),
        "starting": cell.startswith("$D") and not re.fullmatch("[$]D_?0*", cell),
    }
    return {name for name, is_broken in broken.items() if is_broken}


@given(st.lists(st.tuples(CELLS, CELLS), max_size=40))
def test_rules_find_what_a_loop_over_the_cells_finds(rows):
    """Whole-column operations are the same as one cell after the other."""
    plain = batch(a=[a for a, _ in rows], b=[b for _, b in rows])
    found = {
        (column, row, detail.split("rows.")[1].removesuffix(" of p)"))
        for column, places, detail, _ in failing(own(**RULES), plain)
        for row in places
    }
    expected = {
        (column, row, rule)
        for row, cells in enumerate(rows)
        for column, cell in zip("ab", cells, strict=True)
        for rule in _naive(cell)
    } | {(None, row, "owner") for row, cells in enumerate(rows) if not any(cells)}
    assert found == expected


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_encrypted_column_is_judged_by_its_cells_lengths_and_its_values_contents(rows):
    """Each demand sees the one form that it is about, as if there were no other."""
    assume(any(value != cell for value, cell in rows))
    plain = batch(a=[value for value, _ in rows])
    stored = batch(a=[cell for _, cell in rows])
    lengths = own(**{name: RULES[name] for name in ("characters", "bytes")})
    contents = own(**{name: RULES[name] for name in ("case", "refused", "allowed", "pattern")})
    assert failing(lengths, plain, stored, MARKED) == failing(lengths, stored)
    assert failing(contents, plain, stored, MARKED) == failing(contents, plain)


def test_threads_may_share_the_rules():
    """Nothing of a batch is kept."""
    rules = RowRules.of(own(**RULES), schema(a=None, b=None), ["a", "b"])
    batches = [batch(a=["x" * (n % 7), "A", None], b=[None, str(n), "$D_"]) for n in range(64)]
    alone = [seen(rules.failing(each, None)) for each in batches]
    with ThreadPoolExecutor(8) as pool:
        together = [seen(each) for each in pool.map(lambda b: rules.failing(b, None), batches)]
    assert together == alone


def test_rows_are_64_bit_and_in_order():
    """They index the batch as they are."""
    rules = RowRules.of(own(r={"max_bytes": 1}), schema(a=None), ["a"])
    (violation,) = rules.failing(batch(a=["ab", "a", "ab"]), None)
    assert violation.rows.dtype == np.int64
    assert violation.rows.tolist() == [0, 2]


def test_schema_columns_need_not_be_in_the_file():
    """The file's own columns are judged, also those that the schema does not name."""
    said = Schema(name="s", version=1, columns={"gone": Column(type="string")})
    rules = RowRules.of(own(r={"max_bytes": 1}), said, ["extra"])
    assert [each.column for each in rules.failing(batch(extra=["ab"]), None)] == ["extra"]
