"""What a command holds in memory stays there, and nothing of its own needs more."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LOOKS = """
import ctypes, resource
from piienc.cli import process
prepare = process.prepare
def told():
    prepare()
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3), flush=True)
process.prepare = told
"""
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml", "-q"]
USER = 41_001


@pytest.mark.parametrize("command", [ENCRYPT, ["keys", "list"], ["--version"]])
def test_no_command_leaves_a_core_dump_or_may_be_debugged(project, command):
    """The limit is hard, too, and PR_GET_DUMPABLE says 0."""
    project.write("x.csv", "id,email,note\n1,e,n\n")
    assert project.start(*command, prelude=LOOKS).out.startswith("(0, 0) 0\n")


def test_gpg_leaves_no_core_dump_either(office, monkeypatch):
    """It holds values and keys in clear, and inherits the limit."""
    gpg, folder = shutil.which("gpg"), office.folder / "bin"
    folder.mkdir()
    office.write("bin/gpg", f'#!/bin/sh\nulimit -c >> "{folder}/limits"\nexec {gpg} "$@"\n')
    (folder / "gpg").chmod(0o700)
    office.write("x.csv", "a\n1\n")
    path = f"{folder}:{os.environ['PATH']}"
    ended = office.start("wrap-file", "x.csv", "--recipient", "rsa", "-q", env={"PATH": path})
    assert ended.code == 0, ended.err
    assert set((folder / "limits").read_text().split()) == {"0"}


@pytest.fixture
def home():
    """Give the folder of a user without any rights, where the tests run as root."""
    if os.geteuid() != 0:
        pytest.skip("only root may run a command as somebody else")
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="user-"))
    os.chown(folder, USER, USER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run_as_user(folder, *command, **environment):
    return subprocess.run(
        command,
        user=USER,
        group=USER,
        extra_groups=[],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def python(home):
    """Give a Python that another user may run, with what the tests have."""
    for found in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(PermissionError):
            if _run_as_user(home, found, "-c", "import piienc.cli, pyarrow").returncode == 0:
                return found
    return pytest.skip("other users may not enter the folder of the tests' Python")


SCRIPT = r"""
set -e
umask 077
export HOME=$PWD TMPDIR=$PWD PYTHONDONTWRITEBYTECODE=1
printf 'id,email\n1,ada@example.com\n' > x.csv
printf 'name="p"\nversion=1\n[columns]\n' > s.toml
printf 'id={type="string"}\nemail={type="string",encrypt="k"}\n' >> s.toml
p() { "$PYTHON" -m piienc "$@"; }
p keys generate-aes k --mode sealed -q --passphrase-file <(echo sesame)
p keys generate-pgp me --email me@example.com --algorithm ed25519 -q --passphrase-fd 3 3<<<"sesame"
p encrypt-file x.csv y.csv --schema s.toml -q --passphrase-file /dev/stdin <<<"sesame"
p encrypt-file x.csv y.csv --schema s.toml -q --force --passphrase-file <(echo sesame)
p encrypt-file <(cat x.csv) z.csv --schema s.toml -q --passphrase-file <(echo sesame)
p decrypt-file - w.csv --schema s.toml -q --passphrase-file <(echo sesame) < y.csv
p wrap-file w.csv --recipient me --sign-with me -q --passphrase-file <(echo sesame)
p unwrap-file w.csv.pgp v.csv -q --passphrase-file <(echo sesame)
p wrap-file - - --recipient me < x.csv | p unwrap-file - - --passphrase-file <(echo sesame) > u.csv
for each in w v u; do cmp x.csv $each.csv; done
"""


def test_descriptors_and_pipes_work_for_a_process_that_is_not_dumpable(home, python):
    """/proc/self belongs to root then; run by a user without any rights."""
    done = _run_as_user(home, "bash", "-c", SCRIPT, PYTHON=python)
    assert done.returncode == 0, done.stderr.decode()
