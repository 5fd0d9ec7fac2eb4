"""What all tests share: a clean environment, a second gpg, and how far Hypothesis searches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["ssh_fixtures"]  # of tests/support

settings.register_profile("piienc", deadline=None, max_examples=50)
settings.load_profile("piienc")

_RSA = ("RSA", "Length: 3072", "RSA", "Length: 3072")
_WEAK = ("RSA", "Length: 2048", "RSA", "Length: 2048")
_CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
_SIGN_ONLY = (*_CURVE[:2], "", "")
PARTNERS = {
    "rsa": (_RSA, "0", None),
    "curve": (_CURVE, "0", None),
    "third": (_CURVE, "0", None),
    "weak": (_WEAK, "0", None),
    "soon": (_CURVE, "10d", None),
    "expired": (_CURVE, "1y", "20200101T000000"),
    "revoked": (_CURVE, "0", None),
    "signonly": (_SIGN_ONLY, "0", None),
    "staleonly": (_SIGN_ONLY, "0", "20200101T000000"),
}
"""A partner's keys: algorithm, expiry, and when they were made; none has a passphrase."""


@dataclass(frozen=True)
class Gnupg:
    """A plain gpg in a home of its own: the partner's, who has no piienc."""

    home: Path
    names: tuple[str, ...] = ()

    def run(self, *arguments: object, stdin: bytes = b"", at: str | None = None) -> bytes:
        """Run gpg, which must succeed, and return its standard output."""
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--trust-model", "always"]
        command += ["--pinentry-mode", "loopback", "--passphrase", ""]
        command += ["--faked-system-time", at] if at else []
        done = subprocess.run(
            [*command, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env={**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C.UTF-8"},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def generate(
        self,
        name: str,
        algorithm: tuple[str, ...],
        expires: str = "0",
        *,
        passphrase: str | None = None,
        at: str | None = None,
    ) -> str:
        """Make a key of that name and return its fingerprint."""
        kind, size, sub_kind, sub_size = algorithm
        lines = [f"Key-Type: {kind}", f"Key-{size}", "Key-Usage: sign,cert"]
        if sub_kind:
            lines += [f"Subkey-Type: {sub_kind}", f"Subkey-{sub_size}", "Subkey-Usage: encrypt"]
        lines += [
            f"Name-Real: {name}",
            f"Name-Email: {name}@example.com",
            f"Expire-Date: {expires}",
        ]
        lines += [f"Passphrase: {passphrase}" if passphrase else "%no-protection", "%commit", ""]
        self.run("--full-generate-key", stdin="\n".join(lines).encode(), at=at)
        return self.fingerprint(name)

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of a key's primary key."""
        listing = self.run("--with-colons", "--list-keys", f"{name}@example.com").decode()
        return re.findall(r"^fpr:+([0-9A-F]{40}):", listing, re.MULTILINE)[0]

    def export(self, *names: str, armor: bool = True, secret: bool = False) -> bytes:
        """Return public or secret keys by their names."""
        form = ["--armor"] if armor else []
        verb = "--export-secret-keys" if secret else "--export"
        return self.run(*form, verb, *(f"{name}@example.com" for name in names))

    def revoke(self, name: str) -> None:
        """Revoke a key."""
        path = self.home / "openpgp-revocs.d" / f"{self.fingerprint(name)}.rev"
        self.run("--import", stdin=path.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))

    def end(self) -> None:
        """End its agent, and take it away."""
        command = ["gpgconf", "--homedir", str(self.home), "--kill", "gpg-agent"]
        subprocess.run(command, check=False)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture(scope="session")
def partner():
    """Give a partner's gpg with the keys of `PARTNERS`; the path is short, for its socket."""
    gpg = Gnupg(Path(tempfile.mkdtemp(dir="/tmp", prefix="partner-")), tuple(PARTNERS))
    try:
        for name, (algorithm, expires, made) in PARTNERS.items():
            gpg.generate(name, algorithm, expires, at=made)
        stale = gpg.fingerprint("staleonly")
        gpg.run("--quick-add-key", stale, "cv25519", "encr", "1y", at="20200102T000000")
        gpg.revoke("revoked")
        yield gpg
    finally:
        gpg.end()


@pytest.fixture
def new_gpg():
    """Give an empty gpg of the test's own."""
    gpg = Gnupg(Path(tempfile.mkdtemp(dir="/tmp", prefix="new-gpg-")))
    try:
        yield gpg
    finally:
        gpg.end()


@pytest.fixture
def temp(monkeypatch):
    """Give a folder for temporary files, in which no session and no process may be left."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="temp-"))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    try:
        yield folder
        assert list(folder.iterdir()) == []
        assert _running_in(folder) == []
    finally:
        for process in _running_in(folder):
            subprocess.run(["kill", "-9", str(process)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _running_in(folder: Path) -> list[int]:
    """Return the processes that have a folder's path in their command lines."""
    found = []
    for _ in range(200):  # gpg has its last moments after its pipes are closed
        found = [
            int(path.name)
            for path in Path("/proc").glob("[0-9]*")
            if bytes(folder) in _read(path / "cmdline")
        ]
        if not found:
            break
        time.sleep(0.01)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """No test reads the developer's own settings, or writes into their home.

    But `PIIENC_CORE=off` stays: with it, all tests are those of the plain engine.
    """
    for name in [name for name in os.environ if name.startswith("PIIENC_")]:
        if name != "PIIENC_CORE":
            monkeypatch.delenv(name)
    # The examples count also where the checkout belongs to another user than runs the tests.
    monkeypatch.setenv("PIIENC_TRUST", str(Path(__file__).parents[1]))
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
