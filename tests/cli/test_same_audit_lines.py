"""A command and the function of its name leave the same lines in the audit log."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import piienc
from piienc.errors import PiiencError
from piienc.keys.openpgp.folder import PgpFolder

if TYPE_CHECKING:
    from pathlib import Path

VOLATILE = {"time", "run", "line", "log", "prev", "sig"}
CHANCE = {"sha256", "bytes"}  # what nonces and session keys change
RANDOM = {"encrypt-file", "wrap-file", "send"}
SCHEMA = {"schema": "schema.toml"}
CASES = {
    "encrypt-file": (
        "plain.csv out.csv --schema schema.toml",
        lambda: piienc.encrypt_file("plain.csv", "out.csv", **SCHEMA),
    ),
    "encrypt-file of what is not there": (
        "none.csv out.csv --schema schema.toml",
        lambda: piienc.encrypt_file("none.csv", "out.csv", **SCHEMA),
    ),
    "encrypt-file of what cannot be read": (
        "/proc/self/mem out.csv --schema schema.toml",
        lambda: piienc.encrypt_file("/proc/self/mem", "out.csv", **SCHEMA),
    ),
    "verify of what cannot be read": (
        "/proc/self/mem --schema schema.toml",
        lambda: piienc.verify("/proc/self/mem", **SCHEMA),
    ),
    "decrypt-file": (
        "cells.csv out.csv --schema schema.toml",
        lambda: piienc.decrypt_file("cells.csv", "out.csv", **SCHEMA),
    ),
    "decrypt-file without a schema": (
        "cells.csv out.csv",
        lambda: piienc.decrypt_file("cells.csv", "out.csv"),
    ),
    "verify": (
        "cells.csv --schema schema.toml --against plain.csv -o html=report.html",
        lambda: piienc.verify(
            "cells.csv", **SCHEMA, against="plain.csv", reports=[("html", "report.html")]
        ),
    ),
    "verify of what is plain": (
        "plain.csv --schema schema.toml",
        lambda: piienc.verify("plain.csv", **SCHEMA),
    ),
    "verify with a schema that is not there": (
        "cells.csv --schema none.toml",
        lambda: piienc.verify("cells.csv", schema="none.toml"),
    ),
    "wrap-file": (
        "plain.csv -r me -r me --sign-with me",
        lambda: piienc.wrap_file("plain.csv", recipients=["me", "me"], sign_with="me"),
    ),
    "wrap-file for nobody": (
        "plain.csv -r nobody",
        lambda: piienc.wrap_file("plain.csv", recipients=["nobody"]),
    ),
    "unwrap-file": ("message.csv.pgp", lambda: piienc.unwrap_file("message.csv.pgp")),
    "unwrap-file of what is in clear": (
        "plain.csv out.csv --signed-by me",
        lambda: piienc.unwrap_file("plain.csv", "out.csv", signed_by="me"),
    ),
    "push": (
        "message.csv.pgp --to there --schema schema.toml",
        lambda: piienc.push(["message.csv.pgp"], to="there", **SCHEMA),
    ),
    "push of what is not there": (
        "none.csv --to there",
        lambda: piienc.push(["none.csv"], to="there"),
    ),
    "pull": ("*.txt --from there", lambda: piienc.pull("*.txt", source="there")),
    "pull of what is not there": (
        "none.txt --from there",
        lambda: piienc.pull("none.txt", source="there"),
    ),
    "send": ("nightly", lambda: piienc.send("nightly")),
    "send of what does not keep its schema": (
        "bad.csv --schema schema.toml --to there",
        lambda: piienc.send("bad.csv", **SCHEMA, to="there"),
    ),
}


@pytest.fixture
def doors(project, tmp_path_factory, temp):
    """Give two projects that are alike: files, keys, state and a destination."""
    outbox = tmp_path_factory.mktemp("outbox")
    (outbox / "note.txt").write_text("note")
    PgpFolder(project.folder / "keys").generate("me", "me@example.com", algorithm="ed25519")
    project.write("plain.csv", "id,email,note\n1,ada@example.com,hello\n")
    project.write("bad.csv", "id,email,note\n,ada@example.com,hello\n,\n")
    project.write(
        "piienc.toml",
        f'[destinations.there]\nurl = "{outbox.as_uri()}/"\nrecipients = ["me"]\n'
        '[jobs.nightly]\nsource = "plain.csv"\nschema = "schema.toml"\ndestination = "there"\n'
        "quiet_for = 0\n",
    )
    state = ("--state", tmp_path_factory.mktemp("before"))
    project.run("encrypt-file", "plain.csv", "cells.csv", "--schema", "schema.toml", *state)
    project.run("wrap-file", "plain.csv", "message.csv.pgp", "-r", "me", *state)
    other = tmp_path_factory.mktemp("other") / "project"
    shutil.copytree(project.folder, other)
    return project, replace(project, folder=other), outbox


def _fixed(line: bytes, folder: Path, *, wrapped: bool) -> dict[str, object]:
    text = re.sub(r"spool/[0-9a-f]{16}", "spool/ID", line.decode()).replace(str(folder), ".")
    facts = {name: fact for name, fact in json.loads(text).items() if name not in VOLATILE}
    facts["files"] = [
        {
            name: type(fact).__name__ if name in CHANCE and wrapped else fact
            for name, fact in file.items()
        }
        for file in facts["files"]
    ]
    return facts


@pytest.mark.parametrize("case", CASES)
def test_a_command_and_its_function_leave_the_same_lines_in_the_audit_log(doors, case):
    """All but times, ids and places in the log: who reads it need not know by which door."""
    by_command, by_function, outbox = doors
    words, call = CASES[case]
    command = case.split()[0]
    ended = by_command.run(command, *words.split())
    for file in outbox.glob("*.pgp"):
        file.unlink()
    with contextlib.chdir(by_function.folder), contextlib.suppress(PiiencError):
        call()
    first, second = (
        [_fixed(line, each.folder, wrapped=command in RANDOM) for line in each.log()]
        for each in (by_command, by_function)
    )
    assert len(first) == 2
    assert first == second
    assert first[-1]["command"] == command
    assert (first[-1]["outcome"] == "done") == (case == command) == (ended.code == 0)
    assert first[-1]["code"] == ended.code
