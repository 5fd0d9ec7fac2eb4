"""What the tests of OpenPGP share: a real gpg in a private home, with keys in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

# The first is an RSA key, the others are of curves; none has a passphrase.
KEYS = {"rsa": "rsa2048", "curve": "future-default", "other": "future-default"}


@dataclass(frozen=True)
class Gnupg:
    """A gpg with a home of its own."""

    home: Path

    def run(self, *arguments: object, stdin: bytes = b"") -> bytes:
        """Run gpg, which must succeed, and return its standard output."""
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--trust-model", "always"]
        command += ["--pinentry-mode", "loopback", "--passphrase", "sesame"]
        done = subprocess.run(
            [*command, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env={**os.environ, "GNUPGHOME": str(self.home)},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def listing(self, data: bytes) -> str:
        """Return the packets as gpg lists them, without decrypting."""
        return self.run("--list-only", "--list-packets", stdin=data).decode()

    def key_ids(self, name: str) -> list[str]:
        """Return the ids of a key and of its subkeys."""
        lines = self.run("--with-colons", "--list-keys", f"{name}@example.com").decode()
        return re.findall(r"^(?:pub|sub):(?:[^:]*:){3}([0-9A-F]{16}):", lines, re.MULTILINE)


@pytest.fixture(scope="session")
def gnupg_home():
    """Give a gpg that has the keys of `KEYS`; the path is short, for its agent's socket."""
    home = Path(tempfile.mkdtemp(dir="/tmp", prefix="gpg-"))  # it must be short
    gpg = Gnupg(home)
    try:
        for name, kind in KEYS.items():
            user = f"{name} <{name}@example.com>"
            gpg.run("--passphrase", "", "--quick-gen-key", user, kind, "default", "never")
            if kind.startswith("rsa"):
                fingerprint = gpg.run("--with-colons", "--list-keys", user).decode()
                fingerprint = fingerprint.split("\nfpr:::::::::")[1].split(":")[0]
                gpg.run("--passphrase", "", "--quick-add-key", fingerprint, kind, "encr", "never")
        yield gpg
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)
        shutil.rmtree(home, ignore_errors=True)
