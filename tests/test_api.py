"""The Python API: its names, its signatures, and that the page about it is true."""

import inspect
import json
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import piienc
from piienc.base.secret import SecretBytes
from piienc.errors import AuthenticationError, ConfigError, KeyAccessError, PolicyError, UsageError
from piienc.keys import KeyFolder, Mode, generate
from piienc.keys.openpgp.folder import PgpFolder

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
BLOCKS = [
    re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
    for indent, text in re.findall(r"^( *)```python\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
]
WHERE = ["keys", "state", "config"]
PROGRESS, RETRY, DEBUG = "on_progress", "on_retry", "on_debug"
SIGNATURES = {
    "Plan": (["schema"], ["decrypt", "columns", "like", "name", "passphrase"], []),
    "decrypt_file": (
        ["source", "target"],
        ["schema", "columns", "passphrase", "overwrite", "threads"],
        [PROGRESS],
    ),
    "decrypt_table": (
        ["table"], ["schema", "columns", "like", "name", "passphrase", "threads"], [],
    ),
    "encrypt_file": (
        ["source", "target"],
        ["schema", "passphrase", "overwrite", "threads", "bloom_filters"],
        [PROGRESS],
    ),
    "encrypt_table": (["table"], ["schema", "name", "passphrase", "threads"], []),
    "encrypt_values": (["values"], ["key", "context", "encoding", "passphrase"], []),
    "pull": (
        ["name", "target"],
        ["source", "overwrite", "identity", "known_hosts", "password_file", "passphrase"],
        [PROGRESS, RETRY, DEBUG],
    ),
    "push": (
        ["files"],
        [
            "to", "if_exists", "again", "verify_content", "profile", "schema", "dry_run", "sweep",
            "identity", "known_hosts", "password_file", "passphrase",
        ],
        [PROGRESS, RETRY, DEBUG],
    ),
    "send": (
        ["what"],
        [
            "schema", "to", "recipients", "again", "dry_run", "identity", "known_hosts",
            "password_file", "passphrase", "threads", "hook",
        ],
        ["on_event", RETRY, DEBUG],
    ),
    "unwrap_file": (["source", "target"], ["signed_by", "passphrase", "overwrite"], [PROGRESS]),
    "verify": (
        ["file"],
        [
            "schema", "expect", "against", "key_column", "round_trip", "recipients",
            "without_keys", "profile", "max_findings", "reports", "overwrite", "passphrase",
            "threads",
        ],
        [PROGRESS],
    ),
    "verify_table": (
        ["table"],
        [
            "schema", "expect", "against", "key_column", "without_keys", "max_findings", "name",
            "passphrase", "threads",
        ],
        [],
    ),
    "wrap_file": (
        ["source", "target"],
        [
            "recipients", "profile", "sign_with", "armor", "schema", "passphrase", "overwrite",
        ],
        [PROGRESS],
    ),
}  # fmt: skip
ROWS = "id,email,phone\n17,ada@example.com,+12025550117\n18,brian@example.com,\n"
SCHEMA = """\
name = "customers"
version = 1

[columns]
id = { type = "integer" }
email = { type = "string", encrypt = "lookup" }
phone = { type = "string", encrypt = "vault" }
"""


@pytest.fixture
def home(tmp_path, monkeypatch, temp):
    """Stand in a project with two keys and a partner's."""
    monkeypatch.chdir(tmp_path)
    Path("customers.csv").write_text(ROWS, "utf-8")
    Path("schema.toml").write_text(SCHEMA, "utf-8")
    keys = KeyFolder(Path("keys"))
    keys.create("lookup", generate(Mode.SEARCHABLE), None)
    keys.create("vault", generate(Mode.SEALED), None)
    return tmp_path


@pytest.fixture
def recipient(home):
    """Make an OpenPGP key pair, as a partner's and one's own at once."""
    PgpFolder(Path("keys")).generate("partner", "in@partner.example", algorithm="ed25519")
    return "partner"


def _encrypt(target="customers.enc.csv", **more):
    return piienc.encrypt_file("customers.csv", target, schema="schema.toml", **more)


def test_api_has_these_names():
    """What they promise holds within a major version, so a new one is a decision."""
    assert piienc.__all__ == sorted(SIGNATURES)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_api_signature_is_pinned(name):
    """Names of arguments are part of the promise; all but the first are given by name."""
    by_place, by_name, callbacks = SIGNATURES[name]
    parameters = inspect.signature(getattr(piienc, name)).parameters.values()
    places = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert (places, names) == (by_place, [*by_name, *WHERE, *callbacks, "on_warning"])


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_api_docstring_explains_every_argument(name):
    """`help(piienc.push)` is the reference."""
    of = getattr(piienc, name)
    text = inspect.getdoc(of.__init__ if inspect.isclass(of) else of)
    for argument in inspect.signature(getattr(piienc, name)).parameters:
        assert re.search(rf"^    {argument}: \S", text, re.MULTILINE)


def test_api_is_typed_for_others():
    """The package has the marker of PEP 561, without which checkers see nothing."""
    assert (Path(piienc.__file__).parent / "py.typed").is_file()
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
    assert "tests/typing" in files


def test_api_page_is_true(recipient, tmp_path, capsys):
    """Its code runs in the page's order, and prints what one would expect."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    Path("passphrase").write_text("unused\n", "utf-8")
    assert len(BLOCKS) == 10
    for number, block in enumerate(BLOCKS):
        script = tmp_path / f"block{number}.py"
        script.write_text(block.replace("/tmp/outbox", str(outbox)), "utf-8")  # noqa: S108  # not used
        runpy.run_path(str(script))
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["2 rows, email, phone", "delivered"]
    assert printed[2:5] == ["[(17,)]", "2 ['id', 'email', 'phone']", "['id', 'email', 'phone']"]
    assert printed[5] == "delivered customers.csv.pgp"
    assert printed[6].startswith("exit code 12: customers.enc.csv is there already")
    assert Path("customers.back.csv").read_text("utf-8") == ROWS
    names = sorted(file.name for file in outbox.iterdir())
    assert names == ["customers.csv.pgp", "customers.enc.csv.pgp"]


def test_api_page_lists_every_function():
    """In a table, by name."""
    assert sorted(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)) == piienc.__all__


def test_api_goes_all_the_way_and_back(recipient, tmp_path):
    """Every step and its reverse, to the same bytes; paths and text are alike."""
    outbox, inbox = tmp_path / "outbox", tmp_path / "inbox"
    outbox.mkdir()
    inbox.mkdir()
    url = outbox.as_uri() + "/"
    assert _encrypt().rows == 2
    wrapped = piienc.wrap_file(
        Path("customers.enc.csv"), recipients=[recipient], sign_with="partner"
    )
    assert [file.name for file in wrapped.outputs] == ["customers.enc.csv.pgp"]
    pushed = piienc.push(["customers.enc.csv.pgp"], to=url)
    assert (pushed.exit_code, pushed.files[0].outcome) == (0, "delivered")
    assert piienc.push(["customers.enc.csv.pgp"], to=url).files[0].outcome == "skipped"
    piienc.pull("customers*", inbox, source=url)
    opened = piienc.unwrap_file(
        inbox / "customers.enc.csv.pgp", inbox / "customers.csv", signed_by="partner"
    )
    assert opened.signatures[0].trust == "good"
    report = piienc.verify(inbox / "customers.csv", schema="schema.toml", against="customers.csv")
    assert report.ok
    piienc.decrypt_file(inbox / "customers.csv", "back.csv", schema=Path("schema.toml"))
    assert Path("back.csv").read_text("utf-8") == ROWS


SETTINGS = """\
[destinations.partner]
url = "{}"
recipients = ["partner"]
[jobs.nightly]
source = "customers*.csv"
schema = "schema.toml"
destination = "partner"
quiet_for = 0
"""


@pytest.fixture
def outbox(recipient, tmp_path):
    """Give the folder to which the job `nightly` delivers."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    Path("piienc.toml").write_text(SETTINGS.format(outbox.as_uri() + "/"), "utf-8")
    return outbox


def test_api_sends_each_file_of_a_job_once(outbox):
    """A rehearsal leaves nothing, and a second run has nothing to send."""
    (planned,) = piienc.send("nightly", dry_run=True).files
    assert (planned.outcome, [*outbox.iterdir()]) == ("planned", [])
    receipt = piienc.send("nightly")
    assert (receipt.exit_code, receipt.files[0].outcome) == (0, "delivered")
    assert receipt.files[0].rows == 2
    again = piienc.send("nightly")
    assert (again.files, again.known) == ((), 1)
    assert [file.name for file in outbox.iterdir()] == ["customers.csv.pgp"]


def test_api_sends_a_file_without_a_job(outbox):
    """With a schema and a destination; recipients count before the destination's."""
    url = outbox.as_uri() + "/"
    sent = piienc.send(Path("customers.csv"), schema="schema.toml", to=url, recipients=["partner"])
    assert (sent.job, sent.files[0].names) == (None, ("customers.csv.pgp",))
    with pytest.raises(UsageError, match="a file needs both"):
        piienc.send("customers.csv", to="partner")
    with pytest.raises(ConfigError, match="there is no job weekly"):
        piienc.send("weekly")


def _log():
    """Return the lines of the audit log."""
    (path,) = Path(".piienc/audit").glob("*/*.jsonl")
    return path.read_text().splitlines()


def test_api_tells_of_a_source_that_is_rejected_in_the_receipt(outbox):
    """Others may have been sent, so nothing is raised."""
    Path("customers.csv").write_text(ROWS.replace("17,", "seventeen,"), "utf-8")
    receipt = piienc.send("nightly")
    assert (receipt.exit_code, receipt.files[0].outcome) == (10, "failed")
    assert not [*outbox.iterdir()]
    last = json.loads(_log()[-1])
    assert (last["command"], last["outcome"], last["code"]) == ("send", "failed", 10)


def test_api_records_each_step_like_the_commands(recipient):
    """Begun and ended, with the command's name; failures too."""
    _encrypt()
    with pytest.raises(PolicyError):
        _encrypt()
    piienc.verify("customers.enc.csv", schema="schema.toml")
    lines = [json.loads(line) for line in _log()]
    assert [(line["command"], line["outcome"]) for line in lines] == [
        ("encrypt-file", "begun"),
        ("encrypt-file", "done"),
        ("encrypt-file", "begun"),
        ("encrypt-file", "refused"),
        ("verify", "begun"),
        ("verify", "done"),
    ]
    assert [key["name"] for key in lines[1]["keys"]] == ["lookup", "vault"]


def test_api_finds_things_where_commands_find_them(home, tmp_path, monkeypatch):
    """An argument counts before a variable, and that before `piienc.toml`."""
    Path("keys").rename("secrets")
    Path("piienc.toml").write_text('[keys]\ndir = "secrets"\n[state]\ndir = "memory"\n', "utf-8")
    _encrypt("a.csv")
    assert (tmp_path / "memory").is_dir()
    monkeypatch.setenv("PIIENC_KEYS", "nowhere")
    with pytest.raises(KeyAccessError):
        _encrypt("b.csv")
    _encrypt("c.csv", keys="secrets", state=tmp_path / "other")
    assert (tmp_path / "other").is_dir()


@pytest.mark.parametrize("secret", ["sesame", b"sesame", SecretBytes(b"sesame")])
def test_api_takes_a_passphrase_as_text_or_bytes(home, secret):
    """Without it, a locked key is an error; with an empty one, too."""
    Path("keys/aes/vault.json").unlink()
    KeyFolder(Path("keys")).create("vault", generate(Mode.SEALED), SecretBytes(b"sesame"))
    with pytest.raises(KeyAccessError, match="is locked"):
        _encrypt()
    with pytest.raises(UsageError, match="the passphrase is empty"):
        _encrypt(passphrase=secret[:0] if not isinstance(secret, SecretBytes) else b"")
    assert _encrypt(passphrase=secret).rows == 2


def test_api_tells_of_a_changed_cell_by_an_error_and_by_a_report(home):
    """Decryption raises, and verification reports."""
    _encrypt()
    path = Path("customers.enc.csv")
    lines = path.read_text("utf-8").splitlines()
    cell = lines[1].split(",")[1]
    changed = cell[:12] + ("A" if cell[12] != "A" else "B") + cell[13:]
    path.write_text("\n".join([lines[0], lines[1].replace(cell, changed), lines[2], ""]), "utf-8")
    with pytest.raises(AuthenticationError):
        piienc.decrypt_file(path, "back.csv", schema="schema.toml")
    assert not Path("back.csv").exists()
    assert piienc.verify(path, schema="schema.toml").exit_code == 6


@pytest.mark.parametrize(
    "call",
    [
        lambda: piienc.push("customers.csv", to="file:///x/"),
        lambda: piienc.wrap_file("customers.csv", recipients="partner"),
        lambda: piienc.wrap_file("customers.csv", recipients=[]),
        lambda: piienc.send("nightly", recipients="partner"),
        lambda: piienc.verify("customers.csv", schema="schema.toml", reports=["html"]),
    ],
)
def test_api_refuses_text_where_a_list_is_meant(home, call):
    """A text is a sequence too, of letters, and the type alone would let it pass."""
    with pytest.raises(UsageError, match=r"must be (a list|pairs)"):
        call()


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (
            lambda: piienc.push(["customers.csv"], to="file:///x/", if_exists="odd"),
            "give fail or skip or replace",
        ),
        (
            lambda: piienc.verify("customers.csv", schema="schema.toml", expect="odd"),
            "give encrypted or plain",
        ),
        (
            lambda: piienc.verify(
                "customers.csv", schema="schema.toml", reports=[("odd", "report.odd")]
            ),
            "give json or junit or github or markdown or sarif or html",
        ),
    ],
)
def test_api_refuses_words_that_mean_nothing(home, call, hint):
    """The type alone would let them pass, and nobody would be told."""
    with pytest.raises(UsageError, match="cannot be 'odd'") as caught:
        call()
    assert caught.value.hint == hint


@pytest.mark.parametrize("ends", [(b"customers.csv", "x"), (5, "x"), ("customers.csv", None)])
def test_api_takes_paths_and_no_other_type(home, ends):
    """As Python's own functions say it."""
    with pytest.raises(TypeError, match=r"PathLike|argument should be a str"):
        piienc.encrypt_file(*ends, schema="schema.toml")


def test_api_warns_of_an_audit_log_that_is_not_as_it_was_written(recipient):
    """And goes on, as commands do."""
    _encrypt()
    (head,) = Path(".piienc/audit").glob("*/head.json")
    head.unlink()
    with pytest.warns(UserWarning, match="is not as it was written: the head is gone"):
        piienc.verify("customers.enc.csv", schema="schema.toml")
