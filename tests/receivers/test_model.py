"""What may stand in a profile's table, and what is refused with which words."""

import pytest

from piienc.base import document
from piienc.errors import ConfigError
from piienc.receivers import Profile
from piienc.receivers.model import BuiltInProfile, Demands, size_text


def test_table_has_the_fields_of_a_profile():
    """All that a profile demands can be said, in the same order."""
    fields = [name for name in Profile.__struct_fields__ if name != "name"]
    assert [*Demands.__struct_fields__] == ["based_on", *fields]


def test_table_with_mistakes_lists_them_with_their_lines(mistakes):
    """Each mistake has its line, and its mend where there is one."""
    text = """\
[profiles.p]
armour = true
armor = "yes"
extension = "pgp"
extensions = [".pgp", "gpg/"]
names = "(["
cipher = "3DES"
algorithms = ["rsa", "dsa"]
min_rsa_bits = 1024
size_limit = "1 GiB"
plain_size_limit = "0 B"
trigger = ".DON"
notes = [""]
"""
    found = [line.split(": profiles.p.") for line in mistakes(text)]
    assert [place for place, _ in found] == [f"line {number}" for number in range(2, 14)]
    assert [said for _, said in found] == [
        "armour: unknown; did you mean 'armor'?",
        "armor: 'yes' is not a boolean; write armor = true",
        "extension: 'pgp' is not an ending of names; write \".pgp\", say",
        "extensions: 'gpg/' is not an ending of names; write \".pgp\", say",
        "names: not a regular expression of RE2: missing ]: [",
        "cipher: '3DES' is not one of AES256, AES192, AES128",
        "algorithms[1]: 'dsa' is not one of rsa, ecc; did you mean 'rsa'?",
        "min_rsa_bits: 1024 is not an integer of 2048 or more; write min_rsa_bits = 3072",
        "size_limit: '1 GiB' is not a size; write size_limit = \"1 GB\"",
        "plain_size_limit: '0 B' is not a size; write plain_size_limit = \"1 GB\"",
        "trigger: '.DON' is not one of none, manifest, .fin, .DONE; did you mean '.DONE'?",
        "notes[0]: '' is not a string of length 1 or more",
    ]


def test_table_with_empty_lists_and_endings_is_refused(mistakes):
    """An ending of nothing would make the wrapped file's name the source's."""
    text = '[profiles.p]\nextension = ""\nextensions = []\nalgorithms = []\nnames = ""\n'
    assert [line.partition(": ")[2].partition(";")[0] for line in mistakes(text)] == [
        "profiles.p.extension: '' is not a string of length 1 or more",
        "profiles.p.extensions: empty",
        "profiles.p.algorithms: empty",
        "profiles.p.names: '' is not a string of length 1 or more",
    ]


def test_source_of_what_is_not_demanded_is_refused(mistakes):
    """A source stands for a demand of the same table."""
    text = '[profiles.p.sources]\narmor = "a page"\nnonsense = "a page"\nnotes = "a page"\n'
    assert mistakes(text) == [
        f"line {line}: profiles.p.sources.{name}: the source of nothing that this profile demands"
        for line, name in ((2, "armor"), (3, "nonsense"), (4, "notes"))
    ]


def test_source_of_a_refused_demand_is_no_mistake_of_its_own(mistakes):
    """One mistake is told once."""
    text = '[profiles.p]\narmor = "yes"\n[profiles.p.sources]\narmor = "a page"\n'
    assert len(mistakes(text)) == 1


def test_built_in_table_needs_a_source_for_each_demand(tmp_path):
    """Nothing is demanded in a receiver's name without saying where it says so."""
    file = tmp_path / "receiver.toml"
    file.write_text('armor = true\naead = false\n[sources]\naead = "a page"\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        document.load(file, BuiltInProfile)
    assert str(caught.value).split("\n  ")[1:] == [
        "line 1: armor: has no source; say in [sources] where it comes from",
        "summary: missing",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1 GB", 10**9),
        ("5GB", 5 * 10**9),
        ("250 MB", 250 * 10**6),
        ("3 kB", 3000),
        ("17 B", 17),
        ("2 TB", 2 * 10**12),
    ],
)
def test_size_is_decimal_and_written_as_it_is_read(text, size):
    """A gigabyte is 10^9 bytes, the smaller of the two that are called so."""
    assert Demands(size_limit=text).over(Profile(name="p"), "p").size_limit == size
    assert size_text(size).replace(" ", "") == text.replace(" ", "")


def test_size_that_is_not_round_is_shown_in_bytes():
    """What is shown is what holds."""
    assert size_text(1_000_000_001) == "1000000001 B"


def test_over_keeps_what_is_not_said_with_its_source():
    """A table changes single fields; each then has its own source."""
    base = Profile(
        name="base",
        summary="s",
        armor=True,
        signing="refused",
        notes=("n",),
        sources={"armor": "page 1", "signing": "page 2"},
    )
    made = Demands(signing="allowed", never_overwrite=True, sources={"signing": "a letter"})
    assert made.over(base, "mine") == Profile(
        name="mine",
        summary="s",
        armor=True,
        signing="allowed",
        never_overwrite=True,
        notes=("n",),
        sources={
            "armor": "page 1",
            "signing": "a letter",
            "never_overwrite": "[profiles.mine]",
        },
    )


def test_over_extension_that_is_not_accepted_is_refused():
    """The name that we would give must be one that the receiver takes."""
    base = Profile(name="base", extensions=(".pgp", ".gpg"))
    assert Demands(extension=".csv.gpg").over(base, "p").extension == ".csv.gpg"
    with pytest.raises(ConfigError) as caught:
        Demands(extension=".asc").over(base, "p")
    assert str(caught.value) == (
        "profile p: the extension .asc is not one of its extensions, .pgp, .gpg"
    )
    assert caught.value.hint == "set both in [profiles.p]"
