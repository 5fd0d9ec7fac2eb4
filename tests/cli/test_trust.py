"""What somebody else has put there, or could change, is not believed by any command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STRANGER = 41_002
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")

ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml"]
NOTIFIES = """
[destinations.there]
url = "file:///{folder}/out/"
[jobs.nightly]
source = "x.csv"
schema = "schema.toml"
destination = "there"
[notify]
command = ["touch", "{folder}/ran"]
"""


@pytest.fixture
def desk(project):
    """Give a project with data, a passphrase and a configuration, in which commands succeed."""
    project.write("x.csv", "id,email,note\n1,e,n\n")
    project.write("passphrase", "open sesame")
    project.keep("locked", b"open sesame")
    project.write("piienc.toml", NOTIFIES.format(folder=project.folder))
    (project.folder / ".piienc").mkdir(mode=0o700)
    return project


# Whose it is: the command that meets it.
THEIRS = {
    "piienc.toml": ENCRYPT,
    "named.toml": [*ENCRYPT, "--config", "named.toml"],
    "schema.toml": ENCRYPT,
    "keys": ENCRYPT,
    "keys/aes": ENCRYPT,
    "keys/aes/look.json": ENCRYPT,
    "keys/audit/signing.pem": ENCRYPT,
    ".piienc": ENCRYPT,
    "passphrase": [*ENCRYPT, "--keys", "locked", "--passphrase-file", "passphrase"],
    "": ENCRYPT,
}


@pytest.mark.parametrize("theirs", THEIRS)
def test_what_belongs_to_a_stranger_is_refused(desk, theirs):
    """The refusal names it and its owner; nothing is written, and trust makes it count."""
    command = THEIRS[theirs]
    if theirs == "keys/audit/signing.pem":
        assert desk.run(*ENCRYPT[:2], "first.csv", *ENCRYPT[3:]).code == 0
    path = desk.folder / theirs
    if theirs == "named.toml":
        desk.write(theirs, "")
    os.chown(path, STRANGER, STRANGER)
    ended = desk.run(*command)
    assert ended.code == 12
    assert f"belongs to uid {STRANGER}" in ended.err
    assert path.name in ended.err
    assert not (desk.folder / "y.csv").exists()
    assert desk.run(*command, env={"PIIENC_TRUST": str(path.parent)}).code == 0


def test_a_planted_hook_does_not_run(desk):
    """Whoever works below a folder of all must not run what somebody has put there."""
    below = type(desk)(desk.folder / "below")
    below.folder.mkdir()
    os.chown(desk.folder / "piienc.toml", STRANGER, STRANGER)
    for command in (["send", "nightly"], ["history"], ["profiles", "list"]):
        ended = below.run(*command)
        assert (ended.code, "belongs to" in ended.err) == (12, True)
    assert not (desk.folder / "ran").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_passphrase_that_others_may_read_is_refused(desk, mode):
    """It is held to what a key is held to."""
    (desk.folder / "passphrase").chmod(mode)
    ended = desk.run(*ENCRYPT, "--keys", "locked", "--passphrase-file", "passphrase")
    assert ended.code == 5
    assert ended.err.endswith("piienc: hint: chmod 0600 passphrase\n")


@pytest.mark.parametrize("command", [ENCRYPT, ["history"], ["keys", "list"], ["init"]])
def test_folder_that_was_removed_is_told(desk, command):
    """A job whose folder is gone is no bug of the program's."""
    gone = desk.folder / "gone"
    gone.mkdir()
    script = 'cd "$0" && rmdir "$0" && exec "$@"'
    ended = subprocess.run(
        ["sh", "-c", script, gone, sys.executable, "-m", "piienc", *command],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 3
    assert ended.stderr == (
        "piienc: error: the current folder was removed, or moved to where it cannot be seen\n"
        "piienc: hint: cd into a folder that is there\n"
    )


def test_configuration_that_was_planted_above_can_be_passed_by(desk):
    """The hint says how: the nearest one counts."""
    (desk.folder / "sub").mkdir()
    for name in ("x.csv", "schema.toml"):
        (desk.folder / name).rename(desk.folder / "sub" / name)
    os.chown(desk.folder / "piienc.toml", STRANGER, STRANGER)
    command = [sys.executable, "-m", "piienc", *ENCRYPT, "--keys", "../keys"]
    where = {"cwd": desk.folder / "sub", "capture_output": True, "text": True}
    refused = subprocess.run(command, check=False, **where)
    assert refused.returncode == 12
    typed = refused.stderr.rstrip().rpartition("begin with one of your own: ")[2]
    assert subprocess.run(["sh", "-c", typed], check=False, **where).returncode == 0
    assert subprocess.run(command, check=False, **where).returncode == 0
    named = subprocess.run([*command, "--config", "../piienc.toml"], check=False, **where)
    assert (named.returncode, "touch" in named.stderr) == (12, False)
