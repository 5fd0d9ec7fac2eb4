"""What the linter of manifests finds, rule by rule."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.receivers.clevertap import lint
from piienc.receivers.clevertap.words import DATA_TYPES
from piienc.schema import Column, Schema

KEY_ID = "ec491319-9823-48cd-b6a1-6bb0bc666d75"
FORMATS = (
    "dd/MM/yyyy HH:mm:ss, MM/dd/yyyy HH:mm:ss, yyyy/dd/MM HH:mm:ss, yyyy/MM/dd HH:mm:ss, "
    "dd MMM yyyy HH:mm:ss, Unix"
)
GOOD = {
    "fileName": "people.csv",
    "type": "profile",
    "columns": {
        "id": {"ctName": "identity", "dataType": "STRING"},
        "mail": {"ctName": "Email"},
        "age": {"dataType": "INTEGER"},
        "visits": {"ctName": "Visits", "dataType": "LONG"},
        "spent": {"dataType": "FLOAT"},
        "born": {"dataType": "Date", "dateFormat": "dd/MM/yyyy HH:mm:ss"},
        "sms": {"ctName": "MSG-sms", "dataType": "BOOLEAN"},
        "note": {},
    },
    "clientEmail": "ada@example.com",
}
SCHEMA = Schema(
    name="people",
    version=1,
    columns={
        "id": Column(type="string"),
        "mail": Column(type="string"),
        "age": Column(type="integer", min=0, max=150),
        "visits": Column(type="integer", min=0),
        "spent": Column(type="decimal"),
        "born": Column(type="date"),
        "sms": Column(type="boolean"),
        "note": Column(type="binary"),
    },
)
HEADER = list(SCHEMA.columns)
GONE = object()


def changed(**changes):
    """Return the good manifest with values at places such as `columns__mail__ctName`."""
    made = copy.deepcopy(GOOD)
    for place, value in changes.items():
        *above, last = place.split("__")
        target = made
        for name in above:
            target = target[name]
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return json.dumps(made).encode()


def found(manifest, **more):
    return [
        (problem.level, problem.rule, problem.place, problem.message)
        for problem in lint(manifest, **more)
    ]


def test_good_manifest_has_no_problem():
    """Neither alone, nor beside what it is about; encrypted neither."""
    assert found(changed()) == []
    assert found(changed(), schema=SCHEMA) == []
    name = "people.csv.7f3a.manifest"
    assert found(changed(), data_name="people.csv", header=HEADER, schema=SCHEMA, name=name) == []
    wrapped = changed(fileName="people.csv.asc", keyId=KEY_ID)
    assert found(wrapped, data_name="people.csv.asc", schema=SCHEMA) == []


def test_events_need_a_column_with_their_names():
    """As the receiver's own samples have it."""
    event = changed(
        type="event", columns__note={"ctName": "evtName"}, columns__age={"ctName": "ts"}
    )
    assert found(event, header=HEADER) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ('{"a": 1', "line 1, column 8"),
        ('{\n"a": 1,\n}', None),  # Python's versions point to the comma, or behind it
        ("{'a': 1}", "line 1, column 2"),
        ('{\n "a": True}', "line 2, column 7"),
        ('{"a": "b}', "line 1, column 7"),
        ("{} {}", "line 1, column 4"),
        ("[" * 200_000, "the file"),
        ("null", "the file"),
    ],
)
def test_text_that_is_not_strict_json_is_told_with_its_place(text, place):
    """The receiver sends no notice of it, so it is told where to look."""
    ((level, rule, where, _),) = found(text.encode())
    assert (level, rule) == ("error", "syntax")
    assert place is None or where == place


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_found(number):
    """Python reads them, and others do not."""
    text = json.dumps(GOOD)[:-1] + f', "a": [0, {number}]}}'
    assert ("error", "syntax", "the file", f"{number} is not JSON") in found(text.encode())


def test_names_that_are_there_twice_are_found():
    """One reader takes the first, and another the last; the same name elsewhere is none."""
    text = '{"type": "event", "columns": {"type": {}, "x": {"\\u0074ype": 1}}, "type": "x"}'
    twice = "'type' is there twice; readers take one or the other"
    assert found(text.encode())[0] == ("error", "duplicate", "the file", twice)
    text = '{"columns": {"a": {}, "b": {}, "\\u0061": {}}}'
    assert [rule for _, rule, *_ in found(text.encode())].count("duplicate") == 1


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (
            b"\xef\xbb\xbf" + changed(),
            "line 1, column 1",
            "a byte order mark; save the file as UTF-8 without one",
        ),
        (b'{\n "a": "\xe4"}', "byte 10", "not UTF-8"),
        (json.dumps(GOOD).encode("utf-16"), "byte 1", "not UTF-8"),
    ],
)
def test_text_in_another_encoding_is_told_with_its_place(data, place, message):
    """A mark at the beginning is enough for a strict reader to give up."""
    assert found(data) == [("error", "encoding", place, message)]


FIELDS = [
    (
        {"filename": "people.csv", "fileName": GONE},
        "field",
        "filename",
        "unknown; did you mean 'fileName'?",
    ),
    ({"rows": 3}, "field", "rows", "unknown"),
    ({"type": GONE}, "field", "type", "missing"),
    ({"clientEmail": GONE}, "field", "clientEmail", "missing"),
    ({"fileName": GONE}, "field", "fileName", "missing"),
    ({"type": 1}, "field", "type", "not a string"),
    (
        {"columns__note__ctname": "N"},
        "field",
        "columns.note.ctname",
        "unknown; did you mean 'ctName'?",
    ),
    ({"columns__note__dataType": None}, "field", "columns.note.dataType", "not a string"),
    ({"columns__note": "STRING"}, "field", "columns.note", "not an object"),
    (
        {"type": "profiles"},
        "type",
        "type",
        "'profiles' is not profile or event; did you mean 'profile'?",
    ),
    ({"fileName": "peeple.csv"}, "file-name", "fileName", "not the data file's name"),
    ({"clientEmail": "ada@example"}, "client-email", "clientEmail", "not one plain e-mail address"),
    (
        {"clientEmail": "[ada@example.com](mailto:ada@example.com)"},
        "client-email",
        "clientEmail",
        "not one plain e-mail address",
    ),
    (
        {"keyId": KEY_ID},
        "file-name",
        "fileName",
        "there is a keyId, but the name does not end in .asc, as encrypted files do",
    ),
    (
        {"columns__age__dataType": "int"},
        "data-type",
        "columns.age.dataType",
        "'int' is not one of STRING, INTEGER, LONG, FLOAT, BOOLEAN, Date; did you mean 'INTEGER'?",
    ),
    (
        {"columns__mail__dataType": "BOOLEAN", "columns__mail__ctName": "M"},
        "data-type",
        "columns.mail.dataType",
        "the schema's column is of type string, so it is STRING or Date, not BOOLEAN",
    ),
    (
        {"columns__born__dateFormat": GONE},
        "date-format",
        "columns.born.dateFormat",
        f"missing, for the data type is Date; it is one of {FORMATS}",
    ),
    (
        {"columns__note__dateFormat": "Unix"},
        "date-format",
        "columns.note.dateFormat",
        "only for the data type Date",
    ),
    (
        {"columns__born__dateFormat": "yyyy-MM-dd"},
        "date-format",
        "columns.born.dateFormat",
        f"'yyyy-MM-dd' is not one of {FORMATS}",
    ),
    (
        {"columns__nota": {}},
        "column",
        "columns.nota",
        "not in the data file's header; did you mean 'note'?",
    ),
    (
        {"columns__note__ctName": "age"},
        "property",
        "columns.note.ctName",
        "the property of column 'age' already",
    ),
    (
        {"columns__note__ctName": "EMAIL"},
        "property",
        "columns.note.ctName",
        "the property of column 'mail' already",
    ),
    (
        {"columns__age": GONE, "columns__note__ctName": "age"},
        "property",
        "columns.note.ctName",
        "a column of the file that is not named here has this name, and is taken as it",
    ),
    (
        {"columns__note__ctName": "ä" * 61},
        "property",
        "columns.note.ctName",
        "the property's name is empty or longer than 120 bytes",
    ),
    (
        {"columns__note__ctName": " "},
        "property",
        "columns.note.ctName",
        "the property's name is empty or longer than 120 bytes",
    ),
    (
        {"columns__id__ctName": "Email2"},
        "identity",
        "columns",
        "no column carries one of identity, objectId, fbId, gpId, guid: nobody's rows",
    ),
    (
        {"type": "event"},
        "event",
        "columns",
        "no column carries evtName, the name of each row's event",
    ),
    (
        {"columns__note__ctName": "evtName"},
        "event",
        "columns.note.ctName",
        "evtName is for events, and the type is profile",
    ),
]


@pytest.mark.parametrize(("changes", "rule", "place", "message"), FIELDS)
def test_mistake_is_an_error_with_its_place(changes, rule, place, message):
    """Each of them, and nothing else that is not the same mistake seen from another side."""
    problems = found(changed(**changes), data_name="people.csv", header=HEADER, schema=SCHEMA)
    errors = [problem[1:] for problem in problems if problem[0] == "error"]
    assert errors == [(rule, place, message)]
    assert not any("ada@" in problem[3] for problem in problems)


WARNINGS = [
    ({"type": "PROFILE"}, "type", "type", "write profile, as the receiver's samples do"),
    ({"columns__visits__dataType": "Long"}, "data-type", "columns.visits.dataType", "write LONG"),
    (
        {"columns__visits__dataType": "INTEGER"},
        "data-type",
        "columns.visits.dataType",
        "no rule of the schema keeps it within 32 bits; write LONG, or give min and max",
    ),
]


@pytest.mark.parametrize(("changes", "rule", "place", "message"), WARNINGS)
def test_doubt_is_a_warning_with_its_place(changes, rule, place, message):
    """It may be meant so, or the receiver's pages disagree."""
    problems = found(changed(**changes), data_name="people.csv", header=HEADER, schema=SCHEMA)
    assert problems == [("warning", rule, place, message)]


@pytest.mark.parametrize(
    ("file_name", "data_name", "key_id", "expected"),
    [
        ("p.csv", "p.csv.asc", GONE, [("file-name", "not the data file's name")]),
        (
            "p.csv.asc",
            "p.csv.asc",
            GONE,
            [("key-id", "missing: the data file is encrypted, for its name ends in .asc")],
        ),
        (
            "p.csv.asc",
            "p.csv.asc",
            "1A7849F996BFD78569533B2CF55DEEE68995217D",
            [("key-id", "not a UUID, as the receiver gives it")],
        ),
        ("p.csv.asc", None, "x", [("key-id", "not a UUID, as the receiver gives it")]),
        ("p.csv.asc", None, 7, [("field", "not a string")]),
        (
            "p.csv.pgp",
            None,
            GONE,
            [("file-name", "not a plain file name that ends in .csv or .csv.asc")],
        ),
        (
            "in/p.csv",
            None,
            GONE,
            [("file-name", "not a plain file name that ends in .csv or .csv.asc")],
        ),
    ],
)
def test_names_of_encrypted_files_and_their_keys_are_checked(
    file_name, data_name, key_id, expected
):
    """The receiver finds the file by its name, and the key by the id that it gave."""
    changes = {"fileName": file_name} | ({} if key_id is GONE else {"keyId": key_id})
    problems = found(changed(**changes), data_name=data_name)
    assert [(rule, message) for _, rule, _, message in problems] == expected


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("a.json", ["the manifest's own name does not end in .manifest"]),
        ("a\n.manifest", ["the manifest's own name is no plain file name"]),
        (".piienc-a.manifest", ["the manifest's own name is no plain file name"]),
        ("a.b-1.manifest", []),
    ],
)
def test_manifest_of_another_name_is_found(name, messages):
    """The receiver does not see it, or nobody should."""
    expected = [("error", "manifest-name", "the file", message) for message in messages]
    assert found(changed(), name=name) == expected


def test_identity_in_a_column_that_is_not_named_counts():
    """The receiver takes such columns under their own names."""
    manifest = changed(columns__id=GONE)
    assert [one[:2] for one in found(manifest, header=HEADER)] == [("error", "identity")]
    assert found(manifest, header=[*HEADER, "Identity"]) == []
    assert [one[:2] for one in found(manifest)] == [("warning", "identity")]
    assert found(changed(columns=GONE), header=["ObjectId", "x"]) == []


def test_header_that_may_be_a_row_of_data_is_not_shown():
    """A file without a header begins with somebody's cells."""
    row = ["ada@example.org", "Phone", "phone", "36"]
    for manifest in (changed(), changed(columns=GONE), changed(columns={})):
        for schema in (None, SCHEMA):
            for _, _, place, message in found(manifest, header=row, schema=schema):
                assert "example.org" not in place + message
    assert found(changed(), header=row)[0] == (
        "error",
        "column",
        "columns",
        "none of the columns is in the data file's header; see that the file has one",
    )


def test_encrypted_columns_are_text_and_useless_as_system_properties():
    """A cell is base64, which the receiver neither decrypts nor takes for an address."""
    encrypted = {
        **SCHEMA.columns,
        "mail": Column(type="string", encrypt="look"),
        "age": Column(type="integer", encrypt="seal"),
        "id": Column(type="string", encrypt="look"),
        "sms": Column(type="boolean", encrypt="seal"),
    }
    schema = Schema(name="people", version=1, columns=encrypted)
    said = "is encrypted, so it is useless to a receiver that has not the key"
    assert found(changed(columns__sms__dataType="STRING"), schema=schema) == [
        (
            "error",
            "data-type",
            "columns.age.dataType",
            "the schema's column is encrypted, so it is STRING, not INTEGER",
        ),
        ("warning", "encrypted", "columns.id", f"identity {said}"),
        ("warning", "encrypted", "columns.mail", f"Email {said}"),
        ("warning", "encrypted", "columns.sms", f"MSG-sms {said}"),
    ]


def test_columns_that_the_schema_has_not_are_found_where_it_allows_no_others():
    """Without a header, the schema tells the columns."""
    manifest = changed(columns__more={})
    assert found(manifest, schema=SCHEMA) == [
        ("error", "column", "columns.more", "not in the schema")
    ]
    keeping = Schema(name="p", version=1, columns=SCHEMA.columns, extra_columns="keep")
    assert found(manifest, schema=keeping) == []


def test_operations_are_named_with_a_dot():
    """COLUMN.operation is the receiver's own word."""
    assert found(changed(**{"columns__note.operation": {}})) == []


WORDS = st.sampled_from([*GOOD, *GOOD["columns"], "ctName", "dataType", "dateFormat", *DATA_TYPES])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)
HEADERS = st.none() | st.lists(WORDS | st.text(max_size=8), max_size=4)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()), HEADERS, st.booleans())
def test_anything_is_judged_without_an_accident(manifest, header, with_schema):
    """No file makes the linter fail, and what it says can be printed."""
    schema = SCHEMA if with_schema else None
    for problem in lint(manifest, data_name="x", header=header, schema=schema, name="\ud800"):
        assert f"{problem.place}: {problem.message}".isprintable()
        assert len(problem.message) < 400


@given(JSON)
def test_any_columns_are_judged_without_an_accident(columns):
    """The same, where it goes deeper."""
    for problem in lint(changed(columns=columns), header=HEADER, schema=SCHEMA):
        assert f"{problem.place}: {problem.message}".isprintable()


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_strict_json_has_no_mistake_of_syntax(value):
    """Whatever Python writes strictly is not refused as JSON."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:  # a number that JSON has not, or half of a pair
        return
    assert not {"syntax", "duplicate", "encoding"} & {one.rule for one in lint(text)}
