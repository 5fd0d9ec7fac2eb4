"""What a column's name tells: the data is well-formed, and names are read as people write them."""

import tomllib
from pathlib import Path

import pytest

from piienc.schema import personal
from piienc.schema.personal import personal_by_name

DATA = tomllib.loads(
    Path(personal.__file__).with_name("data").joinpath("personal.toml").read_text("utf-8")
)


def test_data_knows_each_property_by_its_name():
    """So a column that carries it is told, whatever the column is called."""
    for kind in DATA["kind"]:
        if "property" in kind:
            assert personal_by_name(kind["property"]).property == kind["property"]
    assert {kind["key"] for kind in DATA["kind"]} == {"searchable", "sealed"}


@pytest.mark.parametrize("name", ["DOB", "Date of birth", "gender"])
def test_property_of_few_values_is_known_as_such(name):
    """As receivers write it, too."""
    assert personal_by_name(name).few


@pytest.mark.parametrize("kind", DATA["kind"], ids=lambda kind: kind["what"])
def test_data_finds_each_of_its_own_names(kind):
    """No name is hidden behind that of another kind, or by a word that says it is about data."""
    for name in kind["words"] + kind["whole"]:
        for written in (name, name.upper(), name.replace(" ", "_"), name.title().replace(" ", "")):
            found = personal_by_name(written)
            assert found, written
            assert found.what == kind["what"], written


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("customer_email", "an e-mail address"),
        ("emailAddress", "an e-mail address"),
        ("ip_address", "an address in the network"),
        ("Prénom", "a first or last name"),
        ("billing.street.2", "a postal address"),
        ("email_opt_in", None),
        ("phone_verified", None),
        ("file_name", None),
        ("description", None),
        ("relationship", None),
        ("ship_date", None),
        ("card_type", None),
        ("", None),
        ("__", None),
    ],
)
def test_name_tells_by_whole_words(name, what):
    """A word inside of another word is none, and what is about personal data is none itself."""
    found = personal_by_name(name)
    assert (found and found.what) == what
