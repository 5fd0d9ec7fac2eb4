"""`piienc verify` as a program: its outputs, exit codes and reports, and what it leaves behind."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import time

import pytest
from verify_desk import Sheet, people

FORMS = ["json", "junit", "github", "markdown", "sarif", "html"]
PEOPLE = 'id,email,note\n1,ada@example.com,x\n2,brian@example.com,\n3,cyn@example.com,""\n'
ASK = ("--schema", "schema.toml", "--no-input")


@pytest.fixture
def export(project):
    """Give a project with `people.csv`, and `people.enc.csv` made of it."""
    project.write("people.csv", PEOPLE)
    done = project.run("encrypt-file", "people.csv", "people.enc.csv", "--schema", "schema.toml")
    assert done.code == 0, done.err
    return project


def _cells(project, name: str = "people.enc.csv") -> list[list[str]]:
    return [line.split(",") for line in project.read(name).decode().splitlines()]


def _faulty(project, row: int, column: int, cell: str) -> None:
    """Write `faulty.csv`: the export with one other cell."""
    cells = _cells(project)
    cells[row][column] = cell
    project.write("faulty.csv", "".join(f"{','.join(line)}\n" for line in cells))


def _flipped(cell: str) -> str:
    return cell[:20] + ("A" if cell[20] != "A" else "B") + cell[21:]


def _text(done) -> str:
    return "".join(f"{line.rstrip()}\n" for line in done.out.splitlines())


def test_clean_file_passes(export):
    """The whole output, and nothing besides."""
    done = export.run("verify", "people.enc.csv", *ASK)
    assert (done.code, done.err) == (0, "")
    assert _text(done) == (
        "PASSED: people.enc.csv: nothing was found in 3 rows and 3 columns\n"
        "columns\n"
        "\n"
        "  column   nulls   encrypted   authentic   failures   suspicious\n"
        " ────────────────────────────────────────────────────────────────\n"
        "  id       0       -           -           0          -\n"
        "  email    0       3           3           0          -\n"
        "  note     1       2           2           0          -\n"
        "\n"
        "what equal values show\n"
        "  email: 3 different values in 3 cells, the most frequent in 33.3% of them\n"
    )


def test_value_in_clear_fails(export):
    """With its row and what to do, and without the value."""
    _faulty(export, 2, 1, "brian@example.com")
    done = export.run("verify", "faulty.csv", *ASK)
    assert (done.code, done.err) == (10, "")
    assert _text(done) == (
        "FAILED: faulty.csv: 1 error in 3 rows and 3 columns\n"
        "columns\n"
        "\n"
        "  column   nulls   encrypted   authentic   failures   suspicious\n"
        " ────────────────────────────────────────────────────────────────\n"
        "  id       0       -           -           0          -\n"
        "  email    0       2           2           1          -\n"
        "  note     1       2           2           0          -\n"
        "\n"
        "errors\n"
        "  email: plaintext: not encrypted: row 2\n"
        "  hint: plaintext: do not send the file: encrypt it with piienc encrypt-file\n"
        "what equal values show\n"
        "  email: 2 different values in 3 cells, the most frequent in 33.3% of them\n"
    )


def test_tampered_cell_and_quiet(export):
    """Exit code 6; a quiet run says it by that alone."""
    _faulty(export, 3, 1, _flipped(_cells(export)[3][1]))
    done = export.run("verify", "faulty.csv", *ASK)
    assert done.code == 6
    assert _text(done).startswith("TAMPERED: faulty.csv: 1 error in 3 rows and 3 columns; cells")
    assert "  email: authentic: tampered, or of another context: row 3\n" in _text(done)
    assert export.run("verify", "faulty.csv", *ASK, "--quiet") == type(done)(6, "", "")


@pytest.mark.parametrize("keys", ["nowhere", "wrapped"])
def test_missing_and_locked_keys_leave_the_file_incomplete(keys, export):
    """Exit code 5, and what could not be checked; without being asked for, 0."""
    export.keep("wrapped", b"open sesame")
    done = export.run("verify", "people.enc.csv", *ASK, "--keys", keys)
    assert done.code == 5
    assert _text(done).startswith(
        "INCOMPLETE: people.enc.csv: nothing was found in 3 rows and 3 columns; not all could be "
        "checked, for lack of the keys look, seal\n"
    )
    assert "not checked\n  email: authentic: " in _text(done)
    blind = export.run("verify", "people.enc.csv", *ASK, "--keys", keys, "--without-keys")
    assert blind.code == 0
    assert "not checked\n  email: authentic: the key look was not to be used\n" in _text(blind)
    _faulty(export, 1, 2, "in clear")
    assert export.run("verify", "faulty.csv", *ASK, "--keys", keys).code == 10


def test_locked_key_is_opened_by_its_passphrase(export):
    """From a file, as for other commands."""
    export.keep("wrapped", b"open sesame")
    export.write("passphrase", b"open sesame\n").chmod(0o600)
    options = ("--keys", "wrapped", "--passphrase-file", "passphrase")
    assert export.run("verify", "people.enc.csv", *ASK, *options).code == 0


def test_original_and_plain_file_and_standard_input(export):
    """The options for both directions, from a file, a stream and a pipe with a name."""
    assert export.run("verify", "people.enc.csv", *ASK, "--against", "people.csv").code == 0
    by_key = ("--against", "people.csv", "--key-column", "id")
    assert export.run("verify", "people.enc.csv", *ASK, *by_key).code == 0
    plain = export.run("verify", "people.csv", *ASK, "--expect", "plain", "--round-trip", "--json")
    assert (plain.code, plain.document["round_trip"]) == (0, ["columns"])
    data = export.read("people.enc.csv")
    streamed = export.start("verify", "-", *ASK, "--json", stdin=data)
    assert (streamed.code, streamed.document["rows"]) == (0, 3)
    piped = subprocess.run(
        ["bash", "-c", '"$@" <(cat people.enc.csv)', "-", *export.command("verify", *ASK)],
        cwd=export.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (piped.returncode, piped.stderr) == (0, "")


WRONG = {
    "a ragged row": (lambda data: data + b"4,x\n", "line 5: 2 fields, where the header has 3"),
    "bytes of another encoding": (
        lambda data: data + b"4,,\xff\n",
        "line 5: bytes that are not utf-8 (field 3)",
    ),
    "an open quote": (lambda data: data + b'4,,"x\n', "a quoted field begins here and never ends"),
    "nothing": (lambda _: b"", "is empty: not even a header is there"),
}


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_unreadable_csv_ends_with_4(spoil, said, export):
    """On either side, with its line; as JSON, too."""
    export.write("bad.csv", spoil(export.read("people.enc.csv")))
    for command in (("bad.csv",), ("people.enc.csv", "--against", "bad.csv")):
        done = export.run("verify", *command, *ASK)
        assert (done.code, done.out) == (4, "")
        assert said in done.err
        done = export.run("verify", *command, *ASK, "--json", "-o", "json=report.json")
        assert (done.code, done.document["error"]["code"]) == (4, 4)
    assert not (export.folder / "report.json").exists()


def test_truncated_and_missing_files_end_with_4(export):
    """Gzip, Parquet, and a name that leads nowhere."""
    packed = gzip.compress(export.read("people.enc.csv"))
    export.write("cut.csv.gz", packed[:-12])
    people(200, "parquet").save(export.folder / "cut.parquet")
    export.write("cut.parquet", export.read("cut.parquet")[:-100])
    for name in ("cut.csv.gz", "cut.parquet", "nowhere.csv", "nowhere.parquet", "."):
        done = export.run("verify", name, *ASK)
        assert (done.code, done.out) == (4, ""), name


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--key-column", "id"), 2),
        (("--round-trip",), 2),
        (("--recipient", "me"), 2),
        (("--expect", "nothing"), 2),
        (("--format", "html"), 2),
        (("-o", "json"), 2),
        (("-o", "yaml=report.yaml"), 2),
        (("--against", "people.csv", "--key-column", "nobody"), 2),
        (("--profile", "nobody"), 3),
    ],
)
def test_wrong_usage_is_refused_with_a_hint(options, code, export):
    """Before anything is written."""
    with export.unchanged():
        done = export.run("verify", "people.enc.csv", *ASK, *options)
    assert (done.code, done.out) == (code, "")
    assert "piienc: hint: " in done.err


def test_schema_that_undoes_a_mark_is_refused(export):
    """Also one that drops the column, while the file still has it."""
    schema = export.read("schema.toml").decode()
    table = '[columns.note]\ntype = "string"\nencrypt = "seal"\n'
    kept = schema.replace("version = 1", 'version = 1\nextra_columns = "keep"')
    for other in (schema.replace('encrypt = "seal"\n', ""), kept.replace(table, "")):
        export.write("other.toml", other)
        done = export.run("verify", "people.enc.csv", "--schema", "other.toml", "--no-input")
        assert (done.code, done.out) == (12, "")
        assert "column 'note', encrypted since" in done.err
    export.write("less.csv", "id,email\n")
    assert export.run("verify", "less.csv", "--schema", "other.toml", "--no-input").code == 0


def test_reports_never_replace_what_is_there_or_what_is_read(export):
    """Neither without --force, nor an input with it; and no other report appears."""
    export.write("report.xml", "before")
    inputs = ("people.enc.csv", "people.csv", "schema.toml")
    with export.unchanged():
        taken = ("-o", "json=new.json", "-o", "junit=report.xml")
        done = export.run("verify", "people.enc.csv", *ASK, *taken)
        assert (done.code, done.out) == (12, "")
        for name in inputs:
            options = ("--against", "people.csv", "-o", f"json={name}", "--force")
            done = export.run("verify", "people.enc.csv", *ASK, *options)
            assert (done.code, done.out) == (12, "")
            assert "is the input" in done.err
    done = export.run("verify", "people.enc.csv", *ASK, "-o", "junit=report.xml", "--force")
    assert done.code == 0
    assert export.read("report.xml").startswith(b"<?xml")


def test_all_reports_are_written_at_once(export, monkeypatch):
    """Each in its form, with mode 0600; the step's summary where GitHub wants one."""
    _faulty(export, 2, 1, "in clear")
    summary = export.write("summary.md", "before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    outputs = [word for form in FORMS[:-1] for word in ("-o", f"{form}=report.{form}")]
    done = export.run(
        *("verify", "faulty.csv", *ASK, *outputs),
        *("--html", "report.html", "--format", "github"),
    )
    assert done.code == 10
    assert done.out == (
        "::error file=faulty.csv,title=piienc verify%3A FAILED::1 error in 3 rows and 3 columns\n"
        "::error file=faulty.csv,line=3,title=email%3A plaintext::row 2: not encrypted\n"
    )
    begins = {"json": "{", "junit": "<?xml", "sarif": "{", "html": "<!DOCTYPE html>"}
    for form in FORMS:
        path = export.folder / f"report.{form}"
        assert path.read_text("utf-8").startswith(begins.get(form, ""))
        assert "plaintext" in path.read_text("utf-8")
        assert path.stat().st_mode & 0o777 == 0o600
    assert export.read("report.github").decode() == done.out
    assert summary.read_text("utf-8") == "before\n" + export.read("report.markdown").decode()
    finding = json.loads(export.read("report.json"))["findings"]
    assert finding == [
        {
            "row": 2,
            "column": "email",
            "rule": "plaintext",
            "detail": "not encrypted",
            "severity": "error",
        }
    ]


@pytest.mark.parametrize("form", FORMS[:-1])
def test_format_on_standard_output_is_that_of_the_file(form, export):
    """But for the moment and the time that it took; `--json` is the same as that format."""
    done = export.run("verify", "people.enc.csv", *ASK, "--format", form, "-o", f"{form}=report")
    assert (done.code, done.err) == (0, "")
    assert done.out == export.read("report").decode().rstrip("\n") + "\n"


class TestWrapped:
    """Files in OpenPGP messages."""

    @pytest.fixture
    def wrapped(self, office):
        """Give a project with messages of CSV and Parquet that is not compressible."""
        office.write(
            "people.csv",
            "id,email,note\n" + "".join(f"{i},u{i}@x.example,n\n" for i in range(3000)),
        )
        cells = {"id": [str(i) for i in range(3000)], "email": ["a"] * 3000, "note": ["n"] * 3000}
        Sheet(cells).save(office.folder / "people.parquet")
        for kind in ("csv", "parquet"):
            encrypt = ("encrypt-file", f"people.{kind}", f"people.enc.{kind}")
            assert office.run(*encrypt, "--schema", "schema.toml", "--quiet").code == 0
            wrap = ("wrap-file", f"people.enc.{kind}", "--recipient", "me", "--quiet")
            assert office.run(*wrap).code == 0
        return office

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_message_is_verified_as_what_it_holds(self, kind, wrapped):
        """With the message's own hash, against a plain original."""
        name = f"people.enc.{kind}.pgp"
        against = ("--against", f"people.{kind}", "--key-column", "id")
        done = wrapped.run("verify", name, *ASK, "--json", *against)
        document = done.document
        assert (done.code, document["wrapped"], document["rows"]) == (0, True, 3000)
        assert document["file"]["bytes"] == len(wrapped.read(name))
        assert document["columns"]["email"]["authentic"] == 3000

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_fault_in_a_message_is_found(self, kind, wrapped):
        """In its row, as without the message."""
        sheet = Sheet.load(wrapped.folder / f"people.enc.{kind}")
        sheet.columns["note"][2_999] = "in clear"
        sheet.save(wrapped.folder / f"faulty.{kind}")
        assert wrapped.run("wrap-file", f"faulty.{kind}", "--recipient", "me", "-q").code == 0
        done = wrapped.run("verify", f"faulty.{kind}.pgp", *ASK, "--json")
        found = [(f["row"], f["column"], f["rule"]) for f in done.document["findings"]]
        assert (done.code, found[-1]) == (10, (3000, "note", "plaintext"))

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    @pytest.mark.parametrize("spoiled", ["cut off", "cut short", "a byte", "a late byte"])
    def test_message_that_was_tampered_with_ends_with_6(self, kind, spoiled, wrapped):
        """Whatever came out of it, and is not even CSV any more."""
        name = f"people.enc.{kind}.pgp"
        data = bytearray(wrapped.read(name))
        if spoiled.startswith("cut"):
            del data[-5 if spoiled == "cut off" else len(data) // 2 :]
        else:
            data[len(data) // 2 if spoiled == "a byte" else -40] ^= 1
        wrapped.write(name, bytes(data))
        done = wrapped.run("verify", name, *ASK)
        assert (done.code, done.out) == (6, ""), done.err

    def test_parquet_in_a_message_that_is_called_otherwise_is_read(self, wrapped):
        """What is in it tells its content; only a name that promises Parquet is held to it."""
        wrapped.write("export.pgp", wrapped.read("people.enc.parquet.pgp"))
        assert wrapped.run("verify", "export.pgp", *ASK).code == 0
        wrapped.write("export.parquet.pgp", wrapped.read("people.enc.csv.pgp"))
        done = wrapped.run("verify", "export.parquet.pgp", *ASK)
        assert (done.code, done.out) == (4, "")
        assert "not a Parquet file" in done.err

    def test_message_for_somebody_else_ends_with_5(self, wrapped):
        """Nothing can be told of it."""
        assert wrapped.run("wrap-file", "people.csv", "--recipient", "curve", "-q").code == 0
        done = wrapped.run("verify", "people.csv.pgp", *ASK)
        assert (done.code, done.out) == (5, "")

    def test_round_trip_of_the_message(self, wrapped):
        """In memory, for a key of our own."""
        options = ("--expect", "plain", "--round-trip", "--recipient", "me", "--json")
        done = wrapped.run("verify", "people.csv", *ASK, *options)
        assert (done.code, done.document["round_trip"]) == (0, ["columns", "message"])

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_run_that_is_ended_leaves_no_table_behind(self, how, wrapped, temp):
        """No name, whatever ends it; but for SIGKILL, not even the folder of gpg's session."""
        fifo = wrapped.folder / "original.csv"
        os.mkfifo(fifo)  # the original never comes, so the run never ends by itself
        command = wrapped.command("verify", "people.enc.csv.pgp", *ASK, "--against", fifo.name)
        with subprocess.Popen(
            command, cwd=wrapped.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            deadline = time.monotonic() + 20
            while not list(temp.iterdir()) and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.3)
            process.send_signal(how)
            out, _ = process.communicate(timeout=20)
        assert process.returncode in (-how, 128 + how)
        assert out == b""
        files = [path for path in temp.rglob("*") if path.is_file()]
        assert [path for path in files if b"@x.example" in path.read_bytes()] == []
        if how is signal.SIGKILL:
            for path in temp.iterdir():
                subprocess.run(["gpgconf", "--homedir", path, "--kill", "all"], check=False)
                subprocess.run(["rm", "-rf", path], check=True)


STEM = b"CanaryOfTheTests"


def _leaked(outputs: dict[str, bytes]) -> list[str]:
    """Return the outputs that hold a canary: as it is, in hex, or in base64 wherever it begins."""
    encoded = [base64.b64encode(bytes(before) + STEM)[4:-4] for before in range(3)]
    wanted = [one.lower() for one in (STEM, STEM.hex().encode(), *encoded)]
    return [name for name, data in outputs.items() if any(one in data.lower() for one in wanted)]


def test_canary_is_seen_where_it_is():
    """The search finds what it is for."""
    hidden = {f"b{n}": base64.b64encode(b"x" * n + STEM + b"17") for n in range(4)}
    hidden |= {"plain": b"<" + STEM.upper() + b">", "hex": (b"x" + STEM).hex().encode()}
    assert _leaked(hidden | {"other": b"Canary"}) == list(hidden)


STRICT = """\
name = "strict"
version = 1
[columns.id]
type = "integer"
required = true
unique = true
min = 5
max = 6
[columns.email]
type = "string"
format = "email"
pattern = "[a-z]+"
enum = ["a"]
max_length = 3
required = true
unique = true
encrypt = "look"
[columns.note]
type = "{kind}"
encrypt = "seal"
[columns.free]
type = "string"
[finders.bird]
pattern = "CanaryOfTheTests"
description = "a bird"
"""
FAULTS = ["plain", "sealed", "flipped", "ragged", "encoding", "quote", "doubled"]
RUNS = [
    (),
    ("--against", "plain.csv"),
    ("--against", "plain.csv", "--key-column", "free"),
    ("--without-keys", "--max-findings", "2"),
    ("--expect", "plain", "--round-trip"),
    ("--profile", "clevertap"),
    ("--keys", "nowhere"),
]


def _all_outputs(project, file: str) -> dict[str, bytes]:
    """Verify a file in every way, and return all that was written anywhere."""
    outputs: dict[str, bytes] = {}
    kind = file.rpartition(".")[2]
    reports = [word for form in FORMS for word in ("-o", f"{form}=report.{form}")]
    for schema in ("loose", "strict"):
        for number, options in enumerate(RUNS):
            given = [each.replace(".csv", f".{kind}") for each in options]
            for shown in (("--format", "text"), ("--format", "github"), ("--json", *reports)):
                asked = ("--schema", f"{schema}.toml", "--no-input", "--force")
                done = project.run("verify", file, *asked, *given, *shown)
                assert done.code in (4, 5, 6, 10), done.err
                run = f"{schema} {number} {shown[0]} {shown[1]}"
                outputs |= {f"{run} out": done.out.encode(), f"{run} err": done.err.encode()}
            for path in project.folder.glob("report.*"):
                outputs[f"{schema} {number} {path.name}"] = path.read_bytes()
                path.unlink()
    for path in [project.folder / "summary.md", *(project.folder / ".piienc").rglob("*")]:
        if path.is_file():
            outputs[path.name] = path.read_bytes()
    assert len(outputs) > 2 * 2 * 3 * len(RUNS)
    return outputs


@pytest.fixture
def aviary(project, monkeypatch):
    """Give a project with canaries in every cell, and schemas that they break and keep."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder / "summary.md"))
    names = ["id", "email", "note", "free"]
    rows = [[f"{STEM.decode()}{name}{i}" for name in names] for i in range(20)]
    rows[3][3] += f"@{STEM.decode()}.example"
    rows[4][1] = rows[5][1]
    project.write("plain.csv", "".join(",".join(row) + "\n" for row in [names, *rows]))
    project.write("loose.toml", STRICT.format(kind="string"))
    project.write("strict.toml", STRICT.format(kind="date"))
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    Sheet(columns).save(project.folder / "plain.parquet")
    for kind in ("csv", "parquet"):
        encrypt = ("encrypt-file", f"plain.{kind}", f"sealed.{kind}", "--schema", "loose.toml")
        assert project.run(*encrypt).code == 0
    return project


@pytest.mark.parametrize("fault", FAULTS)
def test_no_output_holds_a_value(fault, aviary):
    """Every format, option and failure, with canaries in every cell; nothing of them anywhere."""
    lines = aviary.read("plain.csv" if fault == "plain" else "sealed.csv").split(b"\n")
    if fault == "flipped":
        cells = lines[2].split(b",")
        lines[2] = b",".join([cells[0], _flipped(cells[1].decode()).encode(), *cells[2:]])
    endings = {
        "ragged": STEM + b",x\n",
        "encoding": b",,," + STEM + b"\xff\n",
        "quote": b",,," + STEM + b'"x\n',
        "doubled": lines[1] + b"\n",
    }
    aviary.write("file.csv", b"\n".join(lines) + endings.get(fault, b""))
    assert _leaked(_all_outputs(aviary, "file.csv")) == []


@pytest.mark.parametrize("fault", ["plain", "sealed", "cut off"])
def test_no_output_holds_a_value_of_parquet(fault, aviary):
    """The same; its library's own messages quote values."""
    data = aviary.read("plain.parquet" if fault == "plain" else "sealed.parquet")
    aviary.write("file.parquet", data[: -10 if fault == "cut off" else None])
    assert _leaked(_all_outputs(aviary, "file.parquet")) == []


def test_report_that_cannot_get_its_name_is_in_the_audit_log_as_refused(export, monkeypatch):
    """Reports appear before the log says that the verification is done."""
    from piienc.api import verification

    real = verification.verify_by

    def taken_meanwhile(*arguments, **more):
        export.write("report.json", "theirs")
        return real(*arguments, **more)

    monkeypatch.setattr(verification, "verify_by", taken_meanwhile)
    ended = export.run("verify", "people.enc.csv", *ASK, "-o", "json=report.json", "-q")
    assert (ended.code, export.read("report.json")) == (12, b"theirs")
    line = json.loads(export.log()[-1])
    assert (line["command"], line["outcome"], line["code"]) == ("verify", "refused", 12)
