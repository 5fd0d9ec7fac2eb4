"""What the tests of the program share: a project's folder, and the program run in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from piienc.base.secret import SecretBytes
from piienc.cli.app import app
from piienc.keys import Key, Keyset, Mode, Prefix, Status, dump
from piienc.keys.openpgp.folder import PgpFolder
from piienc.keys.wraps.passphrase import CHEAPEST_FOR_TESTS_ONLY, wrap
from piienc.state import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSPHRASE = f"open sesame {os.getpid()}".encode()  # of this process: others run beside it
KEYS = {"look": (Mode.SEARCHABLE, 1111111111), "seal": (Mode.SEALED, 2222222222)}
SCHEMA = """\
name = "people"
version = 1

[columns.id]
type = "string"

[columns.email]
type = "string"
encrypt = "look"

[columns.note]
type = "string"
encrypt = "seal"
"""


@dataclass(frozen=True)
class Ended:
    """What the program left: its exit code and its two outputs."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def normal(self) -> tuple[int, str, str]:
        """Return all of it, with the time that it took left out."""
        return self.code, self.out, re.sub(r"in \d+\.\d s", "in T s", self.err)


@dataclass
class Project:
    """A folder with keys and a schema, in which the program is run."""

    folder: Path

    def command(self, *arguments: object, prelude: str = "") -> list[str]:
        """Return the program's command line; with a prelude, Python that runs before it."""
        start = ["-m", "piienc"]
        if prelude:
            start = ["-c", f"{prelude}\nfrom piienc.cli import main\nmain()"]
        return [sys.executable, *start, *map(str, arguments)]

    def run(
        self, *arguments: object, stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> Ended:
        """Run the program to its end, in this process, which is ten times as fast."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(app, [*map(str, arguments)], input=stdin, env=env)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return Ended(done.exit_code, done.stdout, done.stderr)

    def start(
        self,
        *arguments: object,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        prelude: str = "",
        **more: Any,
    ) -> Ended:
        """Run the program to its end, as a process of its own."""
        done = subprocess.run(
            self.command(*arguments, prelude=prelude),
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            timeout=60,
            check=False,
            **more,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, name: str, data: str | bytes) -> Path:
        """Put a file into the folder, which nobody else may read: it may hold a passphrase."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.folder / name).read_bytes()

    def mark(self) -> dict[str, Any]:
        """Return the place that the audit log has come to, as receipts tell it."""
        *_, last = self.log()
        return {
            "lines": json.loads(last)["line"],
            "head": hashlib.sha256(last).hexdigest(),
            "log": json.loads(last)["log"],
        }

    def log(self, state: str = ".piienc") -> list[bytes]:
        """Return the lines of the audit log, those that are not signed first."""
        folders = sorted((self.folder / state / "audit").glob("*/"), reverse=True)
        paths = [path for folder in folders for path in sorted(folder.glob("*.jsonl"))]
        return [line for path in paths for line in path.read_bytes().splitlines()]

    def segment(self, state: str = ".piienc") -> Path:
        """Return where the lines of the one audit log are; a name that is free before it begins."""
        found = [*(self.folder / state / "audit").glob("*/*.jsonl")]
        return found[0] if len(found) == 1 else self.folder / "no-log"

    def keep(self, folder: str, passphrase: bytes | None = None) -> None:
        """Make a key folder with the two keys, in clear or cheaply wrapped."""
        aes = self.folder / folder / "aes"
        aes.mkdir(parents=True, mode=0o700)
        (self.folder / folder).chmod(0o700)
        for name, keyset in keysets().items():
            document = dump(keyset)
            if passphrase is not None:
                document = wrap(keyset, SecretBytes(passphrase), CHEAPEST_FOR_TESTS_ONLY)
            (aes / f"{name}.json").write_text(document)
            (aes / f"{name}.json").chmod(0o600)

    def listing(self) -> dict[str, bytes]:
        """Return all files with their content, but for the state and the key that signs it."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not {".piienc", "audit"} & {*path.relative_to(self.folder).parts}
        }

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check that the folder is left as it was."""
        before = self.listing()
        yield
        assert self.listing() == before


def keysets() -> dict[str, Keyset]:
    """Return keysets of known ids and bytes."""
    made = {}
    for name, (mode, key_id) in KEYS.items():
        material = SecretBytes(bytes(range(mode.key_size)))
        made[name] = Keyset(mode, key_id, (Key(key_id, material, Status.ENABLED, Prefix.TINK),))
    return made


@pytest.fixture
def project(tmp_path):
    """Give a project with a key folder `keys` in clear, and a schema."""
    made = Project(tmp_path)
    made.keep("keys")
    made.write("schema.toml", SCHEMA)
    return made


OWN = {"me": None, "locked": PASSPHRASE}


@pytest.fixture(scope="session")
def ring(partner, tmp_path_factory):
    """Make a key folder with our own pairs, `me` and `locked`, and the partner's public keys."""
    folder = PgpFolder(tmp_path_factory.mktemp("ring") / "keys")
    for name, passphrase in OWN.items():
        secret = SecretBytes(passphrase) if passphrase else None
        folder.generate(name, f"{name}@example.com", algorithm="ed25519", passphrase=secret)
        partner.run("--import", stdin=folder.export(name).encode())
    for name in partner.names:
        folder.take(name, partner.export(name))
    return folder.path


@pytest.fixture
def office(project, ring, temp):
    """Give a project whose key folder has the keys of `ring` too, and a passphrase in a file."""
    for name in ("recipients", "gnupg"):
        shutil.copytree(ring / name, project.folder / "keys" / name)
    project.write("passphrase", PASSPHRASE + b"\n").chmod(0o600)
    return project


@pytest.fixture
def way(project, sshd):
    """Give a project whose `piienc.toml` knows the server as `partner`."""
    return Way(project, sshd)


class Way:
    """A project, and the server that it delivers to."""

    def __init__(self, project, sshd):
        self.project, self.sshd = project, sshd
        self.folder = sshd.folder
        self.write()

    def write(self, *lines: str, url: str | None = None, profiles: str = "", **over: object):
        """Write `piienc.toml`, with more lines for the destination."""
        said = {
            "url": url or self.sshd.url(self.folder),
            "identity_file": str(self.sshd.keys.user),
            "known_hosts": str(self.sshd.known_hosts),
            "agent": False,
            "retries": 0,
            "timeouts": {"connect": 5, "banner": 5, "login": 5, "stall": 5},
            **over,
        }
        self.project.write(
            "piienc.toml",
            "[destinations.partner]\n"
            + "".join(f"{name} = {_toml(value)}\n" for name, value in said.items())
            + "\n".join(lines)
            + profiles,
        )

    def push(self, *arguments: object, **more: object):
        """Push to the server."""
        return self.project.run("push", *arguments, "--to", "partner", **more)

    def there(self) -> dict[str, bytes]:
        """Return what is at the server, hidden files included."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def transfers(self):
        """Return the ledger's transfers, newest first."""
        return Ledger(self.project.folder / ".piienc").history()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(said)}" for name, said in value.items()) + " }"
    return json.dumps(value)
