"""Profiles by name: the built-in ones, and the user's own over them."""

import re
import subprocess
import sys

import pytest

from piienc import receivers as profiles
from piienc.base import document
from piienc.errors import ConfigError
from piienc.receivers import Profile

BUILT_IN = [
    "adobe-aep",
    "adobe-analytics",
    "adobe-audience-manager",
    "amperity",
    "aws-transfer",
    "clevertap",
    "generic",
    "mparticle",
    "salesforce-mc",
    "tealium",
    "zeotap",
]


def test_names_are_the_built_in_ones_and_the_users_own_sorted(own):
    """The user's own profiles stand between the others."""
    assert profiles.names({}) == BUILT_IN
    assert profiles.names(own("[profiles.b]\n[profiles.a]\n")) == sorted(["a", "b", *BUILT_IN])


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_profile_loads_and_has_a_source_for_all_that_is_not_default(name):
    """What differs from the defaults rests on something."""
    loaded, default = profiles.load(name, {}), Profile(name=name)
    assert loaded.name == name
    assert loaded.summary
    changed = {
        field
        for field in Profile.__struct_fields__
        if getattr(loaded, field) != getattr(default, field)
    }
    assert (
        changed - {"summary", "properties", "kinds", "rows", "notes", "sources"}
        <= loaded.sources.keys()
    )
    assert {f"rows.{rule}" for rule in loaded.rows} <= loaded.sources.keys()


def test_generic_demands_nothing():
    """It is the defaults, for a receiver of whom nothing is known."""
    generic = profiles.load("generic", {})
    assert generic == Profile(name="generic", summary=generic.summary)


def test_clevertap_demands_armor_its_name_its_size_and_a_manifest():
    """The facts that a file is refused by."""
    loaded = profiles.load("clevertap", {})
    assert (loaded.armor, loaded.extension, loaded.trigger) == (True, ".asc", "manifest")
    assert (loaded.size_limit, loaded.plain_size_limit) == (10**9, 5 * 10**9)
    assert (loaded.algorithms, loaded.recommended_rsa_bits) == (("rsa",), 3072)
    assert re.fullmatch(loaded.names, "profiles.csv.asc")
    assert not re.fullmatch(loaded.names, "profiles.parquet.asc")
    assert "decrypts cells" in loaded.notes[0]


@pytest.mark.parametrize("name", ["a.csv.pgp", "übung 1.csv.pgp"])
def test_salesforce_takes_names_without_the_characters_of_paths(name):
    """None of the characters that it lists may stand in a name."""
    pattern = profiles.load("salesforce-mc", {}).names
    assert re.fullmatch(pattern, name)
    for forbidden in '\\/:*<>|?"':
        assert not re.fullmatch(pattern, name + forbidden)


def test_others_demand_what_is_known_of_them():
    """One line for each receiver's peculiarity."""
    by_name = {name: profiles.load(name, {}) for name in BUILT_IN}
    assert not any(profile.aead for profile in by_name.values())
    assert [n for n, p in by_name.items() if p.signing == "refused"] == ["aws-transfer"]
    assert [n for n, p in by_name.items() if not p.double_compression] == ["adobe-audience-manager"]
    assert [n for n, p in by_name.items() if p.never_overwrite] == ["mparticle"]
    assert [n for n, p in by_name.items() if p.subkey_required] == ["amperity"]
    assert {n: p.trigger for n, p in by_name.items() if p.trigger != "none"} == {
        "adobe-analytics": ".fin",
        "amperity": ".DONE",
        "clevertap": "manifest",
    }


def test_own_profile_may_stand_alone(own):
    """Without a base, it begins with the defaults."""
    table = own('[profiles.partner]\nsummary = "S"\narmor = false\nextensions = [".pgp"]\n')
    assert profiles.load("partner", table) == Profile(
        name="partner",
        summary="S",
        armor=False,
        extensions=(".pgp",),
        sources={"armor": "[profiles.partner]", "extensions": "[profiles.partner]"},
    )


def test_own_profile_may_be_based_on_another_of_the_users(own):
    """Bases are followed to the end, and the nearest word holds."""
    table = own(
        '[profiles.test]\nbased_on = "partner"\nsigning = "required"\n'
        '[profiles.partner]\nbased_on = "clevertap"\narmor = false\nsigning = "refused"\n'
    )
    loaded, base = profiles.load("test", table), profiles.load("clevertap", {})
    assert (loaded.signing, loaded.armor, loaded.size_limit) == ("required", False, 10**9)
    assert (loaded.summary, loaded.notes) == (base.summary, base.notes)
    assert loaded.sources["armor"] == "[profiles.partner]"
    assert loaded.sources["signing"] == "[profiles.test]"
    assert loaded.sources["size_limit"] == base.sources["size_limit"]


def test_own_profiles_with_wrong_bases_or_names_are_refused(mistakes):
    """A base is there, leads somewhere, and a name stands for one profile."""
    text = """\
[profiles.a]
based_on = "b"
[profiles.b]
based_on = "c"
[profiles.c]
based_on = "b"
[profiles.d]
based_on = "d"
[profiles.e]
based_on = "clevertp"
[profiles.f]
based_on = "xyz"
[profiles.zeotap]
based_on = "zeotap"
"""
    assert mistakes(text) == [
        "line 4: profiles.b.based_on: comes back to itself: b -> c -> b",
        "line 6: profiles.c.based_on: comes back to itself: c -> b -> c",
        "line 8: profiles.d.based_on: comes back to itself: d -> d",
        "line 10: profiles.e.based_on: there is no such profile; did you mean 'clevertap'?",
        "line 12: profiles.f.based_on: there is no such profile",
        (
            "line 13: profiles.zeotap: a built-in profile; "
            'take another name and say based_on = "zeotap"'
        ),
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("clevertab", "did you mean clevertap?"),
        ("partnr", "did you mean partner?"),
        ("../generic", "did you mean generic?"),
        ("xyz", "see 'piienc profiles list' for their names"),
    ],
)
def test_unknown_profile_is_refused_with_the_nearest_name(own, name, hint):
    """The user's own profiles are among those that may have been meant."""
    with pytest.raises(ConfigError) as caught:
        profiles.load(name, own("[profiles.partner]\n"))
    assert (str(caught.value), caught.value.hint) == (f"there is no profile {name}", hint)


def test_load_reads_only_the_profile_that_was_asked_for(monkeypatch):
    """A run does not wait for profiles that it does not use."""
    read = []
    parse = document.parse

    def parsed(content, path, model):
        read.append(path.stem)
        return parse(content, path, model)

    monkeypatch.setattr(document, "parse", parsed)
    profiles.load("zeotap", {})
    assert read == ["zeotap"]


def test_import_of_profiles_leaves_the_heavy_libraries_out():
    """A command that only looks at a profile does not wait for pyarrow or gpg."""
    code = (
        "import sys, piienc.receivers; "
        "print(*{'pyarrow', 'numpy', 'typer', 'rich', 'cryptography', 'gnupg'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"
