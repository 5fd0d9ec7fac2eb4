"""The rules on rows: what may stand in their tables, and how they come from base to base."""

import pytest

from piienc import receivers as profiles
from piienc.base import document
from piienc.errors import ConfigError
from piienc.receivers import RowRule
from piienc.receivers.model import BuiltInProfile
from piienc.receivers.rows import DEMANDS

OWN = """\
[profiles.partner]
based_on = "clevertap"

[profiles.partner.rows.phone]
properties = ["Phone"]
pattern = '00[0-9]+'
source = "their mail of 3 March"

[profiles.partner.rows.dates]
severity = "off"

[profiles.partner.rows."e mail"]
properties = ["Email"]
lower_case = true
severity = "warning"
"""


def test_own_rules_replace_the_bases_of_their_names_and_stand_beside_the_others(own):
    """Whole, so that nothing of the replaced rule is left; in the base's order."""
    table = own(OWN)
    made, base = profiles.load("partner", table), profiles.load("clevertap", {})
    assert [*made.rows] == [*base.rows, "e mail"]
    assert made.rows["phone"] == RowRule(
        properties=["Phone"], pattern="00[0-9]+", source="their mail of 3 March"
    )
    assert made.rows["dates"].severity == "off"
    assert made.rows["identity"] == base.rows["identity"]


def test_rules_bring_their_sources(own):
    """A rule of one's own that names none is of its table; an inherited one has its base's."""
    made, base = profiles.load("partner", own(OWN)), profiles.load("clevertap", {})
    assert made.sources["rows.phone"] == "their mail of 3 March"
    assert made.sources["rows.e mail"] == "[profiles.partner.rows.e mail]"
    assert made.sources["rows.identity"] == base.sources["rows.identity"]


def test_rules_of_two_bases_are_kept(own):
    """What is based on what is based on a receiver has all the rules."""
    text = OWN + '[profiles.test]\nbased_on = "partner"\n[profiles.test.rows.n]\nmax_bytes = 9\n'
    made = profiles.load("test", own(text))
    assert [*made.rows][-2:] == ["e mail", "n"]
    assert made.sources["rows.phone"] == "their mail of 3 March"


def test_rules_with_mistakes_are_refused_with_their_lines(mistakes):
    """Each mistake has its line, and its mend where there is one."""
    text = """\
[profiles.p.rows.a]
max_byte = 1
[profiles.p.rows.b]
max_bytes = 0
properties = []
severity = "warn"
when = "plane"
[profiles.p.rows.c]
properties = ["identity"]
[profiles.p.rows.d]
pattern = "(["
[profiles.p.rows.e]
lower_case = true
when = "always"
[profiles.p.rows.f]
required_one_of = ["identity"]
properties = ["Email"]
starting = "x"
[profiles.p.rows.g]
max_columns = 100
when = "plain"
[profiles.p.rows.h]
allowed = ["$add", ""]
[profiles.p.rows.i]
lower_case = false
"""
    nothing = f"demands nothing; say one of {', '.join(DEMANDS)}"
    assert mistakes(text) == [
        f"line 1: profiles.p.rows.a: {nothing}",
        "line 2: profiles.p.rows.a.max_byte: unknown; did you mean 'max_bytes'?",
        (
            "line 4: profiles.p.rows.b.max_bytes: 0 is not an integer of 1 or more; "
            "write max_bytes = 512"
        ),
        'line 5: profiles.p.rows.b.properties: empty; write properties = ["identity"]',
        (
            "line 6: profiles.p.rows.b.severity: 'warn' is not one of error, warning, off; "
            "did you mean 'warning'?"
        ),
        (
            "line 7: profiles.p.rows.b.when: 'plane' is not one of plain, encrypted, always; "
            "did you mean 'plain'?"
        ),
        f"line 8: profiles.p.rows.c: {nothing}",
        "line 11: profiles.p.rows.d.pattern: not a regular expression of RE2: missing ]: [",
        (
            "line 14: profiles.p.rows.e.when: the letters of a ciphertext tell nothing; "
            'write when = "plain"'
        ),
        (
            "line 17: profiles.p.rows.f.properties: "
            "required_one_of is of whole rows; write it as a rule of its own"
        ),
        (
            "line 18: profiles.p.rows.f.starting: "
            "required_one_of is of whole rows; write it as a rule of its own"
        ),
        ("line 21: profiles.p.rows.g.when: nothing here is demanded of cells; leave it out"),
        "line 23: profiles.p.rows.h.allowed[1]: '' is not a string of length 1 or more",
        f"line 24: profiles.p.rows.i: {nothing}",
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('based_on = "clevertap"', "; did you mean 'event'?"),
        ('based_on = "generic"', ""),
        ('based_on = "clevertap"\nkinds = { sale = [] }', ""),
    ],
)
def test_rule_for_rows_of_a_kind_that_the_profile_has_not_is_refused(own, said, told):
    """Which kinds there are, each receiver says for itself."""
    table = own(f'[profiles.p]\n{said}\n[profiles.p.rows.r]\ntype = "events"\nmax_bytes = 1\n')
    with pytest.raises(ConfigError) as caught:
        profiles.load("p", table)
    message = f"profile p: rows.r: 'events' is not one of its kinds of rows{told}"
    if "sale" in said:  # what is based on it has its rules, too
        message = message.replace("rows.r: 'events'", "rows.event-properties: 'event'")
    assert str(caught.value) == message


def test_built_in_rule_needs_a_source(tmp_path):
    """Nothing is demanded of rows in a receiver's name without saying where it says so."""
    file = tmp_path / "receiver.toml"
    file.write_text(
        'summary = "s"\n[rows.a]\nmax_bytes = 1\n[rows.b]\nmax_bytes = 1\nsource = "a page"\n'
    )
    with pytest.raises(ConfigError) as caught:
        document.load(file, BuiltInProfile)
    assert str(caught.value).split("\n  ")[1:] == [
        "line 2: rows.a: has no source; say in source where it comes from"
    ]
