# ruff: noqa: E501  # a table of commands is read by its lines
"""Text from outside never reaches a terminal, a log or a report raw, whichever command prints it.

Each command of the program is run where everything that has a name has a hostile one. A command
that is not in the table fails.
"""

import contextlib
import json
import os
import unicodedata
from xml.etree import ElementTree as ET

import paramiko
import pytest
from typer.main import get_command

from piienc.cli.app import app

# Erases lines, sets the title, colours, reorders, hides, breaks lines: C0, C1, bidi marks and
# isolates, zero width, line separators, tags; and what must not look like a line of ours.
BAD = (
    "\x1b[2K\x1b]0;x\x07\x08\x7f\x85\x9b31m\u202e\u2066\u200b\u200e\u2028\u2029"
    "\U000e0041\ufeffé漢\r\npiienc: FORGED"
)
BROKEN = os.fsdecode(b"\xff") + BAD  # a file's name need not be UTF-8
FILE = f"f{BROKEN}.csv"
COLUMN = f"c{BAD}"
SHORT = "k\x1b[2K\u202e"  # for names of keys
MARKS = ("\\x1b", "\\u001b", "\\u202e", "?[2K")
REPORTS = ("text", "json", "junit", "sarif", "github", "markdown")


def _q(text):
    """Return a text as TOML's basic strings have it."""
    return '"' + "".join(f"\\U{ord(one):08x}" for one in text) + '"'


SCHEMA = f"""
name = {_q("n" + BAD)}
version = 1

[columns.{_q(COLUMN)}]
type = "string"
enum = [{_q(BAD)}]
property = {_q("p" + BAD)}
mask = {_q("m" + BAD)}
allow = {{ email = {_q("why " + BAD)} }}

[columns.other]
type = "string"

[columns.email]
type = "string"
encrypt = "look"
context = {_q(BAD)}

[finders.{_q("f" + BAD)}]
pattern = "x"
description = {_q("a thing " + BAD)}
"""
PLAIN = 'name = "plain"\nversion = 1\n[columns.other]\ntype = "string"\n'
NO_SCHEMA = f"""
name = 1
[columns.{_q(COLUMN)}]
type = {_q(BAD)}
pattern = {_q("[" + BAD)}
[{_q(BAD)}]
"""
CONFIG = """
[profiles.{p}]
summary = {bad}
notes = [{bad}]
names = {names}
[profiles.{p}.rows.{r}]
max_bytes = 1
says = {bad}
source = {bad}
[destinations.{d}]
url = "sftp://u@127.0.0.1:{port}/"
password_file = "password"
agent = false
retries = 0
known_hosts = "known_hosts"
[destinations.{l}]
url = {local}
recipients = ["eve"]
[jobs.{j}]
source = {glob}
schema = "schema.toml"
destination = {l}
"""


@pytest.fixture
def world(office, py_server):
    """Give a project in which all that is named has a hostile name, and a hostile server."""
    import pysequoia

    project = office
    data = f'"{COLUMN}",other,email\n"{BAD}",x,a@b.example\n,x,\n'
    project.write(FILE, data)
    project.write("plain.csv", data)
    project.write("only.csv", "other\nx\n")
    project.write(f"s{BROKEN}.toml", SCHEMA)
    project.write("schema.toml", SCHEMA)
    project.write("plain.toml", PLAIN)
    project.write(f"no{BROKEN}.toml", NO_SCHEMA)
    project.write("empty", "")
    cert = pysequoia.Tsk.generate(f"Eve{BAD} <eve@eve.example>").extract_certificate()
    project.write("eve.asc", str(cert))
    project.write("password", "secret\n").chmod(0o600)
    (project.folder / f"out{BAD}").mkdir()
    (project.folder / "there").mkdir()
    py_server.known_hosts(project.folder / "known_hosts")
    py_server.ways = ["keyboard-interactive", "password"]
    py_server.password = "secret"
    py_server.prompts = [f"Code{BAD}: "]
    py_server.names = [f"{BAD}.csv", f"x{BAD}"]
    py_server.banner = f"{BAD}\n"
    project.write(
        "piienc.toml",
        CONFIG.format(
            p=_q("p" + BAD), r=_q("r" + BAD), d=_q("d" + BAD), j=_q("j" + BAD), bad=_q(BAD),
            names=_q("x+"), port=py_server.port, glob=_q("*.csv"),
            l=_q("l" + BAD), local=json.dumps(f"file://{project.folder}/there/"),
        ),
    )  # fmt: skip
    return project


SCH = ["--schema", f"s{BROKEN}.toml"]
TO, LOCAL = f"d{BAD}", f"l{BAD}"
GONE = f"gone{BROKEN}"
RUNS = {
    "init": [[FILE, "--to", f"sftp://u@h{BAD}/", "--no-passphrase"], [FILE, "--no-passphrase"]],
    "demo": [["--keep", f"out{BAD}"]],
    "keys generate-aes": [[SHORT, "--mode", "sealed", "--no-passphrase"]],
    "keys import-aes": [[SHORT, FILE, "--mode", "sealed"], ["k", GONE, "--mode", "sealed"]],
    "keys list": [[], ["--keys", GONE]],
    "keys export": [[SHORT], ["look", "--reveal-secret", "-o", f"out{BAD}"], ["eve"]],
    "keys generate-pgp": [
        [SHORT, "--email", "a@b.example", "--no-passphrase"],
        ["n", "--email", f"a{BAD}@b.example", "--no-passphrase"],
        ["n", "--email", "a@b.example", "--real-name", BAD, "--no-passphrase"],
    ],
    "keys import-pgp": [["eve", "eve.asc"], [SHORT, "eve.asc"], ["e", FILE],
                        ["e", "eve.asc", "--fingerprint", BAD]],
    "keys fingerprint": [[SHORT], ["eve"]],
    "schema infer": [[FILE], [FILE, "-o", f"out{BAD}/x.toml"], [GONE], ["plain.csv", "--name", BAD]],
    "schema check": [[f"s{BROKEN}.toml"], [f"no{BROKEN}.toml"], ["plain.toml", f"no{BROKEN}.toml", GONE]],
    "schema show": [[f"s{BROKEN}.toml"], [f"no{BROKEN}.toml"]],
    "schema mark": [[COLUMN, "--key", "look", *SCH], [BAD, "--key", "look", *SCH],
                    ["other", "--key", SHORT, *SCH]],
    "profiles list": [[]],
    "profiles show": [[f"p{BAD}"], [BAD]],
    "manifest show": [[FILE, *SCH, "--type", "profile", "--client-email", BAD],
                      [GONE, *SCH, "--type", "profile", "--client-email", "a@b.example"],
                      ["plain.csv", *SCH, "--type", "profile", "--client-email", "a@b.example"]],
    "manifest check": [[FILE], ["empty", "--data", FILE], [f"s{BROKEN}.toml"]],
    "encrypt-file": [[FILE, f"out{BAD}/e.csv", *SCH], [FILE, FILE, *SCH],
                     [FILE, "x", "--schema", f"no{BROKEN}.toml"], [GONE, "x", *SCH]],
    "decrypt-file": [[FILE, "x", *SCH], [FILE, "x", *SCH, "--columns", BAD]],
    "wrap-file": [[FILE, "-r", "me", f"out{BAD}/w.pgp"], [FILE, "-r", BAD],
                  [FILE, "-r", "me", "--profile", f"p{BAD}"]],
    "unwrap-file": [[FILE, "x"], ["empty", f"out{BAD}"]],
    "inspect": [[FILE], [FILE, *SCH], ["eve.asc"], [GONE]],
    "verify": [[FILE, *SCH], [FILE, *SCH, "--expect", "plain"], ["plain.csv", *SCH, "--profile", f"p{BAD}"],
               *([FILE, *SCH, "--format", form] for form in REPORTS)],
    "send": [[f"j{BAD}"], [BAD], [f"j{BAD}", "--log-format", "json"], [f"j{BAD}", "--check"]],
    "push": [[FILE, "--to", f"file:///{GONE}/"], [FILE, "--to", TO], ["only.csv", "--to", TO, "--debug-ssh"], ["only.csv", "--to", TO],
             [FILE, "--to", f"sftp://u@h{BAD}/"], ["only.csv", "--to", LOCAL, "--dry-run"], ["only.csv", "--to", LOCAL], [FILE, "--to", BAD],
             ["only.csv", "--sweep", "--to", TO]],
    "pull": [["*", "got", "--from", TO], [BAD, "got", "--from", TO], ["x*", "got", "--from", TO], ["*", "got", "--from", LOCAL]],
    "history": [[], ["--destination", BAD], ["--since", BAD]],
    "audit head": [["--state", GONE]],
    "audit verify": [[], ["--receipt", FILE], ["--keys", GONE]],
    "audit show": [[], ["--file", FILE], ["--since", BAD]],
}  # fmt: skip
NOTHING_FOREIGN = {"keys fingerprint"}


def _leaves(command, path=()):
    commands = getattr(command, "commands", None)
    if commands is None:
        yield " ".join(path)
        return
    for name in commands:
        yield from _leaves(commands[name], (*path, name))


def _require_clean(text, where):
    # Two emoji may be joined; there are none here.
    raw = {
        hex(ord(one))
        for one in text
        if one not in "\n\t" and unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert raw == set(), (where, text)
    forged = [line for line in text.splitlines() if line.startswith("piienc: FORGED")]
    assert forged == [], (where, text)


def test_every_command_is_in_the_table():
    """A new one gets hostile text, too."""
    assert set(RUNS) == set(_leaves(get_command(app)))


@pytest.mark.parametrize("command", RUNS)
def test_hostile_text_is_shown_as_escapes(world, command):
    """On both outputs, for people and as JSON, where it succeeds and where it fails."""
    _prepare(world)
    seen = ""
    for arguments in RUNS[command]:
        for more in ([], ["--json"]):
            run = world.run(*command.split(), *arguments, *more)
            assert run.code != 1, (arguments, run.err)
            _require_clean(run.out, (arguments, run.code))
            _require_clean(run.err, (arguments, run.code))
            seen += run.out + run.err
    for segment in (world.folder / ".piienc" / "audit").glob("*/*.jsonl"):
        _require_clean(segment.read_text("utf-8"), "the audit log")
    if command not in NOTHING_FOREIGN:
        assert any(mark in seen for mark in MARKS), seen


def _prepare(world):
    """Fill the log, the history and the key folder with hostile names."""
    assert world.run("keys", "import-pgp", "eve", "eve.asc").code == 0
    world.run("wrap-file", FILE, "-r", "me", f"out{BAD}/v.pgp")
    world.run("encrypt-file", FILE, "v.csv", *SCH)
    world.run("wrap-file", "only.csv", "-r", "eve")
    world.run("push", "only.csv.pgp", "--to", LOCAL)


@pytest.mark.parametrize("form", [*REPORTS[1:], "html"])
def test_reports_in_files_hold_no_hostile_text(world, form):
    """They are shown by browsers, by CI and by editors; XML stays XML."""
    where = ["--html", "report"] if form == "html" else ["-o", f"{form}=report"]
    run = world.run("verify", FILE, *SCH, "--without-keys", *where)
    assert run.code == 10, run.err
    text = world.read("report").decode()
    _require_clean(text, form)
    if form == "junit":
        ET.fromstring(text)  # noqa: S314  # our own
    elif form in ("json", "sarif"):
        json.loads(text)


@pytest.mark.parametrize("denied", ["write", "failure", "stat", "remove", "rename", "list"])
def test_words_of_a_hostile_server_are_escaped(world, py_server, monkeypatch, denied):
    """Each refusal of a server has words of its own, which tell more than its code."""
    monkeypatch.setattr(paramiko.sftp_server, "SFTP_DESC", [BAD] * 9)
    if denied == "write":
        py_server.refuse_writes = paramiko.SFTP_FAILURE
    else:
        py_server.modes = {denied}
    seen = ""
    for command in (
        ["push", "only.csv", "--to", TO],
        ["push", "only.csv", "--sweep", "--to", TO],
        ["pull", "*", "got", "--from", TO],
        ["pull", "x", "got", "--from", TO],
    ):
        for more in ([], ["--json"]):
            run = world.run(*command, *more)
            assert run.code != 1, (command, run.err)
            _require_clean(run.out + run.err, (command, run.code))
            seen += run.out + run.err
    if denied == "write":  # the others have a code that tells enough
        assert any(mark in seen for mark in MARKS), seen


@pytest.mark.parametrize("name", ["PIIENC_KEYS", "PIIENC_STATE", "PIIENC_CONFIG", "HOME", "TMPDIR"])
def test_hostile_values_of_the_environment_are_escaped(world, name):
    """A cron table or a container sets them."""
    for command in (["keys", "list"], ["send", "x"], ["wrap-file", "only.csv", "-r", "me"]):
        with contextlib.suppress(UnicodeEncodeError):
            run = world.run(*command, env={name: f"/nowhere{BROKEN}"})
            _require_clean(run.out + run.err, command)
