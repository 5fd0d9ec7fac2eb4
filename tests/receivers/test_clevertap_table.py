"""The table of a manifest in piienc.toml, and the receiver's words."""

import pytest

from piienc.base import document
from piienc.errors import ConfigError
from piienc.receivers.clevertap import words as manifest
from piienc.receivers.clevertap.words import ManifestTable

GOOD = """\
type = "event"
client_email = "imports@example.com"
key_id = "ec491319-9823-48cd-b6a1-6bb0bc666d75"
exclude = ["note"]

[columns]
mail = "Email"

[date_formats]
born = "dd/MM/yyyy HH:mm:ss"
"""


@pytest.fixture
def load(tmp_path):
    """Give a function that reads a text as the table."""

    def load(text):
        (tmp_path / "m.toml").write_text(text, "utf-8")
        return document.load(tmp_path / "m.toml", ManifestTable)

    return load


def test_table_is_read(load):
    """Every field has its value, and what is left out has none."""
    assert load(GOOD) == ManifestTable(
        type="event",
        client_email="imports@example.com",
        key_id="ec491319-9823-48cd-b6a1-6bb0bc666d75",
        columns={"mail": "Email"},
        exclude=["note"],
        date_formats={"born": "dd/MM/yyyy HH:mm:ss"},
    )
    short = load('type = "profile"\nclient_email = "a@example.com"\n')
    assert (short.key_id, short.columns, short.exclude, short.date_formats) == (None,) * 4


def test_table_with_mistakes_lists_them_with_their_lines(load):
    """Each mistake has its line and its mend, and the address is not among the words."""
    text = f"""\
type = "profil"
client_email = "Ada <ada@example.com>"
keyid = "x"
key_id = "1A7849F996BFD78569533B2CF55DEEE68995217D"
exclude = ["a", "b"]
[columns]
a = "Email"
c = "email"
d = "{"x" * 121}"
e = ""
[date_formats]
b = "yyyy-MM-dd"
"""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert "ada" not in str(caught.value).lower()
    assert str(caught.value).split("\n  ")[1:] == [
        "line 1: type: 'profil' is not one of profile, event; did you mean 'profile'?",
        "line 2: client_email: not one plain e-mail address",
        "line 3: keyid: unknown; did you mean 'key_id'?",
        "line 4: key_id: not a UUID; write the key id that the receiver gave",
        "line 10: columns.e: '' is not a string of length 1 or more",
        f"line 12: date_formats.b: 'yyyy-MM-dd' is not one of {', '.join(manifest.DATE_FORMATS)}",
    ]


def test_table_whose_columns_do_not_fit_together_is_refused(load):
    """One property has one column, and of what is left out nothing more is said."""
    text = f"""\
type = "profile"
client_email = "a@example.com"
exclude = ["a", "b"]
columns = {{ a = "Email", c = "EMAIL", d = "{"x" * 121}" }}
date_formats = {{ b = "Unix" }}
"""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value).split("\n  ")[1:] == [
        "line 3: exclude[0]: also named in columns; remove it from one of them",
        "line 3: exclude[1]: also named in date_formats; remove it from one of them",
        "line 4: columns.c: the property of column 'a' already",
        "line 4: columns.d: longer than 120 bytes",
    ]


def test_table_without_what_it_must_have_is_refused(load):
    """A manifest has a type and an address, so they are said."""
    with pytest.raises(ConfigError) as caught:
        load("")
    assert str(caught.value).split("\n  ")[1:] == [
        'type: missing; add type = "profile"',
        'client_email: missing; add client_email = "imports@example.com"',
    ]


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("Identity", "identity"),
        ("OBJECTID", "objectId"),
        ("FBID", "fbId"),
        ("Phone number", "Phone"),
        ("phone", "Phone"),
        ("msg-dndsms", "MSG-dndSMS"),
        ("Date of birth", "DOB"),
        ("evtname", "evtName"),
        ("TS", "ts"),
        ("City", None),
        ("e-mail", None),
    ],
)
def test_system_names_are_spelt_as_the_receiver_does(said, known):
    """Capitals do not matter to us; they do to the receiver."""
    assert manifest.PROPERTIES.known(said) == known


@pytest.mark.parametrize("address", ["a@b.ch", "data.team+in@sub.example-x.com"])
def test_plain_addresses_are_taken(address):
    """What people have."""
    assert manifest.is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "a@@b.ch",
        "[a@b.ch](mailto:a@b.ch)",
        "a@b.ch, c@d.ch",
        "a b@c.ch",
        "a@b.ch\n",
        " a@b.ch",
        "a@b..ch",
        "a@.ch",
        "a@b.ch.",
        "ä@b.ch",
        f"{'x' * 65}@b.ch",
        f"a@{'x.' * 150}ch",
    ],
)
def test_other_addresses_are_not(address):
    """The receiver drops such a manifest without a word."""
    assert not manifest.is_email(address)
