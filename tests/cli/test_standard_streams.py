"""Commands whose standard streams are files, pipes or closed: what arrives is the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ROWS = b"id,email,note\n" + b"".join(b"%d,a%d@example.com,n%d\n" % (n, n, n) for n in range(300))
HOW = ["--schema", "schema.toml", "--quiet"]


@pytest.fixture
def desk(office):
    """Give a project with a plain, an encrypted and a wrapped file."""
    office.write("plain.csv", ROWS)
    office.run("encrypt-file", "plain.csv", "encrypted.csv", *HOW)
    office.run("wrap-file", "plain.csv", "wrapped.pgp", "-r", "me", "--quiet")
    return office


def _streamed(desk, arguments, given, taken):
    """Run a command, its standard input and output of two kinds; return what it has written."""
    command = desk.command(*arguments)
    path = arguments[1]
    source = desk.read(path) if path != "-" else given[1]
    with (desk.folder / "in").open("wb") as file:
        file.write(source)
    with (desk.folder / "in").open("rb") as stdin, (desk.folder / "out").open("wb") as stdout:
        done = subprocess.run(
            command,
            cwd=desk.folder,
            check=False,
            stderr=subprocess.PIPE,
            **({"stdin": stdin} if given[0] == "file" else {"input": source}),
            stdout=stdout if taken == "file" else subprocess.PIPE,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    return desk.read("out") if taken == "file" else done.stdout


def _back(desk, verb, written):
    """Return what the rows are that a command has written."""
    way = {
        "encrypt-file": ["decrypt-file", "back", "rows", *HOW],
        "wrap-file": ["unwrap-file", "back", "rows", "--quiet"],
    }.get(verb)
    if way is None:
        return written
    desk.write("back", written)
    assert desk.run(*way).code == 0
    return desk.read("rows")


COMMANDS = {
    "encrypt-file": ("plain.csv", HOW),
    "decrypt-file": ("encrypted.csv", HOW),
    "wrap-file": ("plain.csv", ["-r", "me", "--quiet"]),
    "unwrap-file": ("wrapped.pgp", ["--quiet"]),
}


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("given", ["name", "file", "pipe"])
@pytest.mark.parametrize("taken", ["name", "file", "pipe"])
def test_data_is_the_same_by_name_redirected_and_through_pipes(desk, verb, given, taken):
    """A program that is started has standard streams of its own, and reads ours all the same."""
    name, options = COMMANDS[verb]
    source, target = (name if given == "name" else "-"), ("made" if taken == "name" else "-")
    kind = "pipe" if given == "name" else given
    found = _streamed(desk, [verb, source, target, *options], (kind, desk.read(name)), taken)
    written = desk.read("made") if taken == "name" else found
    assert _back(desk, verb, written) == ROWS


@pytest.mark.parametrize("name", ["plain.csv", "wrapped.pgp"])
def test_verified_data_is_the_same_redirected(desk, name):
    """In a message, too."""
    options = [*HOW, "--expect", "plain", "--json"]
    by_name = desk.run("verify", name, *options).document
    with (desk.folder / name).open("rb") as stdin:
        done = subprocess.run(
            desk.command("verify", "-", *options),
            cwd=desk.folder,
            check=False,
            stdin=stdin,
            capture_output=True,
            timeout=60,
        )
    assert (done.returncode, b'"rows": 300' in done.stdout) == (0, True), done
    assert by_name["rows"] == 300


@pytest.mark.parametrize("schema", [True, False])
def test_redirected_table_over_the_size_limit_is_split_by_its_schema(desk, schema):
    """Without one, nothing tells that it is CSV."""
    desk.write("piienc.toml", '[profiles.small]\nsize_limit = "8 kB"\ncompression = "none"\n')
    options = ["-r", "me", "--profile", "small", *(["--schema", "schema.toml"] * schema)]
    with (desk.folder / "plain.csv").open("rb") as stdin:
        done = subprocess.run(
            desk.command("wrap-file", "-", "x.pgp", *options),
            cwd=desk.folder,
            check=False,
            stdin=stdin,
            capture_output=True,
            timeout=60,
        )
    parts = sorted(path.name for path in desk.folder.glob("x*.pgp"))
    if not schema:
        assert (done.returncode, parts) == (12, [])
        assert b"cannot be split: without a schema, only its name tells CSV" in done.stderr
        return
    assert done.returncode == 0
    assert len(parts) > 1
    rows = b""
    for part in parts:
        assert desk.run("unwrap-file", part, "rows", "--force", "--quiet").code == 0
        rows += desk.read("rows").removeprefix(b"id,email,note\n")
    assert b"id,email,note\n" + rows == ROWS


CLOSED = {
    "input": (0, 0, b"wrapped for me"),
    "output": (1, 0, b"wrapped for me"),
    "errors": (2, 0, b""),
}


@pytest.mark.parametrize("stream", CLOSED)
def test_stream_that_is_closed_is_no_other_file(desk, stream):
    """Whatever is opened first does not take its number."""
    descriptor, code, said = CLOSED[stream]
    done = subprocess.run(
        desk.command("wrap-file", "plain.csv", "made", "-r", "me"),
        cwd=desk.folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=lambda: os.close(descriptor),
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, b"")
    assert said in done.stderr
    assert desk.run("unwrap-file", "made", "rows", "--quiet").code == 0
    assert desk.read("rows") == ROWS


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_file_that_has_the_number_of_a_standard_stream_is_wrapped(desk, descriptor):
    """As in a Python program that was started without that stream."""
    program = f"""
import os
from contextlib import ExitStack
from pathlib import Path
from piienc import receivers
from piienc.keys.openpgp.folder import PgpFolder
from piienc.openpgp.encryptor import WrapRequest
from piienc.openpgp.wrap import wrap_file
from piienc.storage import FileTarget, OpenedSource

os.dup2(os.open("plain.csv", os.O_RDONLY), {descriptor})
wanted = WrapRequest(receivers.load("generic", {{}}), ("me",))
with ExitStack() as stack, open({descriptor}, "rb", closefd=False) as file:
    source = OpenedSource(file, "plain.csv", None, stack)
    wrap_file(source, FileTarget(Path("made")), wanted, keys=PgpFolder(Path("keys")))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=desk.folder, check=False, timeout=60)
    assert done.returncode == 0
    assert desk.run("unwrap-file", "made", "rows", "--quiet").code == 0
    assert desk.read("rows") == ROWS


@pytest.mark.parametrize("words", [["encrypt-file", "-", "x", *HOW], ["keys", "import-pgp", "x"]])
def test_standard_input_that_is_closed_is_told(desk, words):
    """And a name is asked for."""
    done = subprocess.run(
        desk.command(*words, *(["-"] if words[0] == "keys" else [])),
        cwd=desk.folder,
        check=False,
        capture_output=True,
        preexec_fn=lambda: os.close(0),
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        b"piienc: error: there is no standard input to read\npiienc: hint: name a file\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "plain.csv", "--schema", "schema.toml", "--expect", "plain"],
        ["inspect", "plain.csv"],
        ["keys", "list"],
        ["audit", "show"],
        ["schema", "show", "schema.toml"],
        ["profiles", "show", "clevertap"],
    ],
    ids=" ".join,
)
def test_standard_output_that_is_closed_takes_nothing_and_changes_no_exit_code(desk, words):
    """Who closes it wants to know no more."""
    open_ = subprocess.run(desk.command(*words), cwd=desk.folder, check=False, capture_output=True)
    done = subprocess.run(
        desk.command(*words),
        cwd=desk.folder,
        check=False,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.close(1),
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (open_.returncode, open_.stderr)
