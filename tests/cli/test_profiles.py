"""`piienc profiles`: list and show, word for word."""

import pytest

from piienc import receivers as profiles

OWN = """\
[profiles.partner]
based_on = "salesforce-mc"
summary = "a partner [test]"
names = '[a-z]+\\.csv\\.asc'
extension = ".asc"
notes = ["call [them] first"]
"""

RULES = """\
[profiles.strict]
kinds = { event = ["when"], other = [] }
[profiles.strict.rows.short]
type = "event"
custom = true
besides = ["a", "b", "c", "d", "e", "f"]
max_bytes = 80
lower_case = true
[profiles.strict.rows.dates]
columns = ["*_at"]
starting = "$D_"
when = "plain"
pattern = '\\$D_[0-9]+'
severity = "warning"
source = "their page [2]"
[profiles.strict.rows.taken-back]
severity = "off"
[profiles.strict.rows.owner]
required_one_of = ["identity", "Email"]
"""

LIST = """\
profiles

  name                     summary                                      armor    extension   size limit   trigger
 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  adobe-aep                Adobe Experience Platform: ingestion         either   .pgp        1 GB         none
  adobe-analytics          Adobe Analytics: data sources by FTP         either   .pgp        none         .fin
  adobe-audience-manager   Adobe Audience Manager: inbound data files   either   .pgp        none         none
  amperity                 Amperity: files for couriers                 either   .pgp        none         .DONE
  aws-transfer             AWS Transfer Family: decrypt step            either   .pgp        none         none
  clevertap                CleverTap: profiles and events by SFTP       yes      .asc        1 GB         manifest
  generic                  any receiver that takes OpenPGP              either   .pgp        none         none
  mparticle                mParticle: custom CSV feeds                  either   .pgp        none         none
  partner                  a partner [test]                             yes      .asc        none         none
  salesforce-mc            Salesforce Marketing Cloud: import by SFTP   yes      .pgp        none         none
  tealium                  Tealium: file import                         either   .pgp        none         none
  zeotap                   Zeotap, and others who read RFC 4880 alone   either   .pgp        none         none

"""  # noqa: E501  # as it is printed

SHOWN_RULES = """\
of the rows

  rule         of                                                         demand                            severity   source
 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  short        events: all that are custom but a, b, c, d, e and 1 more   max_bytes 80; lower_case          error      [1]
  dates        *_at that begin with $D_ (plain)                           pattern \\$D_[0-9]+                warning    [2]
  taken-back                                                                                                off        [3]
  owner        rows                                                       required_one_of identity, Email   error      [4]

[1] [profiles.strict.rows.short]
[2] their page [2]
[3] [profiles.strict.rows.taken-back]
[4] [profiles.strict.rows.owner]
"""  # noqa: E501  # as it is printed


def _lines(text):
    return [line.rstrip() for line in text.splitlines()]


def test_show_tells_every_demand_with_its_source(project):
    """Values, numbers of sources, the sources and the notes."""
    project.write("piienc.toml", OWN)
    ended = project.run("profiles", "show", "partner")
    assert (ended.code, ended.err) == (0, "")
    assert _lines(ended.out) == [
        "partner: a partner [test]",
        "what it demands",
        "",
        "  field                  value              source",
        " ───────────────────────────────────────────────────",
        "  armor                  yes                [1]",
        "  extension              .asc               [2]",
        "  extensions             any                default",
        r"  names                  [a-z]+\.csv\.asc   [2]",
        "  cipher                 AES256             default",
        "  compression            auto               default",
        "  aead                   no                 default",
        "  signing                allowed            default",
        "  algorithms             rsa                [1]",
        "  min_rsa_bits           2048               default",
        "  recommended_rsa_bits   4096               [1]",
        "  subkey_required        no                 default",
        "  double_compression     yes                default",
        "  size_limit             none               default",
        "  plain_size_limit       none               default",
        "  trigger                none               default",
        "  trigger_swaps_ending   no                 default",
        "  rename                 yes                default",
        "  never_overwrite        no                 default",
        "",
        "[1] Salesforce, Marketing Cloud documentation of file encryption keys",
        "[2] [profiles.partner]",
        "note: call [them] first",
    ]


def test_show_tells_the_rules_on_rows(project):
    """Which cells each is for, what it demands, and where it comes from."""
    project.write("piienc.toml", RULES)
    ended = project.run("profiles", "show", "strict")
    assert (ended.code, ended.err) == (0, "")
    lines = _lines(ended.out)
    assert lines[lines.index("of the rows") :] == SHOWN_RULES.splitlines()
    shown = project.run("profiles", "show", "strict", "--json").document["profile"]
    assert shown["rows"]["owner"] == {"required_one_of": ["identity", "Email"]}
    assert shown["sources"]["rows.dates"] == "their page [2]"


def test_list_shows_a_line_for_each_profile(project):
    """The built-in ones and the user's own, with what is asked for most."""
    project.write("piienc.toml", OWN)
    ended = project.run("profiles", "list")
    assert (ended.code, ended.err) == (0, "")
    assert _lines(ended.out) == LIST.splitlines()


def test_list_json_has_every_profile_whole(project):
    """A script need not ask for each."""
    ended = project.run("profiles", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [facts["name"] for facts in ended.document["profiles"]] == profiles.names({})
    shown = project.run("profiles", "show", "amperity", "--json").document["profile"]
    assert shown in ended.document["profiles"]


def test_show_json_has_every_field(project):
    """Sizes are bytes, and what is not demanded is null or empty."""
    ended = project.run("profiles", "show", "adobe-aep", "--json")
    assert (ended.code, ended.err) == (0, "")
    page = (
        "Adobe, Encrypted data ingestion: https://experienceleague.adobe.com/en/docs/"
        "experience-platform/sources/api-tutorials/encrypt-data"
    )
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "profile": {
            "name": "adobe-aep",
            "summary": "Adobe Experience Platform: ingestion",
            "armor": None,
            "extension": ".pgp",
            "extensions": [".pgp", ".gpg"],
            "names": None,
            "cipher": "AES256",
            "compression": "auto",
            "aead": False,
            "signing": "allowed",
            "algorithms": ["rsa", "ecc"],
            "min_rsa_bits": 2048,
            "recommended_rsa_bits": 3072,
            "subkey_required": False,
            "double_compression": True,
            "size_limit": 1000000000,
            "plain_size_limit": None,
            "trigger": "none",
            "trigger_swaps_ending": False,
            "rename": True,
            "never_overwrite": False,
            "properties": {},
            "kinds": {},
            "rows": {},
            "notes": [
                (
                    "Adobe's key expires 180 days after it was made: "
                    "make a new one there and import it in time"
                )
            ],
            "sources": {"extensions": page, "size_limit": page},
        },
    }


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_show_unknown_profile_is_refused_with_the_nearest_name(project, option):
    """The error is one of the configuration."""
    ended = project.run("profiles", "show", "clevertp", *option)
    assert ended.code == 3
    if option:
        assert ended.document["error"]["hint"] == "did you mean clevertap?"
    else:
        assert (ended.out, ended.err) == (
            "",
            "piienc: error: there is no profile clevertp\npiienc: hint: did you mean clevertap?\n",
        )
