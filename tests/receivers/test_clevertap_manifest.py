"""Manifests that are made: what is in them, their names, and that they are taken."""

import json
from datetime import date

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from piienc.errors import ConfigError
from piienc.receivers.clevertap import build, lint, name_for
from piienc.receivers.clevertap.words import DATE_FORMATS, SUFFIX, ManifestTable
from piienc.remote import is_safe
from piienc.schema import Column, Schema

KEY_ID = "ec491319-9823-48cd-b6a1-6bb0bc666d75"
SCHEMA = Schema(
    name="people",
    version=1,
    columns={
        "id": Column(type="string", property="Identity"),
        "mail": Column(type="string", property="Email", encrypt="look"),
        "tel": Column(type="string", property="Phone number"),
        "age": Column(type="integer", min=0, max=150),
        "visits": Column(type="integer", min=0),
        "spent": Column(type="decimal"),
        "active": Column(type="boolean", property="Is active"),
        "born": Column(type="date"),
        "seen": Column(type="timestamp"),
        "secret": Column(type="integer", min=0, max=1, encrypt="seal"),
        "blob": Column(type="binary"),
    },
)
FORMATS = {"born": "dd/MM/yyyy HH:mm:ss", "seen": "Unix"}


def facts(**more):
    """Return what is said of the manifest, with what the test is about."""
    said = {"type": "profile", "client_email": "ada@example.com", "date_formats": FORMATS}
    return ManifestTable(**(said | more))


def made(said, schema=SCHEMA, name="people.csv", **more):
    return json.loads(build(said, data_name=name, schema=schema, **more))


def test_manifest_is_what_schema_and_facts_say():
    """Types by the schema, encrypted columns as text, properties spelt as the receiver does."""
    text = build(facts(key_id=KEY_ID), data_name="people.csv.asc", schema=SCHEMA)
    assert text.endswith(b"}\n")
    assert json.loads(text) == {
        "fileName": "people.csv.asc",
        "type": "profile",
        "columns": {
            "id": {"ctName": "identity", "dataType": "STRING"},
            "mail": {"ctName": "Email", "dataType": "STRING"},
            "tel": {"ctName": "Phone", "dataType": "STRING"},
            "age": {"dataType": "INTEGER"},
            "visits": {"dataType": "LONG"},
            "spent": {"dataType": "FLOAT"},
            "active": {"ctName": "Is active", "dataType": "BOOLEAN"},
            "born": {"dataType": "Date", "dateFormat": "dd/MM/yyyy HH:mm:ss"},
            "seen": {"dataType": "Date", "dateFormat": "Unix"},
            "secret": {"dataType": "STRING"},
            "blob": {"dataType": "STRING"},
        },
        "clientEmail": "ada@example.com",
        "keyId": KEY_ID,
    }
    found = lint(text, data_name="people.csv.asc", header=[*SCHEMA.columns], schema=SCHEMA)
    assert [(one.level, one.rule, one.place) for one in found] == [
        ("warning", "encrypted", "columns.mail")
    ]


def test_facts_prevail_over_the_schema_and_columns_can_be_left_out():
    """A mapping is taken as it is written; a date may be written in a column of text."""
    said = facts(
        columns={"id": "objectId", "tel": "Second phone"},
        exclude=["seen", "blob"],
        date_formats={"born": "Unix", "tel": "dd MMM yyyy HH:mm:ss"},
    )
    columns = made(said)["columns"]
    assert columns["id"] == {"ctName": "objectId", "dataType": "STRING"}
    assert columns["tel"] == {
        "ctName": "Second phone",
        "dataType": "Date",
        "dateFormat": "dd MMM yyyy HH:mm:ss",
    }
    assert not {"seen", "blob"} & set(columns)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (None, None, "LONG"),
        (0, None, "LONG"),
        (None, 9, "LONG"),
        (-(2**31), 2**31 - 1, "INTEGER"),
        (-(2**31) - 1, 0, "LONG"),
        (0, 2**31, "LONG"),
    ],
)
def test_integer_is_long_unless_the_rules_keep_it_short(least, most, expected):
    """The receiver's INTEGER has 32 bits, and the schema's has 64."""
    columns = {"identity": Column(type="string"), "n": Column(type="integer", min=least, max=most)}
    schema = Schema(name="n", version=1, columns=columns)
    document = made(facts(date_formats=None), schema)
    assert document["columns"]["n"] == {"dataType": expected}
    document["columns"]["n"]["dataType"] = "INTEGER"
    levels = [one.level for one in lint(json.dumps(document).encode(), schema=schema)]
    beyond = any(bound is not None and not -(2**31) <= bound < 2**31 for bound in (least, most))
    assert levels == ([] if expected == "INTEGER" else ["error" if beyond else "warning"])


def test_columns_that_the_schema_does_not_name_can_be_mapped_where_it_keeps_them():
    """They are text, since nothing is known of them."""
    schema = Schema(name="p", version=1, columns=SCHEMA.columns, extra_columns="keep")
    said = facts(columns={"more": "More"})
    assert made(said, schema)["columns"]["more"] == {"ctName": "More", "dataType": "STRING"}
    header = [*SCHEMA.columns, "more"]
    assert made(said, schema, header=header) == made(said, schema)


@pytest.mark.parametrize(
    ("said", "name", "mistakes"),
    [
        (
            facts(date_formats={"born": "Unix"}),
            "people.csv",
            ["columns.seen.dateFormat: missing, for the data type is Date; it is one of dd/MM"],
        ),
        (
            facts(date_formats=FORMATS | {"seen": "ISO"}),
            "people.csv",
            ["columns.seen.dateFormat: "],
        ),
        (facts(client_email="ada"), "people.csv", ["clientEmail: not one plain e-mail address"]),
        (facts(), "people.csv.asc", ["keyId: missing: the data file is encrypted"]),
        (facts(key_id="7"), "people.csv.asc", ["keyId: not a UUID"]),
        (facts(key_id=KEY_ID), "people.csv", ["fileName: there is a keyId"]),
        (facts(), "people.parquet", ["fileName: not a plain file name that ends in .csv"]),
        (facts(), "../people.csv", ["fileName: not a plain file name that ends in .csv"]),
        (facts(type="event"), "people.csv", ["columns: no column carries evtName"]),
        (facts(columns={"id": "Id"}), "people.csv", ["columns: no column carries one of identity"]),
        (facts(columns={"idd": "x"}), "people.csv", ["columns.idd: not in the schema; did you"]),
        (
            facts(exclude=["seem"]),
            "people.csv",
            ["the schema has no column 'seem'; did you mean 'seen'?"],
        ),
        (
            facts(exclude=["seen"], columns={"tel": "T"}, date_formats=FORMATS | {"tle": "Unix"}),
            "people.csv",
            [
                "the column 'seen' is excluded, and more is said of it",
                "the schema has no column 'tle'; did you mean 'tel'?",
            ],
        ),
        (
            facts(date_formats=FORMATS | {"secret": "Unix"}),
            "people.csv",
            ["the column 'secret' is encrypted, and its dates with it"],
        ),
    ],
)
def test_manifest_that_would_not_be_taken_is_not_made(said, name, mistakes):
    """All mistakes are told, and not the client's address."""
    with pytest.raises(ConfigError) as caught:
        build(said, data_name=name, schema=SCHEMA)
    assert "ada" not in str(caught.value)
    first, *lines = str(caught.value).split("\n  ")
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    assert first == f"the manifest of {name!r}: {count}"
    assert [line[: len(begin)] for line, begin in zip(lines, mistakes, strict=True)] == mistakes


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
BOUND = st.none() | st.integers(-(2**63), 2**63 - 1)
COLUMNS = st.builds(
    lambda kind, least, most, carried, key: Column(
        type=kind,
        min=least if kind == "integer" else None,
        max=most if kind == "integer" else None,
        property=carried,
        encrypt=key,
    ),
    st.sampled_from(
        ["string", "integer", "float", "boolean", "date", "timestamp", "decimal", "binary"]
    ),
    BOUND,
    BOUND,
    st.none() | NAMES | st.sampled_from(["Identity", "Email", "ts", "MSG-sms"]),
    st.sampled_from([None, None, "look"]),
)


@given(
    st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=6),
    st.sampled_from(["profile", "event"]),
    st.sampled_from(DATE_FORMATS),
    st.booleans(),
    st.booleans(),
)
def test_linter_finds_no_error_in_what_is_made(columns, kind, form, wrapped, with_date):
    """Whatever the schema, a manifest is taken or not made; and most are made."""
    columns |= {"identity": Column(type="string")}
    columns |= {"evtName": Column(type="string")} if kind == "event" else {}
    dates = {
        n: form for n, c in columns.items() if c.type in ("date", "timestamp") and not c.encrypt
    }
    dates |= {"identity": form} if with_date else {}
    schema = Schema(name="s", version=1, columns=columns)
    name, key_id = ("a.csv.asc", KEY_ID) if wrapped else ("a.csv", None)
    said = facts(type=kind, key_id=key_id, date_formats=dates)
    try:
        made, refused = build(said, data_name=name, schema=schema), ""
    except ConfigError as error:
        made, refused = b"", str(error)
    reasons = ("already", "is for events", "is empty or longer")
    assert all(any(why in line for why in reasons) for line in refused.split("\n  ")[1:])
    if refused:
        reject()
    found = lint(made, data_name=name, header=[*columns], schema=schema, name=name_for(name, "a-1"))
    assert [problem for problem in found if problem.level == "error"] == []
    assert json.loads(made)["columns"].keys() == columns.keys()


def test_bounds_of_other_types_do_not_matter():
    """A date has bounds, too."""
    columns = {
        "identity": Column(type="string"),
        "born": Column(type="date", min=date(1900, 1, 1), max=date(2100, 1, 1)),
    }
    schema = Schema(name="s", version=1, columns=columns)
    assert (
        made(facts(date_formats={"born": "Unix"}), schema)["columns"]["born"]["dataType"] == "Date"
    )


def test_name_is_the_data_files_with_the_id():
    """People see what belongs together."""
    assert name_for("people.csv.asc", "7f3a-1") == "people.csv.asc.7f3a-1.manifest"
    assert name_for("../Zoë people.csv", "1") == "_Zo__people.csv.1.manifest"
    assert name_for("...", "1") == "data.1.manifest"
    assert len(name_for("x" * 300, "y" * 64)) == 255


@given(st.text(), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_name_of_a_hostile_file_is_plain(data, unique):
    """Whatever the data file is called, and none of the id is lost."""
    name = name_for(data, unique)
    assert is_safe(name)
    assert name.isascii()
    assert len(name) <= 255
    assert name.endswith(f".{unique}{SUFFIX}")
    assert not name.startswith(".")


@pytest.mark.parametrize("unique", ["", "a/b", "a b", "ä", "x" * 65, "a\n", "1.2"])
def test_name_with_an_odd_id_is_refused(unique):
    """What is not plain would have to be changed, and might be another's then."""
    with pytest.raises(ValueError, match="1 to 64 letters"):
        name_for("a.csv", unique)
