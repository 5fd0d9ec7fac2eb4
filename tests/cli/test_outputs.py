"""No output takes the place of what the run reads, or of a key."""

from __future__ import annotations

import subprocess

import pytest

PLAIN = b"id,email,note\n1,a@example.com,n\n"

# What the output would replace, by the command's arguments; `-` is redirected from the input.
HARM = {
    "key": ("encrypt-file", "x.csv", "keys/aes/look.json"),
    "new file beside the keys": ("encrypt-file", "x.csv", "keys/aes/new.json"),
    "state": ("encrypt-file", "x.csv", ".piienc/state.db"),
    "receipts": ("encrypt-file", "x.csv", ".piienc/receipts/x.json"),
    "schema": ("encrypt-file", "x.csv", "schema.toml"),
    "schema by a link": ("encrypt-file", "x.csv", "link.toml"),
    "input": ("encrypt-file", "x.csv", "x.csv"),
    "redirected input": ("encrypt-file", "-", "x.csv"),
    "configuration": ("encrypt-file", "x.csv", "piienc.toml"),
    "report over the schema": ("verify", "x.csv", "-o", "json=schema.toml"),
    "report over the file": ("verify", "x.csv", "-o", "json=x.csv"),
    "report over a key": ("verify", "x.csv", "--html", "keys/aes/seal.json"),
}


@pytest.mark.parametrize("kind", HARM)
def test_output_that_would_do_harm_is_refused_though_forced(project, kind):
    """What is lost then, no `--force` can mean."""
    project.write("x.csv", PLAIN)
    project.write("piienc.toml", "")
    (project.folder / "link.toml").symlink_to("schema.toml")
    command, *arguments = HARM[kind]
    more = [] if command == "encrypt-file" else ["--expect", "plain"]
    line = project.command(command, *arguments, *more, "--schema", "schema.toml", "--force")
    with (project.folder / "x.csv").open("rb") as stdin, project.unchanged():
        done = subprocess.run(
            line, stdin=stdin, cwd=project.folder, capture_output=True, check=False, timeout=60
        )
    assert (done.returncode, b"the output" in done.stderr) == (12, True), done.stderr


def test_output_beside_keys_that_lie_in_the_current_folder_is_no_harm(project):
    """`--keys .` does not make all of that folder a place of keys."""
    project.write("x.csv", PLAIN)
    done = project.run("encrypt-file", "x.csv", "keys/x.enc.csv", "--schema", "schema.toml")
    assert done.code == 0, done.err
