"""`piienc encrypt-file` and `decrypt-file`: whole outputs, exit codes, and what is left."""

import gzip
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

C = "CANARY-4711"
DATA = f"id,email,note\n1,{C},n\n2,,\n"
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml"]
DECRYPT = ["decrypt-file", "y.csv", "z.csv", "--schema", "schema.toml"]
HEADER = "id,email,note\n"
ROW = f"{C},{C},{C}\n"
UNCLOSED = HEADER + ROW + f'{C},"{C},{C}\n' + ROW


@pytest.fixture
def there(project):
    """Give a project with `x.csv`, and `y.csv`, which is encrypted."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT).code == 0
    return project


def _facts(project, name):
    data = project.read(name)
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_encrypt_and_decrypt_tell_what_they_did_on_standard_error(project):
    """One line for people, and nothing on standard output."""
    project.write("x.csv", DATA)
    told = "of 2 rows in T s:"
    assert project.run(*ENCRYPT).normal() == (
        0,
        "",
        f"piienc: encrypted email, note {told} y.csv\n",
    )
    assert project.run(*DECRYPT).normal() == (
        0,
        "",
        f"piienc: decrypted email, note {told} z.csv\n",
    )
    assert project.read("z.csv") == DATA.encode()
    assert C.encode() not in project.read("y.csv")


@pytest.mark.parametrize("quiet", ["--quiet", "-q"])
def test_quiet_says_nothing(there, quiet):
    """A cron job that works sends no mail."""
    assert there.run(*DECRYPT, quiet).normal() == (0, "", "")
    assert there.read("z.csv") == DATA.encode()


def test_json_gives_the_receipt_as_the_only_output(project):
    """Its hashes are those of the files, its keys are the promised ones."""
    project.write("x.csv", DATA)
    ended = project.run(*ENCRYPT, "--json")
    assert (ended.code, ended.err) == (0, "")
    receipt = ended.document
    assert isinstance(receipt.pop("seconds"), float)
    facts = {"cells": 1, "nulls": 1}
    assert receipt == {
        "schema_version": 1,
        "ok": True,
        "step": "encrypt-file",
        "input": _facts(project, "x.csv"),
        "output": _facts(project, "y.csv"),
        "rows": 2,
        "columns": {
            "email": {"key": "look", "mode": "searchable", "key_ids": [1111111111], **facts},
            "note": {"key": "seal", "mode": "sealed", "key_ids": [2222222222], **facts},
        },
        "warnings": [],
        "audit": project.mark(),
    }
    back = project.run(*DECRYPT, "--json", "--columns", "note").document
    assert (back["step"], list(back["columns"])) == ("decrypt-file", ["note"])
    assert back["input"] == receipt["output"]
    assert back["output"] == _facts(project, "z.csv")


def test_standard_input_and_output_carry_data_and_nothing_else(project):
    """A pipe of both commands gives back what went in; the words go to standard error."""
    schema = ["--schema", "schema.toml"]
    there = project.start("encrypt-file", "-", "-", *schema, stdin=DATA.encode())
    assert there.code == 0
    assert there.out.startswith("id,email,note\n1,A")
    assert there.out.count("\n") == 3
    assert there.normal()[2] == "piienc: encrypted email, note of 2 rows in T s: -\n"
    back = project.start("decrypt-file", "-", "-", *schema, "-q", stdin=there.out.encode())
    assert back.normal() == (0, DATA, "")


def test_receipt_stands_aside_where_standard_output_carries_data(there):
    """With `-` as the output, the document goes to standard error."""
    ended = there.run("decrypt-file", "y.csv", "-", "--schema", "schema.toml", "--json")
    assert (ended.code, ended.out) == (0, DATA)
    assert json.loads(ended.err)["output"] == {**_facts(there, "x.csv"), "name": "-"}


def test_error_stands_aside_where_standard_output_carries_data(there):
    """With `-` as the output, an error's document does not mix with the data."""
    there.write("bad.csv", HEADER + "1,2\n")
    ended = there.run("encrypt-file", "bad.csv", "-", "--schema", "schema.toml", "--json")
    assert ended.code == 4
    assert '"error"' not in ended.out
    assert json.loads(ended.err)["error"]["code"] == 4


@pytest.mark.parametrize(
    ("columns", "back"),
    [("email", ["email"]), ("email,note", ["email", "note"]), ("note", ["note"])],
)
def test_columns_chooses_what_is_decrypted(there, columns, back):
    """The others stay as they are."""
    ended = there.run(*DECRYPT, "--columns", columns, "--json")
    assert list(ended.document["columns"]) == back


@pytest.mark.parametrize("columns", ["", ",", " "])
def test_columns_without_a_name_decrypts_nothing(there, columns):
    """An empty variable in a script must not open all columns."""
    with there.unchanged():
        assert there.run(*DECRYPT, "--columns", columns).code == 2


def test_columns_that_are_not_encrypted_are_wrong_usage(there):
    """The hint names those that are."""
    ended = there.run(*DECRYPT, "--columns", "id")
    assert ended.normal() == (
        2,
        "",
        (
            "piienc: error: column 'id' not among the encrypted columns\n"
            "piienc: hint: these are: email, note\n"
        ),
    )


def test_parquet_needs_no_schema_to_be_decrypted(project):
    """The file tells it itself."""
    table = pa.table({"id": ["1"], "email": [C], "note": ["n"]})
    pq.write_table(table, project.folder / "x.parquet")
    schema = ["--schema", "schema.toml"]
    assert project.run("encrypt-file", "x.parquet", "y.parquet", *schema).code == 0
    ended = project.run("decrypt-file", "y.parquet", "z.parquet")
    told = "piienc: decrypted email, note of 1 rows in T s: z.parquet\n"
    assert ended.normal() == (0, "", told)
    assert pq.read_table(project.folder / "z.parquet").equals(table)


@pytest.mark.parametrize("option", [(), ("--no-bloom-filters",)])
def test_parquet_of_a_searchable_column_has_a_bloom_filter_unless_told_otherwise(project, option):
    """The engine of a partner looks values up by it."""
    _parquet(project, "x.parquet")
    ended = project.run(
        "encrypt-file", "x.parquet", "y.parquet", "--schema", "schema.toml", *option
    )
    assert ended.code == 0, ended.err
    group = pq.ParquetFile(project.folder / "y.parquet").metadata.row_group(0)
    sizes = [group.column(number).bloom_filter_length for number in range(3)]
    assert [bool(size) for size in sizes] == [False, not option, False]


def _parquet(project, name, **columns):
    content = {"id": [C], "email": [C], "note": [C], **columns}
    pq.write_table(pa.table(content), project.folder / name)


def _encrypted(project):
    project.write("plain.csv", HEADER + ROW * 3)
    assert project.run("encrypt-file", "plain.csv", "bad.csv", "--schema", "schema.toml").code == 0
    (project.folder / "plain.csv").unlink()


def _tampered(project):
    _encrypted(project)
    lines = project.read("bad.csv").decode().splitlines()
    for row in (1, 3):
        identity, email, note = lines[row].split(",")
        lines[row] = f"{identity},{email[:10]}{'A' if email[10] != 'A' else 'B'}{email[11:]},{note}"
    project.write("bad.csv", "\n".join(lines) + "\n")


def _swapped(project):
    _encrypted(project)
    data = project.read("bad.csv")
    project.write("bad.csv", data.replace(b"id,email,note", b"id,note,email"))


def _parquet_encrypted(project):
    _parquet(project, "plain.parquet")
    schema = ["--schema", "schema.toml"]
    assert project.run("encrypt-file", "plain.parquet", "bad.parquet", *schema).code == 0
    (project.folder / "plain.parquet").unlink()


def _parquet_tampered(project):
    _parquet_encrypted(project)
    table = pq.read_table(project.folder / "bad.parquet")
    number = table.schema.get_field_index("email")
    bad = table.set_column(number, table.schema.field("email"), pa.array([C]))
    pq.write_table(bad, project.folder / "bad.parquet")


def _cut(project, name, data):
    project.write(name, data[: len(data) // 2])


FAULTS = {
    "ragged": (4, "bad.csv: line 3", lambda p: p.write("bad.csv", HEADER + ROW + f"{C}\n")),
    "quote": (4, "bad.csv: line 2", lambda p: p.write("bad.csv", HEADER + f'{C},{C}"{C},{C}\n')),
    "unclosed": (4, "bad.csv: line 3", lambda p: p.write("bad.csv", UNCLOSED)),
    "bytes": (4, "bad.csv: line 2", lambda p: p.write("bad.csv", HEADER.encode() + b",\xff,\n")),
    "missing column": (4, "'note'", lambda p: p.write("bad.csv", f"id,email\n{C},{C}\n")),
    "unknown column": (4, "'x'", lambda p: p.write("bad.csv", f"id,email,note,x\n{C},,,\n")),
    "double column": (4, "'id'", lambda p: p.write("bad.csv", f"id,id,email,note\n{C},,,\n")),
    "empty": (4, "bad.csv is empty", lambda p: p.write("bad.csv", "")),
    "no header": (4, "'note'", lambda p: p.write("bad.csv", f"{C}1,{C}2,{C}3\n{ROW}")),
    "csv named parquet": (4, "bad.parquet", lambda p: p.write("bad.parquet", HEADER + ROW)),
    "parquet cut": (
        4,
        "bad.parquet",
        lambda p: (_parquet(p, "bad.parquet"), _cut(p, "bad.parquet", p.read("bad.parquet"))),
    ),
    "gzip cut": (
        4,
        "bad.csv.gz",
        lambda p: _cut(p, "bad.csv.gz", gzip.compress((HEADER + ROW * 99).encode())),
    ),
    "zstd cut": (
        4,
        "bad.csv.zst",
        lambda p: _cut(
            p, "bad.csv.zst", pa.compress((HEADER + ROW * 99).encode(), "zstd", asbytes=True)
        ),
    ),
    "missing": (4, "bad.csv: No such file", lambda _: None),
    "encrypted already": (12, "column 'email', row 1", _encrypted),
    "parquet encrypted already": (12, "columns 'email', 'note'", _parquet_encrypted),
    "-tampered": (6, "column 'email', rows 1, 3", _tampered),
    "-swapped": (6, "row", _swapped),
    "-parquet tampered": (6, "column 'email', row 1", _parquet_tampered),
    "-plaintext": (6, "column 'email', row 1", lambda p: p.write("bad.csv", HEADER + ROW)),
}


def _bad(project, name):
    """Make the bad file; return the command on it, and the output's name."""
    FAULTS[name][2](project)
    suffix = next((p.name[4:] for p in project.folder.glob("bad.*")), "csv")
    verb = "decrypt-file" if name.startswith("-") else "encrypt-file"
    return [verb, f"bad.{suffix}", f"out.{suffix}", "--schema", "schema.toml"]


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input_is_refused_with_its_place_and_leaves_nothing(project, name):
    """The exit code, the place, a hint; no value in any output, no file in the folder."""
    code, place, _ = FAULTS[name]
    command = _bad(project, name)
    for extra in ([], ["--force"]):
        with project.unchanged():
            ended = project.run(*command, *extra)
        error, hint = ended.err.splitlines()
        assert (ended.code, ended.out) == (code, "")
        assert error.startswith("piienc: error: ")
        assert place in error
        assert hint.startswith("piienc: hint: ")
        assert C not in ended.err
    with project.unchanged():
        ended = project.run(*command, "--json")
    assert (ended.code, ended.err) == (code, "")
    found = ended.document["error"]
    assert ended.document == {"schema_version": 1, "ok": False, "error": found}
    assert found["code"] == code
    assert found["message"] == error.removeprefix("piienc: error: ")
    assert found["hint"] == hint.removeprefix("piienc: hint: ")
    assert C not in ended.out


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("-parquet tampered", "out.parquet"),
        ("-tampered", "out.csv.gz"),
        ("ragged", "out.csv.zst"),
        ("gzip cut", "out.csv"),
    ],
)
def test_bad_input_in_a_real_process_prints_two_lines_and_no_traceback(project, name, target):
    """Nothing is printed behind our back when half-made outputs are thrown away."""
    command = _bad(project, name)
    command[2] = target
    with project.unchanged():
        ended = project.start(*command)
    assert (ended.code, ended.out) == (FAULTS[name][0], "")
    assert len(ended.err.splitlines()) == 2, ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (
            ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml"],
            12,
            "y.csv is there already",
            "choose another name, or say --force to replace it",
        ),
        (
            ["encrypt-file", "x.csv", "x.csv", "--schema", "schema.toml", "--force"],
            12,
            "the output x.csv is the input x.csv",
            "write to another name: the input is never changed in place",
        ),
        (
            ["encrypt-file", "x.csv", "none/z.csv", "--schema", "schema.toml"],
            9,
            "cannot write none/z.csv: No such file or directory",
            "check that the folder exists and may be written to",
        ),
        (
            ["encrypt-file", "x.csv", "z.csv", "--schema", "schema.toml", "--keys", "none"],
            5,
            "there is no key folder none",
            "name it with --keys, or make a key: 'piienc keys generate-aes'",
        ),
        (
            ["decrypt-file", "y.csv", "z.csv"],
            2,
            "y.csv does not record which of its columns are encrypted",
            "name the schema it was encrypted with: --schema FILE",
        ),
        (
            ["encrypt-file", "x.csv", "z.parquet", "--schema", "schema.toml"],
            2,
            (
                "x.csv and z.parquet are of different formats: x.csv is CSV by its content, and "
                "z.parquet is Parquet by its name"
            ),
            "nothing is converted: name the output as what the input is",
        ),
    ],
)
def test_refusal_says_what_where_and_what_next(there, arguments, code, error, hint):
    """The whole output, as text and as a document."""
    with there.unchanged():
        ended = there.run(*arguments)
        assert ended.normal() == (code, "", f"piienc: error: {error}\npiienc: hint: {hint}\n")
        found = there.run(*arguments, "--json").document["error"]
    assert (found["code"], found["message"], found["hint"]) == (code, error, hint)


@pytest.mark.parametrize("name", ["schema", "missing"])
def test_schema_that_cannot_be_used_exits_with_3(there, name):
    """A schema that is missing or wrong is a matter of configuration."""
    there.write("wrong.toml", 'name = "x"\nversion = 1\n[columns.a]\ntype = "nonsense"\n')
    path = {"schema": "wrong.toml", "missing": "none.toml"}[name]
    with there.unchanged():
        ended = there.run("encrypt-file", "x.csv", "z.csv", "--schema", path)
    assert (ended.code, ended.out) == (3, "")
    assert path in ended.err


def test_key_that_is_missing_exits_with_5(there):
    """The nearest name is offered."""
    (there.folder / "keys" / "aes" / "look.json").rename(
        there.folder / "keys" / "aes" / "loook.json"
    )
    with there.unchanged():
        ended = there.run("encrypt-file", "x.csv", "z.csv", "--schema", "schema.toml")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: there is no key look: keys/aes/look.json is missing\n"
            "piienc: hint: did you mean loook?\n"
        ),
    )


def test_key_that_is_disabled_exits_with_5(there):
    """Its cells stay closed until it is enabled again."""
    path = there.folder / "keys" / "aes" / "look.json"
    keyset = json.loads(path.read_text())
    (old,) = keyset["key"]
    keyset["key"].append({**old, "keyId": 7})
    keyset["primaryKeyId"], old["status"] = 7, "DISABLED"
    path.write_text(json.dumps(keyset))
    with there.unchanged():
        ended = there.run(*DECRYPT)
    assert ended.code == 5
    assert "column 'email', row 1" in ended.err
    assert "1111111111, which is DISABLED" in ended.err


def test_force_replaces_the_output(there):
    """Only where it is said."""
    old = there.read("y.csv")
    assert there.run(*ENCRYPT, "--force").code == 0
    assert there.read("y.csv") != old


def test_schema_may_come_through_a_pipe(there):
    """As a shell gives it: --schema <(…)."""
    read, write = os.pipe()
    os.write(write, there.read("schema.toml"))
    os.close(write)
    command = ["encrypt-file", "x.csv", "z.csv", "--schema", f"/dev/fd/{read}", "--quiet"]
    assert there.run(*command).normal() == (0, "", "")
    os.close(read)


def test_output_is_private(there):
    """Also what is decrypted is first its owner's alone."""
    assert there.run(*DECRYPT).code == 0
    for name in ("y.csv", "z.csv"):
        assert (there.folder / name).stat().st_mode & 0o777 == 0o600


def test_worn_key_is_warned_of_on_standard_error_and_in_the_receipt(there):
    """At half of the limit the work is done, and a new key is due."""
    _count(there, 1 << 31)
    ended = there.run(*ENCRYPT, "--force", "--json")
    (warning,) = ended.document["warnings"]
    assert "key id 2222222222" in warning
    assert (ended.code, ended.err) == (0, f"piienc: warning: {warning}\n")


def test_worn_out_key_is_refused(there):
    """At the limit nothing is encrypted any more."""
    _count(there, 1 << 32)
    with there.unchanged():
        ended = there.run("encrypt-file", "x.csv", "z.csv", "--schema", "schema.toml")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: key id 2222222222 has encrypted 4,294,967,296 of the 4,294,967,296 "
            "(2^32) cells that are safe for AES-GCM\n"
            "piienc: hint: encrypt under a new key: piienc keys generate-aes NAME --mode sealed\n"
        ),
    )


def _count(project, cells):
    database = sqlite3.connect(project.folder / ".piienc" / "state.db")
    with database:
        database.execute("UPDATE sealed_keys SET cells = ?", (cells,))
    database.close()


@pytest.mark.parametrize("way", ["flag", "variable", "file"])
def test_state_that_cannot_be_written_exits_with_3_and_a_hint(there, way):
    """The hint names the ways to another folder."""
    (there.folder / "state" / "audit" / "lock").mkdir(parents=True)
    for name in ("state", "state/audit"):
        (there.folder / name).chmod(0o700)
    flags, env = [], {}
    if way == "flag":
        flags = ["--state", "state"]
    elif way == "variable":
        env = {"PIIENC_STATE": "state"}
    else:
        there.write("piienc.toml", '[state]\ndir = "state"\n')
    with there.unchanged():
        command = ["encrypt-file", "x.csv", "z.csv", "--schema", "schema.toml", *flags]
        ended = there.run(*command, env=env)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        "piienc: error: cannot keep the audit log state/audit: state/audit/lock is not a regular "
        "file\n"
        "piienc: hint: without it no key is used and no file is touched; name a folder that may "
        "be written to: --state DIR or PIIENC_STATE\n"
    )


def test_progress_bar_is_on_terminals_only(there):
    """Neither a pipe nor a log sees one."""
    ended = there.start(*DECRYPT, env={"FORCE_COLOR": "1"})
    assert ended.normal() == (0, "", "piienc: decrypted email, note of 2 rows in T s: z.csv\n")


def test_output_whose_reader_leaves_ends_quietly(project):
    """`piienc … - | head -1` is no failure to talk about."""
    project.write("big.csv", HEADER + ROW * 50_000)
    command = project.command("encrypt-file", "big.csv", "-", "--schema", "schema.toml", "-q")
    run = subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout.readline() == HEADER.encode()
    run.stdout.close()
    told = run.stderr.read()
    run.stderr.close()
    assert (run.wait(30), told) == (128 + 13, b"")


@pytest.mark.parametrize(
    "arguments", [["encrypt-file", "x.csv", "-", "--schema", "schema.toml", "-q"]]
)
def test_standard_output_that_is_full_exits_with_9(there, arguments):
    """What was not written is not told as done."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            there.command(*arguments),
            cwd=there.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.returncode == 9
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize(
    "arguments", [[*ENCRYPT, "--json", "--force"], ["keys", "list"], ["keys", "list", "--json"]]
)
def test_document_that_cannot_be_written_is_no_bug(there, arguments):
    """A full disk behind standard output is told like any other, without a traceback."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            there.command(*arguments),
            cwd=there.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.returncode == 9
    assert b"Traceback" not in run.stderr


def test_bug_is_reported_by_its_place_and_without_a_value(there, monkeypatch):
    """What nobody foresaw may hold a value, so only its class and place are told."""

    def broken(*_, **__):
        raise RuntimeError(C)

    monkeypatch.setattr("piienc.schema.load", broken)
    ended = there.run(*DECRYPT)
    assert ended.code == 1
    assert "RuntimeError at test_tables.py:" in ended.err
    assert C not in ended.err
    assert there.run(*DECRYPT, "--json").document["error"]["kind"] == "bug"


def test_installed_program_is_the_module(project):
    """The script that packaging makes is the same program."""
    script = Path(sys.executable).with_name("piienc")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == project.run("--version").out


def test_folder_of_parquet_is_one_command_and_one_receipt(project):
    """Its files, and their counts, are in the receipt and in the audit log."""
    table = pa.table({"id": ["1"], "email": [C], "note": ["n"]})
    for name in ("day=1", "day=2"):
        (project.folder / "in" / name).mkdir(parents=True)
        pq.write_table(table, project.folder / "in" / name / "x.parquet")
    ended = project.run("encrypt-file", "in", "out", "--schema", "schema.toml", "--json")
    assert ended.code == 0, ended.err
    names = [file["output"]["name"] for file in ended.document["files"]]
    assert names == ["out/day=1/x.parquet", "out/day=2/x.parquet"]
    assert ended.document["rows"] == 2
    ended = project.run("decrypt-file", "out", "back")
    told = "of 2 rows in 2 files in T s"
    assert ended.normal() == (0, "", f"piienc: decrypted email, note {told}: back\n")
    assert pq.read_table(project.folder / "back" / "day=2" / "x.parquet")["email"].to_pylist() == [
        C
    ]
    lines = project.run("audit", "show", "--json").document["lines"]
    last = max(lines, key=lambda line: line["line"])
    assert last["counts"] == {"cells": 4, "rows": 2, "files": 2}
    assert [file["name"] for file in last["files"] if file["role"] == "output"] == [
        "back/day=1/x.parquet",
        "back/day=2/x.parquet",
    ]
