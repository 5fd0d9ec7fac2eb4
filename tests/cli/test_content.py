"""A file is what its content says, under any name and on standard input, for every command."""

import gzip
import io
import json
import os
import subprocess
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

ROWS = {"id": ["1", "2"], "email": ["ada@example.com", None], "note": ["", "x, y"]}
TEXT = b'id,email,note\n1,ada@example.com,""\n2,,"x, y"\n'
ASK = ("--schema", "schema.toml")


def _parquet(table=None):
    out = io.BytesIO()
    pq.write_table(table or pa.table(ROWS), out, row_group_size=1)
    return out.getvalue()


def _piped(project, *arguments, data):
    """Run a command as a process with binary pipes."""
    done = subprocess.run(
        project.command(*arguments),
        input=data,
        capture_output=True,
        cwd=project.folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["export", "export.csv", "export.parquet"])
def test_parquet_is_read_under_any_name(project, name):
    """With an output of the same format, whose name promises nothing else."""
    project.write(name, _parquet())
    for command, source, target in (
        ("encrypt-file", name, "there"),
        ("decrypt-file", "there", "back.pq"),
    ):
        ask = ASK if command == "encrypt-file" else ()
        done = project.run(command, source, target, *ask)
        assert done.code == 0, done.err
    assert pq.read_table(project.folder / "back.pq").equals(pa.table(ROWS))
    inspected = project.run("inspect", "there", "--json").document
    assert (inspected["kind"], inspected["name"]) == ("parquet", "there")
    assert inspected["columns"][1]["recorded"] is True
    verified = project.run("verify", "there", *ASK, "--against", name)
    assert verified.code == 0, verified.err


def test_parquet_goes_through_standard_input_and_output(project, temp):
    """And leaves nothing in the folder for temporary files."""
    encrypted = _piped(project, "encrypt-file", "-", "-", *ASK, data=_parquet())
    assert pq.ParquetFile(io.BytesIO(encrypted)).num_row_groups == 2
    assert b"ada@example.com" not in encrypted
    back = _piped(project, "decrypt-file", "-", "-", data=encrypted)
    assert pq.read_table(io.BytesIO(back)).equals(pa.table(ROWS))
    assert b'"kind": "parquet"' in _piped(project, "inspect", "-", "--json", data=encrypted)
    _piped(project, "verify", "-", *ASK, data=encrypted)
    assert not list(temp.iterdir())


def test_parquet_from_a_pipe_with_a_name_is_read(project):
    """As a shell's <(command) gives it."""
    project.write("plain", _parquet())
    os.mkfifo(project.folder / "pipe")
    with subprocess.Popen(["sh", "-c", "cat plain > pipe"], cwd=project.folder):
        assert project.run("encrypt-file", "pipe", "there.parquet", *ASK).code == 0
    assert pq.read_table(project.folder / "there.parquet")["id"].to_pylist() == ["1", "2"]


def test_parquet_redirected_from_a_file_is_read_in_place(project):
    """Nothing of it is copied: its hash is that of the file."""
    project.write("plain", _parquet())
    with (project.folder / "plain").open("rb") as file:
        done = subprocess.run(
            project.command("encrypt-file", "-", "there.parquet", *ASK, "--json"),
            stdin=file,
            capture_output=True,
            cwd=project.folder,
            check=True,
            env={**os.environ, "TMPDIR": "/nowhere"},
        )
    assert json.loads(done.stdout)["input"]["bytes"] == len(project.read("plain"))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".bz2", ".xz"])
def test_compressed_csv_is_read_under_any_name_and_written_by_the_targets(project, suffix):
    """By all commands, and from standard input."""
    project.write("plain.csv", gzip.compress(TEXT) + bytes(512))
    target = f"there.csv{suffix}"
    assert project.run("encrypt-file", "plain.csv", target, *ASK).code == 0
    inspected = project.run("inspect", target, "--json").document
    kinds = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", "": None}
    assert inspected["compression"] == kinds[suffix]
    assert project.run("verify", target, *ASK, "--against", "plain.csv").code == 0
    back = _piped(project, "decrypt-file", "-", "-", *ASK, data=project.read(target))
    assert back == TEXT
    assert project.run("schema", "infer", target, "-o", "proposed.toml").code == 0


def _workbook():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


OTHERS = {
    "is an Excel workbook": (_workbook(), "save it as CSV"),
    "is JSON": (b'{"id": 1}\n', "CSV or Parquet"),
    "is a PDF document": (b"%PDF-1.4", "as CSV"),
    "is a Parquet file with an encrypted footer": (b"PARE" + bytes(60), "the keys that wrote it"),
}


@pytest.mark.parametrize("said", OTHERS)
@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.csv.gz"])
def test_what_is_no_table_is_named_with_a_remedy_by_every_command(project, said, name):
    """Under whatever name, and compressed or not."""
    data, remedy = OTHERS[said]
    project.write(name, gzip.compress(data) if name.endswith(".gz") else data)
    project.write("good.csv", TEXT)
    with project.unchanged():
        for arguments in (
            ("encrypt-file", name, "out", *ASK),
            ("encrypt-file", "-", "-", *ASK),
            ("decrypt-file", name, "out", *ASK),
            ("decrypt-file", name, "out"),
            ("inspect", name),
            ("inspect", "-"),
            ("verify", name, *ASK),
            ("verify", "good.csv", *ASK, "--expect", "plain", "--against", name),
            ("schema", "infer", name),
        ):
            done = project.run(*arguments, stdin=project.read(name))
            assert done.code == 4, (arguments, done.err)
            assert said in done.err
            assert remedy in done.err


def test_a_message_is_named_where_a_table_is_wanted(office):
    """By its binary head and by its armor."""
    office.write("x.csv", TEXT)
    for form in ("--armor", "--binary"):
        done = office.run("wrap-file", "x.csv", "x.pgp", "--recipient", "me", form, "--force")
        assert done.code == 0, done.err
        done = office.run("encrypt-file", "x.pgp", "y.csv", *ASK)
        assert (done.code, "is an OpenPGP message" in done.err) == (4, True)
        assert "piienc unwrap-file" in done.err


def test_compressed_table_in_a_message_is_verified(office):
    """What is in the message tells its content, as a file does."""
    office.write("plain.csv", TEXT)
    assert office.run("encrypt-file", "plain.csv", "x.csv.xz", *ASK).code == 0
    assert office.run("wrap-file", "x.csv.xz", "x.pgp", "--recipient", "me").code == 0
    done = office.run("verify", "x.pgp", *ASK, "--against", "plain.csv")
    assert done.code == 0, done.err
