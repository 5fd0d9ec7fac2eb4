"""Every command leaves its lines in the audit log, `piienc audit` shows and verifies them."""

import json
import re
import shutil
import signal
import subprocess
import time

import pytest

CANARY = "CANARY-0815"
DATA = f"id,email,note\n1,{CANARY}@example.com,{CANARY}\n"
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml"]
DECRYPT = ["decrypt-file", "y.csv", "z.csv", "--schema", "schema.toml"]
NEW = ["--no-passphrase"]


def _lines(project):
    return [json.loads(line) for line in project.log()]


def _last(project):
    """Return the last line without what differs from run to run, and its beginning."""
    begun, end = _lines(project)[-2:]
    assert (begun["outcome"], begun["run"], begun["command"]) == (
        "begun",
        end["run"],
        end["command"],
    )
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", end["time"])
    assert end["user"]
    assert end["host"]
    return end


def _stable(text):
    text = re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return re.sub(r"\baudit/[0-9a-f]{16}\b", "audit/KEY", text)


@pytest.fixture
def full(office):
    """Give an office with one file in each state, and an outbox."""
    office.write("x.csv", DATA)
    (office.folder / "outbox").mkdir()
    office.write("plain", DATA)
    return office


OUTBOX = "file://outbox/"
RUNS = {
    "keys generate-aes": (["keys", "generate-aes", "n", "--mode", "sealed", *NEW], ["n"]),
    "keys import-aes": (["keys", "import-aes", "n", "-", "--mode", "sealed", *NEW], ["n"]),
    "keys generate-pgp": (
        ["keys", "generate-pgp", "n", "--email", "n@x.example", "--algorithm", "ed25519", *NEW],
        ["n"],
    ),
    "keys import-pgp": (["keys", "import-pgp", "n", "partner.asc"], ["n"]),
    "keys export": (["keys", "export", "look", "--reveal-secret"], ["look"]),
    "encrypt-file": (ENCRYPT, ["look", "seal"]),
    "decrypt-file": (DECRYPT, ["look", "seal"]),
    "wrap-file": (["wrap-file", "x.csv", "x.pgp", "-r", "me", "--sign-with", "me"], ["me"]),
    "unwrap-file": (["unwrap-file", "w.pgp", "u.csv", "--signed-by", "me"], ["me"]),
    "push": (["push", "x.csv", "--to", "OUTBOX"], []),
    "pull": (["pull", "there.csv", "p.csv", "--from", "OUTBOX"], []),
}


def _prepared(office, partner):
    office.write("partner.asc", partner.export("rsa"))
    office.write("outbox/there.csv", DATA)
    assert office.run(*ENCRYPT).code == 0
    arguments = ["-r", "me", "--sign-with", "me"]
    assert office.run("wrap-file", "x.csv", "w.pgp", *arguments).code == 0
    return lambda words: [
        word.replace("OUTBOX", f"file://{office.folder}/outbox/") for word in words
    ]


@pytest.mark.parametrize("command", RUNS)
def test_command_that_is_done_leaves_its_two_lines(full, partner, command):
    """Who, when, which files by name and hash, which keys; and no value."""
    arguments, keys = RUNS[command]
    said = _prepared(full, partner)
    if command == "encrypt-file":
        (full.folder / "y.csv").unlink()
    ended = full.run(*said(arguments), stdin=bytes(range(32)))
    assert ended.code == 0, ended.err
    line = _last(full)
    assert (line["command"], line["outcome"], line["code"]) == (command, "done", 0)
    assert [key["name"] for key in line["keys"]] == keys
    assert all(key.get("ids") or len(key["fingerprint"]) == 40 for key in line["keys"])
    if not command.startswith("keys"):
        assert line["files"]
        assert all(re.fullmatch("[0-9a-f]{64}", file["sha256"]) for file in line["files"])
    assert CANARY.encode() not in b"".join(full.log())
    assert full.run("audit", "verify").code == 0


BY = ["--schema", "schema.toml"]
FAILURES = {
    "output there": ([*ENCRYPT], 12, "policy"),
    "twice": (["encrypt-file", "y.csv", "w.csv", *BY], 12, "policy"),
    "bad input": (["encrypt-file", "bad.csv", "w.csv", *BY], 4, "input"),
    "missing input": (["encrypt-file", "no.csv", "w.csv", *BY], 4, "input"),
    "missing schema": (["encrypt-file", "x.csv", "w.csv", "--schema", "no.toml"], 3, "config"),
    "tampered": (["decrypt-file", "t.csv", "w.csv", *BY], 6, "authentication"),
    "missing key": (["wrap-file", "x.csv", "-r", "no"], 5, "key"),
    "no message": (["unwrap-file", "x.csv", "w.csv"], 7, "pgp"),
    "push nowhere": (["push", "x.csv", "--to", "file:///no/such/"], 9, "incomplete"),
    "pull nothing": (["pull", "no.csv", "--from", "OUTBOX"], 9, "incomplete"),
    "export": (["keys", "export", "look"], 12, "policy"),
    "name taken": (["keys", "generate-aes", "look", "--mode", "sealed", *NEW], 12, "policy"),
    "bad key": (["keys", "import-aes", "n", "bad.csv", "--mode", "sealed", *NEW], 5, "key"),
    "bad pgp key": (["keys", "import-pgp", "n", "bad.csv"], 5, "key"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_command_that_fails_leaves_its_two_lines(full, partner, name, as_json):
    """The code and the kind of the error, never its message, and no value."""
    arguments, code, kind = FAILURES[name]
    said = _prepared(full, partner)
    full.write("bad.csv", f"id,email,note\n1,{CANARY}\n")
    full.write("t.csv", full.read("y.csv").replace(b",A", b",B", 1))
    ended = full.run(*said(arguments), *["--json"] * as_json)
    line = _last(full)
    outcome = "refused" if code == 12 else "failed"
    assert (line["outcome"], line["code"], line["kind"]) == (outcome, code, kind)
    assert ended.code == code
    assert not {"message", "hint", "error"} & line.keys()
    assert CANARY.encode() not in b"".join(full.log())


@pytest.mark.parametrize(
    "arguments",
    [
        ("history",),
        ("profiles", "list"),
        ("keys", "list"),
        ("inspect", "x.csv"),
        ("audit", "show"),
        ("audit", "verify"),
    ],
)
def test_command_that_only_looks_leaves_nothing(project, arguments):
    """Neither a line nor a folder."""
    project.write("x.csv", DATA)
    assert project.run(*arguments).code == 0
    assert not (project.folder / ".piienc").exists()
    assert not (project.folder / "keys" / "audit").exists()


@pytest.mark.parametrize("arguments", [ENCRYPT, DECRYPT], ids=lambda words: words[0])
def test_without_a_log_no_key_is_used_and_no_file_is_made(project, arguments):
    """What cannot be recorded is not done."""
    project.write("x.csv", DATA)
    project.write("y.csv", DATA)
    (project.folder / "state").write_text("")
    with project.unchanged():
        ended = project.run(*arguments, "--state", "state", "--force")
    assert ended.normal() == (
        3,
        "",
        (
            "piienc: error: cannot keep the audit log state/audit: state: File exists\n"
            "piienc: hint: without it no key is used and no file is touched; name a folder that "
            "may be written to: --state DIR or PIIENC_STATE\n"
        ),
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_command_that_is_ended_by_a_signal_tells_so(project, number, code):
    """A nightly job that was stopped is seen."""
    command = project.command("encrypt-file", "-", "y.csv", "--schema", "schema.toml")
    run = subprocess.Popen(command, cwd=project.folder, stdin=subprocess.PIPE)
    while not project.log():
        time.sleep(0.01)
    time.sleep(0.3)
    run.send_signal(number)
    run.communicate(timeout=30)
    assert run.returncode == code
    line = _last(project)
    kind = "terminated" if number == signal.SIGTERM else "interrupted"
    assert (line["outcome"], line["code"], line["kind"]) == ("failed", code, kind)


def test_command_that_is_killed_stays_begun(project):
    """Its beginning has no end."""
    command = project.command("encrypt-file", "-", "y.csv", "--schema", "schema.toml")
    run = subprocess.Popen(command, cwd=project.folder, stdin=subprocess.PIPE)
    while not project.log():
        time.sleep(0.01)
    run.kill()
    run.communicate(timeout=30)
    (line,) = project.run("audit", "show", "--outcome", "begun", "--json").document["lines"]
    assert [file["name"] for file in line["files"]] == ["-", "y.csv"]
    assert project.run("audit", "verify").code == 0


def test_verify_says_that_all_is_well(project):
    """In a few lines, or in a document."""
    project.write("x.csv", DATA)
    receipt = project.run(*ENCRYPT, "--json").out
    project.write("receipt.json", receipt)
    ended = project.run("audit", "verify", "--receipt", "receipt.json")
    assert (ended.code, ended.out, _stable(ended.err)) == (
        0,
        "",
        ("piienc: 2 lines, whole and in order, signed: .piienc/audit/KEY\n"),
    )
    assert project.run("audit", "verify", "--quiet").normal() == (0, "", "")
    document = project.run("audit", "verify", "--json").document
    (log,) = document.pop("logs")
    assert document == {"schema_version": 1, "ok": True}
    assert log | {"path": 0, "key": 0, "last": 0} == {
        "path": 0,
        "lines": 2,
        "segments": 1,
        "signature": "good",
        "key": 0,
        "cut": 0,
        "last": 0,
        "damages": [],
    }


def test_verify_names_the_line_and_exits_with_6(project):
    """As text, and as a document."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    log = project.segment()
    log.write_bytes(log.read_bytes().replace(b"x.csv", b"X.csv", 1))
    ended = project.run("audit", "verify")
    message = "line 1 was altered or put in: it does not carry a good signature"
    assert (ended.code, ended.out, _stable(ended.err)) == (
        6,
        "",
        (
            f"piienc: error: .piienc/audit/KEY/000001.jsonl: {message}\n"
            "piienc: hint: keep log and receipts as they are; if the log was written with other "
            "folders, name them: --keys DIR, --state DIR\n"
        ),
    )
    told = project.run("audit", "verify", "--json")
    assert (told.code, told.err) == (6, "")
    (damage,) = told.document["logs"][0]["damages"]
    assert damage | {"file": 0} == {"file": 0, "line": 1, "kind": "altered", "message": message}
    assert told.document["error"]["code"] == 6
    assert told.document["ok"] is False


def test_command_that_meets_a_broken_log_says_so_and_goes_on(project):
    """In a line on standard error, once; what it writes says so for ever."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    log = project.segment()
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))
    ended = project.run(*ENCRYPT, "--force", "--quiet")
    assert (ended.code, ended.out, _stable(ended.err)) == (
        0,
        "",
        (
            "piienc: warning: the audit log .piienc/audit/KEY/000001.jsonl is not as it was "
            "written: the log was cut off behind line 1: its head tells of line 2; it goes on in a "
            "new segment that says so: see 'piienc audit verify'\n"
        ),
    )
    assert project.run(*ENCRYPT, "--force", "--quiet").normal() == (0, "", "")
    ended = project.run("audit", "verify")
    assert ended.code == 6
    assert _stable(ended.err).splitlines()[0] == (
        "piienc: error: .piienc/audit/KEY/000002.jsonl: line 3 found a break: the log was cut off "
        "behind line 1: its head tells of line 2"
    )


def test_head_is_a_line_to_keep_elsewhere(project):
    """Later, it is a witness."""
    project.write("x.csv", DATA)
    ended = project.run("audit", "head")
    assert (ended.code, ended.out) == (4, "")
    assert project.run(*ENCRYPT).code == 0
    shutil.copytree(project.folder / ".piienc", project.folder / "yesterday")
    assert project.run(*DECRYPT).code == 0
    head = project.run("audit", "head")
    mark = project.mark()
    line = f"piienc-audit-head:{mark['log']}:4:{mark['head']}"
    assert head.normal() == (0, f"{line}\n", "")
    assert project.run("audit", "head", "--json").document == {
        "schema_version": 1,
        "ok": True,
        "head": line,
        "audit": mark,
    }
    assert project.run("audit", "verify", "--head", line).code == 0
    ended = project.run("audit", "verify", "--state", "yesterday", "--head", line)
    assert ended.code == 6
    assert "the log was cut off behind line 2: a witness tells of line 4" in ended.err
    ended = project.run("audit", "verify", "--head", line[:-1])
    assert ended.normal() == (
        2,
        "",
        (
            "piienc: error: what --head gives is no line of 'piienc audit head'\n"
            "piienc: hint: give the line as it was printed, all of it\n"
        ),
    )


def test_verify_by_a_receipt_finds_what_was_rolled_back(project):
    """A log and its head of yesterday are good, but the receipt is of today."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    shutil.copytree(project.folder / ".piienc", project.folder / "yesterday")
    project.write("receipt.json", project.run(*DECRYPT, "--json").out)
    yesterday = ["audit", "verify", "--state", "yesterday"]
    assert project.run(*yesterday).code == 0
    ended = project.run(*yesterday, "--receipt", "receipt.json")
    assert ended.code == 6
    assert _stable(ended.err).splitlines()[0] == (
        "piienc: error: yesterday/audit/KEY: the log was cut off behind line 2: "
        "a witness tells of line 4"
    )


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"audit": null}', f'{{"x": "{CANARY}"}}'])
def test_receipt_that_tells_nothing_is_refused(project, content):
    """It is no witness; what stands in it is not told."""
    project.write("receipt.json", content)
    assert project.run("audit", "verify", "--receipt", "receipt.json").normal() == (
        4,
        "",
        (
            "piienc: error: receipt.json is no receipt that tells of the audit log\n"
            "piienc: hint: give the document that a command has printed with --json\n"
        ),
    )


def test_verify_without_a_signature_warns(project):
    """It proves less, and says so."""
    shutil.rmtree(project.folder / "keys")
    (project.folder / "in").mkdir()
    project.write("x.csv", DATA)
    assert project.run("push", "x.csv", "--to", f"file://{project.folder}/in/").code == 0
    warning = (
        "piienc: warning: .piienc/audit/unsigned is not signed: anybody could have written it, or "
        "cut it off\n"
    )
    told = "piienc: 2 lines, in order: .piienc/audit/unsigned\n"
    assert project.run("audit", "verify").normal() == (0, "", told + warning)
    assert project.run("audit", "verify", "--quiet").normal() == (0, "", warning)


@pytest.mark.parametrize("said", [[], ["--quiet"], ["--json"]], ids=["text", "quiet", "json"])
def test_verify_of_a_signed_log_without_its_key_proves_nothing_and_says_so(project, said):
    """After what can be seen without it."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    for keys in ("nowhere", "others"):
        if keys == "others":
            shutil.copytree(project.folder / "keys", project.folder / keys)
            shutil.rmtree(project.folder / keys / "audit")
            signs = [*ENCRYPT, "--keys", keys, "--state", "else", "--force"]
            assert project.run(*signs).code == 0
        ended = project.run("audit", "verify", "--keys", keys, *said)
        message = (
            f"the signatures of .piienc/audit/KEY were not checked: {keys} does not hold its key"
        )
        hint = "name the key folder that has signed it: --keys DIR or PIIENC_KEYS"
        if said == ["--json"]:
            document = ended.document
            assert (ended.code, document["ok"]) == (5, False)
            assert document["logs"][0]["signature"] == "unchecked"
            error = document["error"]
            assert (_stable(error["message"]), error["code"], error["kind"]) == (message, 5, "key")
            assert error["hint"] == hint
        else:
            first = ["piienc: 2 lines, in order: .piienc/audit/KEY"] if not said else []
            told = [f"piienc: error: {message}", f"piienc: hint: {hint}"]
            assert (ended.code, _stable(ended.err).splitlines()) == (5, first + told)


def test_verify_without_the_key_tells_damage_first(project):
    """What was found counts more than what was not looked for."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    log = project.segment()
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[1:]))
    assert project.run("audit", "verify", "--keys", "nowhere").code == 6


def test_verify_tells_what_it_has_not_proven_also_when_it_is_quiet(project):
    """A log of another key beside the one that was checked; and what nobody has signed."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    shutil.copytree(project.folder / "keys", project.folder / "second")
    shutil.rmtree(project.folder / "second" / "audit")
    assert project.run(*ENCRYPT, "--keys", "second", "--force").code == 0
    ended = project.run("audit", "verify", "--quiet")
    assert (ended.code, ended.out) == (0, "")
    assert re.fullmatch(
        "piienc: warning: the signatures of .piienc/audit/[0-9a-f]{16} were not checked: keys does "
        "not hold its key\n",
        ended.err,
    )


@pytest.mark.parametrize("keys", ["keys", "nowhere"])
def test_empty_log_is_told_as_empty(project, keys):
    """What a crash leaves before the first line, or somebody has put there, proves nothing."""
    folder = project.folder / ".piienc" / "audit" / "0123456789abcdef"
    folder.mkdir(mode=0o700, parents=True)
    ended = project.run("audit", "verify", "--keys", keys)
    assert ended.normal() == (0, "", "piienc: empty: .piienc/audit/0123456789abcdef\n")


def test_show_is_a_table_of_the_newest(project):
    """One row for each run."""
    project.write("x.csv", DATA)
    project.run(*ENCRYPT)
    project.run(*ENCRYPT)
    ended = project.run("audit", "show")
    rows = [re.split(r"\s{2,}", row.strip()) for row in _stable(ended.out).splitlines()]
    user = _lines(project)[0]["user"]
    refused = ["refused, exit code 12", "x.csv, y.csv", "look, seal"]
    assert [row for row in rows if row[0] in {"2", "4"}] == [
        ["4", "TIME", user, "encrypt-file", *refused],
        ["2", "TIME", user, "encrypt-file", "done", "x.csv, y.csv", "look, seal"],
    ]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ([], [6, 4, 2]),
        (["--most", "1"], [6]),
        (["--command", "decrypt-file"], [6]),
        (["--file", "y.csv"], [6, 4, 2]),
        (["--file", "z.csv"], [6]),
        (["--file", "y.cs"], []),
        (["--key", "look"], [6, 4, 2]),
        (["--key", "1111111111"], [6, 4, 2]),
        (["--key", "other"], []),
        (["--outcome", "refused"], [4]),
        (["--outcome", "done"], [6, 2]),
        (["--outcome", "begun"], []),
        (["--since", "2020-01-01"], [6, 4, 2]),
        (["--until", "2020-01-01"], []),
        (["--since", "2020-01-01", "--until", "2999-01-01", "--most", "2"], [6, 4]),
    ],
)  # fmt: skip
def test_show_filters(project, said, numbers):
    """By time, command, file, key and outcome."""
    project.write("x.csv", DATA)
    for arguments in (ENCRYPT, ENCRYPT, DECRYPT):
        project.run(*arguments)
    shown = project.run("audit", "show", "--json", *said)
    assert (shown.code, shown.err) == (0, "")
    assert [line["line"] for line in shown.document["lines"]] == numbers


def test_show_of_nothing_says_so(project):
    """An empty table would look like a fault."""
    assert project.run("audit", "show").normal() == (0, "", "piienc: no lines\n")
    assert project.run("audit", "show", "--quiet").normal() == (0, "", "")


def test_show_does_nothing_to_the_terminal(project):
    """A file's name may hold anything."""
    project.write("a\x1b[2J\nb.csv", DATA)
    project.run("encrypt-file", "a\x1b[2J\nb.csv", "y.csv", "--schema", "schema.toml")
    shown = project.run("audit", "show")
    assert "a?[2J?b.csv, y.csv" in shown.out
    assert "\x1b" not in shown.out


def test_show_goes_past_lines_that_cannot_be_read(project):
    """They are counted, and verification tells more."""
    project.write("x.csv", DATA)
    project.run(*ENCRYPT)
    log = project.segment()
    log.write_bytes(b"garbage\n" + log.read_bytes() + b"[1]\n")
    ended = project.run("audit", "show", "--json")
    assert ended.err == "piienc: warning: 2 lines cannot be read: see 'piienc audit verify'\n"
    assert [line["line"] for line in ended.document["lines"]] == [2]
