"""What CleverTap demands of rows, held to the facts that are known of it."""

import pytest
from receiver_rows import CIPHER, batch, failing, schema, seen

from piienc import receivers as profiles
from piienc.receivers.row_checks import RowRules

CLEVERTAP = profiles.load("clevertap", {})
WORDS = ["undefined", "null", "na", "n/a", "0", "nil", "-1", "empty", "none", "xxxxxx"]
WORDS += [sign + word for word in ("inf", "infinity", "nan") for sign in ("", "+", "-")]
EVENT = {
    "identity": "ada",
    "evtName": "Charged",
    "ts": "1732471963",
    "Phone": "+12025550117",
    "born": "$D_1732471963",
    "tags.operation": "$add",
    "note": "x" * 512,
}


@pytest.mark.parametrize(
    ("column", "value", "detail"),
    [
        ("identity", "i" * 1024, "longer than 1023 characters (rows.identity"),
        ("identity", "Ada", "the identity is not in lower case (rows.identity-case"),
        *(
            ("identity", word, "the identity is one of the words that are dropped there")
            for word in WORDS
        ),
        ("Phone", "12025550117", "the phone number is not +<country><number>"),
        ("Phone", "+1 202 555 0117", "the phone number is not +<country><number>"),
        ("Phone", "+1234567890123456", "the phone number is not +<country><number>"),
        ("ts", "1732471963000", "ts is not in seconds since 1970"),
        ("ts", "2024-11-24", "ts is not in seconds since 1970"),
        ("born", "$D_2024-11-24", "the date is not $D_<seconds since 1970>"),
        ("born", "$D_1732471963000", "the date is not $D_<seconds since 1970>"),
        ("tags.operation", "add", "not one of $add, $remove, $set, $delete"),
        ("note", "x" * 513, "longer than 512 bytes (rows.values"),
        ("note", "ä" * 257, "longer than 512 bytes (rows.values"),
    ],
)
def test_clevertap_refuses_what_it_drops(column, value, detail):
    """Each of its rules, in one row among good ones."""
    rows = [EVENT, EVENT | {column: value}, EVENT]
    plain = batch(**{name: [row[name] for row in rows] for name in EVENT})
    ((where, places, told, severity),) = failing(CLEVERTAP, plain)
    assert (where, places, severity) == (column, [1], "error")
    assert told.startswith(detail)
    assert told.endswith(" of clevertap)")


def test_clevertap_takes_a_good_row_and_an_identity_longer_than_other_values():
    """No rule is stricter than what is known."""
    good = EVENT | {"identity": "i" * 1023, "born": "$D_-86400", "Phone": "+442079460119"}
    rules = RowRules.of(CLEVERTAP, schema(**dict.fromkeys(good)), list(good))
    assert rules.of_the_file() == []
    assert seen(rules.failing(batch(**{name: [value] for name, value in good.items()}), None)) == []


def test_clevertap_wants_an_owner_in_each_row():
    """One identity of several is enough."""
    plain = batch(identity=["a", None, None], FBID=[None, "f", None], Email=["e", "e", "e"])
    assert failing(CLEVERTAP, plain) == [
        (None, [2], "no identity: nobody's row (rows.owner of clevertap)", "error")
    ]


@pytest.mark.parametrize(("kind", "most"), [("event", 100), ("profile", 256)])
def test_clevertap_takes_so_many_properties_of_ones_own(kind, most):
    """By default; so it is a warning."""
    names = ["identity", "Email", "ts", *(f"c{n}" for n in range(most))]
    names += ["EvtName"] if kind == "event" else []
    said = schema(**dict.fromkeys([*names, "more"]))
    assert RowRules.of(CLEVERTAP, said, names).of_the_file() == []
    found = RowRules.of(CLEVERTAP, said, [*names, "more"]).of_the_file()
    detail = f"{most + 1} columns, and {most} are taken (rows.{kind}-properties of clevertap)"
    assert seen(found) == [(None, [], detail, "warning")]


def test_clevertap_cannot_read_an_encrypted_identity_email_or_phone():
    """Each is a warning; a custom column may well be encrypted, if its cells are not too long."""
    marked = {"encrypt": "k"}
    said = schema(
        id=marked | {"property": "Identity"},
        mail=marked | {"property": "Email"},
        tel=marked | {"property": "Phone number"},
        note=marked,
    )
    rules = RowRules.of(CLEVERTAP, said, list(said.columns))
    detail = "encrypted, so it is useless to a receiver that has not the key"
    assert seen(rules.of_the_file()) == [
        (column, [], f"{detail} (rows.readable of clevertap)", "warning")
        for column in ("id", "mail", "tel")
    ]
    plain = batch(id=["ada"], mail=["a@example.com"], tel=["+12025550117"], note=["x" * 400])
    stored = batch(id=[CIPHER], mail=[CIPHER], tel=[CIPHER], note=["A" * 572])
    assert seen(rules.failing(plain, stored)) == [
        ("note", [0], "longer than 512 bytes (rows.values of clevertap)", "error")
    ]
