"""`piienc init`: from a sample to a project that works, and nothing of the user's lost."""

import re
import shlex
import stat
import tomllib
from dataclasses import replace

import pytest

from piienc.cli import ui

SAMPLE = """\
user_id,email,gender,code
1001,ada-CANARY@example.com,f,00123
1002,bob-CANARY@example.com,m,10115
"""
SAID = """\
piienc: made key sealed
piienc: made key searchable
piienc: made .gitignore
piienc: made schema.toml
piienc: made piienc.toml
piienc: marked: user_id (searchable), email (searchable), gender (sealed)
piienc: 1. review schema.toml: marks cannot be undone
piienc: 2. keep a copy of keys: without a key, its cells are lost
piienc: 3. set the destination in piienc.toml
piienc: 4. piienc encrypt-file users-2026-11-24.csv users-2026-11-24.enc.csv --schema schema.toml
"""
AGAIN = """\
piienc: left schema.toml as it was
piienc: left piienc.toml as it was
piienc: left key sealed as it was
piienc: left key searchable as it was
piienc: left .gitignore as it was
piienc: marked: user_id (searchable), email (searchable), gender (sealed)
piienc: 1. review schema.toml: marks cannot be undone
"""
IGNORED = """\
# Keys and the state of piienc: secret, or of this machine alone.
/keys/
/.piienc/
"""
FILE = "users-2026-11-24.csv"
OPEN = "--no-passphrase"


@pytest.fixture
def bare(project):
    """Give a folder with a sample and nothing else."""
    folder = project.folder / "bare"
    folder.mkdir()
    made = replace(project, folder=folder)
    made.write(FILE, SAMPLE)
    return made


def test_init_makes_a_project_that_encrypts(bare):
    """The last line that it says is a command that works at once."""
    assert bare.run("init", FILE, OPEN).normal() == (0, "", SAID)
    words = shlex.split(SAID.splitlines()[-1].partition("4. ")[2])
    assert bare.run(*words[1:], "-q").normal() == (0, "", "")
    assert b"CANARY" not in bare.read("users-2026-11-24.enc.csv")
    back = ["users-2026-11-24.enc.csv", "back.csv", "--schema", "schema.toml", "-q"]
    assert bare.run("decrypt-file", *back).normal() == (0, "", "")
    assert bare.read("back.csv") == bare.read(FILE)


def test_init_a_second_time_changes_nothing_and_says_so(bare):
    """Keys least of all."""
    bare.run("init", FILE, OPEN)
    with bare.unchanged():
        assert bare.run("init", OPEN).normal() == (0, "", AGAIN)


@pytest.mark.parametrize(
    "gone",
    ["keys/aes/sealed.json", "schema.toml", "piienc.toml", ".gitignore"],
)
def test_init_makes_what_is_missing_and_leaves_the_rest(bare, gone):
    """A run that was cut off is completed by the next one."""
    bare.run("init", FILE, OPEN)
    before = bare.listing()
    (bare.folder / gone).unlink()
    ended = bare.run("init", FILE, OPEN)
    assert ended.code == 0
    after = bare.listing()
    assert after.keys() == before.keys()
    assert {name: before[name] for name in before if name != gone}.items() <= after.items()


def test_init_keeps_keys_and_state_out_of_git(bare):
    """An ignore file of the user's goes on where it ended, and is completed once."""
    bare.write(".gitignore", "*.pyc\nkeys")
    bare.run("init", FILE, OPEN)
    lines = "*.pyc\nkeys\n" + IGNORED.replace("/keys/\n", "")
    assert bare.read(".gitignore").decode() == lines
    bare.run("init", FILE, OPEN)
    assert bare.read(".gitignore").decode() == lines


def test_init_ignores_no_folder_outside_of_the_project(bare, tmp_path_factory):
    """Git would not see it in any case."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "keys"
    assert bare.run("init", FILE, OPEN, "--keys", elsewhere, "-q").normal() == (0, "", "")
    assert bare.read(".gitignore").decode() == IGNORED.replace("/keys/\n", "")
    assert tomllib.loads(bare.read("piienc.toml").decode())["keys"]["dir"] == str(elsewhere)
    assert (elsewhere / "aes" / "sealed.json").is_file()


def test_init_leaves_nobody_else_a_look_at_keys_and_settings(bare):
    """All but the ignore file is private."""
    bare.run("init", FILE, OPEN)
    modes = {
        str(path.relative_to(bare.folder)): stat.S_IMODE(path.stat().st_mode)
        for path in bare.folder.rglob("*")
        if FILE not in path.name
    }
    assert modes.pop(".gitignore") == 0o644
    assert {oct(mode) for mode in modes.values()} == {"0o600", "0o700"}


def test_init_names_destination_recipient_and_job(bare, partner):
    """The settings load, and the recipient's key is pinned under its name."""
    name = partner.names[0]
    bare.write("partner.asc", partner.export(name))
    url = "sftp://us@sftp.partner.example/in/"
    ended = bare.run(
        "init", FILE, OPEN, "--to", url, "--recipient", "acme=partner.asc", "--name", "people"
    )
    assert ended.code == 0
    told = "compare the fingerprint of acme with its owner, by another way: "
    assert told + partner.fingerprint(name) in ended.err
    read = tomllib.loads(bare.read("piienc.toml").decode())
    assert read["destinations"] == {"acme": {"url": url, "recipients": ["acme"]}}
    assert read["jobs"] == {
        "people": {"source": "users-*[0-9].csv", "schema": "schema.toml", "destination": "acme"}
    }
    assert ended.err.splitlines()[-2:] == [
        "piienc: 4. check the job: piienc send people --check",
        "piienc: 5. piienc send people",
    ]
    assert bare.run("keys", "list", "--json").document["pgp_keys"][0]["name"] == "acme"


def test_init_with_a_url_ends_with_a_job_that_wants_only_the_partners_key(bare):
    """Its last lines are commands, and once the key is there, they work as they stand."""
    (bare.folder / "outbox").mkdir()
    url = (bare.folder / "outbox").as_uri() + "/"
    told = bare.run("init", FILE, OPEN, "--to", url).err.splitlines()[-3:]
    assert told == [
        "piienc: 3. import the partner's OpenPGP key: piienc keys import-pgp partner FILE",
        "piienc: 4. check the job: piienc send users --check",
        "piienc: 5. piienc send users",
    ]
    assert bare.run("send", "users", "--check", "--no-input").code == 5
    bare.run("init", OPEN, "--pgp", "partner=in@partner.example")
    assert bare.run("send", "users", "--check", "--no-input").code == 0


def test_init_without_a_url_leaves_destination_and_job_as_comments(bare):
    """Taken out of the comments, they are what a URL would have made."""
    bare.run("init", FILE, OPEN)
    text = bare.read("piienc.toml").decode()
    assert tomllib.loads(text).keys() == {"keys", "state"}
    live = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    assert tomllib.loads(live)["jobs"] == {
        "users": {"source": "users-*[0-9].csv", "schema": "schema.toml", "destination": "partner"}
    }


def test_init_takes_a_sample_with_a_patterns_signs_by_its_letters(bare):
    """Brackets of a name are no pattern; only what varies is one."""
    bare.write("users[x]-1.csv", SAMPLE)
    bare.run("init", "users[x]-1.csv", OPEN, "--to", "file:///tmp/outbox/")
    job = tomllib.loads(bare.read("piienc.toml").decode())["jobs"]["users-x"]
    assert job["source"] == "users[[]x]-*[0-9].csv"
    assert [path.name for path in bare.folder.glob(job["source"])] == ["users[x]-1.csv"]


def test_init_elsewhere_names_its_settings_in_each_command(bare):
    """Who stands in another folder can run them all the same."""
    (bare.folder / "p").mkdir()
    said = bare.run("init", FILE, OPEN, "--config", "p/piienc.toml", "--to", "file:///tmp/o/").err
    told = said.splitlines()[-1]
    assert told == "piienc: 5. piienc send users --config p/piienc.toml"


def test_init_makes_a_pgp_key_of_ones_own_only_if_asked(bare):
    """Who only delivers needs none."""
    bare.run("init", FILE, OPEN)
    assert not (bare.folder / "keys" / "gnupg").exists()
    ended = bare.run("init", OPEN, "--pgp", "me=me@example.com")
    assert (ended.code, ended.err.splitlines()[0]) == (0, "piienc: made key me")
    assert "compare the fingerprint" not in ended.err


def test_init_wraps_all_keys_by_one_passphrase(bare):
    """It is read once, and is needed to use the keys."""
    bare.write("secret", "open sesame").chmod(0o600)
    said = ["--passphrase-file", "secret"]
    assert bare.run("init", FILE, *said, "-q").normal() == (0, "", "")
    listed = bare.run("keys", "list", "--json").document["keys"]
    assert [key["wrapped"] for key in listed] == [True, True]
    encrypt = ["encrypt-file", FILE, "out.csv", "--schema", "schema.toml", "-q"]
    assert bare.run(*encrypt, "--no-input").code == 5
    assert bare.run(*encrypt, *said).normal() == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "there is no schema.toml yet, and no sample to make it from"),
        (["gone.csv"], 4, "cannot read gone.csv"),
        ([FILE, "--no-input"], 2, "a new key needs a passphrase, and nobody can be asked"),
        ([FILE, OPEN, "--to", "ftp://x/"], 2, "only sftp:// and file:// are known"),
        ([FILE, OPEN, "--recipient", "acme"], 2, "two things with a = between them are needed"),
        ([FILE, OPEN, "--recipient", "acme=gone.asc"], 4, "cannot read gone.asc"),
        ([FILE, OPEN, "--recipient", "a/b=users-2026-11-24.csv"], 2, "cannot be a key's name"),
    ],
)
def test_init_that_cannot_be_done_makes_nothing(bare, arguments, code, said):
    """Mistakes are found before the first file is made, the state folder included."""
    ended = bare.run("init", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert [path.name for path in bare.folder.iterdir()] == [FILE]


def test_init_refuses_a_file_that_is_no_key_and_writes_no_settings(bare):
    """What names a key appears only when the key is there."""
    ended = bare.run("init", FILE, OPEN, "--recipient", f"acme={FILE}")
    assert ended.code == 5
    assert "no OpenPGP key" in ended.err
    assert bare.listing().keys() == {FILE}


def test_init_asks_on_a_terminal_for_what_was_not_said(bare, monkeypatch):
    """Answers may be empty, and what was said is not asked."""
    answers = {"a file like": FILE, "where to": "file:///tmp/outbox/", "the file with": ""}
    monkeypatch.setattr(ui, "has_terminal", lambda: True)
    monkeypatch.setattr(
        ui,
        "ask",
        lambda asked: next(told for key, told in answers.items() if asked.startswith(key)),
    )
    assert bare.run("init", OPEN, "-q").normal() == (0, "", "")
    read = tomllib.loads(bare.read("piienc.toml").decode())
    assert read["destinations"] == {
        "partner": {"url": "file:///tmp/outbox/", "recipients": ["partner"]}
    }
    monkeypatch.setattr(ui, "ask", lambda asked: pytest.fail(f"asked: {asked}"))
    assert bare.run("init", OPEN, "-q").normal() == (0, "", "")


def test_init_asks_for_one_passphrase_for_all_keys(bare, monkeypatch):
    """Twice, as for one key."""
    asked = []
    monkeypatch.setattr(ui, "has_terminal", lambda: True)
    monkeypatch.setattr(ui, "ask", lambda _: "")
    monkeypatch.setattr(ui, "ask_secret", lambda question: asked.append(question) or "sesame")
    assert bare.run("init", FILE, "-q").normal() == (0, "", "")
    assert asked == ["new passphrase for the keys sealed and searchable", "the same again"]


def test_init_with_json_tells_all_in_one_document(bare):
    """A script need not read lines."""
    document = bare.run("init", FILE, OPEN, "--json").document
    assert document.pop("audit") == bare.mark()
    assert document.pop("next")[0] == "review schema.toml: marks cannot be undone"
    assert document == {
        "schema_version": 1,
        "ok": True,
        "created": ["key sealed", "key searchable", ".gitignore", "schema.toml", "piienc.toml"],
        "left": [],
        "marked": {"user_id": "searchable", "email": "searchable", "gender": "sealed"},
    }


def test_init_tells_of_keys_that_a_schema_names_and_nobody_can_guess(bare):
    """Only the two that a proposal names have a mode that is known."""
    bare.write("schema.toml", 'name="x"\nversion=1\n[columns.a]\ntype="string"\nencrypt="vault"\n')
    ended = bare.run("init")
    assert ended.code == 0
    assert "make the key vault: piienc keys generate-aes" in ended.err


def test_init_takes_no_project_further_up_for_its_own(bare):
    """A folder within a project can become one itself."""
    bare.write("piienc.toml", '[keys]\ndir = "elsewhere"\n')
    inner = replace(bare, folder=bare.folder / "inner")
    inner.folder.mkdir()
    inner.write(FILE, SAMPLE)
    assert inner.run("init", FILE, OPEN, "-q").normal() == (0, "", "")
    assert (inner.folder / "keys" / "aes").is_dir()
    assert not (bare.folder / "elsewhere").exists()


def test_init_is_recorded_with_files_and_keys(bare):
    """The log of a project begins with its beginning."""
    bare.run("init", FILE, OPEN)
    entry = bare.run("audit", "show", "--json").document["lines"][-1]
    assert (entry["command"], entry["outcome"]) == ("init", "done")
    assert [key["name"] for key in entry["keys"]] == ["sealed", "searchable"]
    assert all(key["ids"] for key in entry["keys"])
