"""OpenPGP programs of others, each by the same four verbs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from interop.counterpart import ANY, Refused
from interop.processes import INSTALLED, PROGRAMS, Missing, need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_JARS = [Path("/usr/share/java/bcpg.jar"), Path("/usr/share/java/bcprov.jar")]


class Program:
    """An OpenPGP program that works on files, in the manner of the Stateless OpenPGP Protocol.

    Args:
        base: a folder of its own, whose path is short.

    Raises:
        Missing: it cannot be had here.
    """

    text = False
    """It spoils what is no text."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.prepare()

    def prepare(self) -> None:
        """See to it that the program is there."""

    def close(self) -> None:
        """End what it may have started."""

    def run(self, *command: object, stdin: bytes = b"", **more: str) -> bytes:
        """Run a program that must succeed, and return what it prints."""
        done = subprocess.run(
            list(map(str, command)),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=self.base,
            env={**os.environ, "HOME": str(self.base), "LC_ALL": "C.UTF-8", **more},
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def file(self, data: bytes = b"") -> Path:
        """Write data into a new file, and return its path."""
        descriptor, name = tempfile.mkstemp(dir=self.base)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return Path(name)

    def generate(self, email: str) -> bytes:
        """Make a secret key without a passphrase."""
        raise NotImplementedError

    def cert(self, key: bytes) -> bytes:
        """Return the public half of a secret key."""
        raise NotImplementedError

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        """Encrypt data for a public key, signed by a secret key, if there is one."""
        raise NotImplementedError

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        """Decrypt a message, which must be signed by a public key, if there is one."""
        raise NotImplementedError


class _Tool(Program):
    """A program of ours around a library."""

    command: tuple[object, ...] = ()
    environment: Mapping[str, str] = {}
    kind: tuple[str, ...] = ()

    def generate(self, email: str) -> bytes:
        return self._tool("generate", email, *self.kind)

    def cert(self, key: bytes) -> bytes:
        return self._tool("cert", stdin=key)

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        return self._tool("encrypt", *self._files(cert, signer), stdin=data)

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        return self._tool("decrypt", *self._files(key, signer), stdin=message)

    def _files(self, *contents: bytes | None) -> list[Path]:
        return [self.file(content) for content in contents if content is not None]

    def _tool(self, *said: object, stdin: bytes = b"") -> bytes:
        return self.run(*self.command, *said, stdin=stdin, **self.environment)


class _OpenPgpJs(_Tool):
    """npm's openpgp."""

    command = ("node", PROGRAMS / "openpgp_tool.js")

    def prepare(self) -> None:
        need("node")
        modules = INSTALLED / "npm" / "node_modules"
        if not (modules / "openpgp").is_dir():
            raise Missing("npm's openpgp is not installed")
        self.environment = {"NODE_PATH": str(modules)}


class _OpenPgpJsNew(_OpenPgpJs):
    """The same, with keys of RFC 9580."""

    kind = ("v6",)


class _PgPy(_Tool):
    """PyPI's PGPy."""

    command = (sys.executable, PROGRAMS / "pgpy_tool.py")

    def prepare(self) -> None:
        if not (INSTALLED / "pgpy").is_dir():
            raise Missing("PyPI's pgpy is not installed")
        self.environment = {"PYTHONPATH": str(INSTALLED / "pgpy")}
        try:
            self.run(sys.executable, "-W", "ignore", "-c", "import pgpy", **self.environment)
        except AssertionError as error:
            reason = str(error).strip().splitlines()[-1]
            raise Missing(f"pgpy cannot be imported here: {reason}") from error


class _BouncyCastle(_Tool):
    """Debian's _BouncyCastle, around which a program is compiled."""

    def prepare(self) -> None:
        need("java", "ecj", *map(str, _JARS))
        jars = os.pathsep.join(map(str, _JARS))
        source = PROGRAMS / "BouncyCastle.java"
        self.run(
            *("ecj", "-proc:none", "-source", "11", "-target", "11"),
            *("-cp", jars, "-d", self.base, source),
        )
        path = f"{jars}{os.pathsep}{self.base}"
        self.command = ("java", "-XX:TieredStopAtLevel=1", "-cp", path, "BouncyCastle")


class _Gosop(Program):
    """Debian's gosop: ProtonMail's library."""

    text = True  # it replaces bytes that are not UTF-8, also in messages of its own

    def prepare(self) -> None:
        need("gosop")

    def generate(self, email: str) -> bytes:
        return self.run("gosop", "generate-key", f"gosop <{email}>")

    def cert(self, key: bytes) -> bytes:
        return self.run("gosop", "extract-cert", stdin=key)

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        by = ["--sign-with", self.file(signer)] if signer else []
        return self.run("gosop", "encrypt", "--no-armor", *by, self.file(cert), stdin=data)

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        proof = self.base / f"proof-{os.urandom(4).hex()}"
        by = ["--verify-with", self.file(signer), "--verify-out", proof] if signer else []
        plain = self.run("gosop", "decrypt", *by, self.file(key), stdin=message)
        assert not signer or proof.read_bytes().strip(), "the signature was not found good"
        return plain


class _Sq(Program):
    """Debian's sq: Sequoia."""

    compression = "none"

    def prepare(self) -> None:
        need("sq")

    def generate(self, email: str) -> bytes:
        key, revocation = self.base / "key", self.base / "revocation"
        to = ["--export", key, "--rev-cert", revocation]
        self.run("sq", "key", "generate", "--userid", f"sq <{email}>", *to)
        return key.read_bytes()

    def cert(self, key: bytes) -> bytes:
        return self.run("sq", "key", "extract-cert", stdin=key)

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        by = ["--signer-key", self.file(signer)] if signer else []
        to = ["--compression", self.compression, "--recipient-cert", self.file(cert)]
        return self.run("sq", "encrypt", "--binary", *to, *by, stdin=data)

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        by = ["--signer-cert", self.file(signer), "-n", "1"] if signer else ["-n", "0"]
        return self.run("sq", "decrypt", "--recipient-key", self.file(key), *by, stdin=message)


class _SqPadded(_Sq):
    """The same, as it writes by itself: padded."""

    compression = "pad"


class _Homes(Program):
    """A program that keeps keys in a home: each verb gets a new one, with what it needs."""

    def home(self, *keys: bytes | None) -> Path:
        """Make a home with keys."""
        home = Path(tempfile.mkdtemp(dir=self.base))
        for key in keys:
            if key is not None:
                self.take(home, key)
        return home

    def take(self, home: Path, key: bytes) -> None:
        """Import a key."""
        raise NotImplementedError


class _Gpg(_Homes):
    """GnuPG."""

    def prepare(self) -> None:
        need("gpg", "gpgconf")

    def close(self) -> None:
        for home in self.base.glob("*/private-keys-v1.d"):
            self.run("gpgconf", "--homedir", home.parent, "--kill", "gpg-agent")

    def generate(self, email: str) -> bytes:
        home = self.home()
        self._gpg(home, "--quick-gen-key", f"gpg <{email}>", "future-default", "default", "1y")
        return self._gpg(home, "--armor", "--export-secret-keys")

    def cert(self, key: bytes) -> bytes:
        return self._gpg(self.home(key), "--armor", "--export")

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        to = ["--recipient-file", self.file(cert)]
        return self._gpg(self.home(signer), "-e", *to, *(["-s"] if signer else []), stdin=data)

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        home, status = self.home(key, signer), self.file()
        plain = self._gpg(home, "--status-file", status, "--decrypt", stdin=message)
        assert not signer or b"GOODSIG" in status.read_bytes()
        return plain

    def take(self, home: Path, key: bytes) -> None:
        self._gpg(home, "--import", stdin=key)

    def _gpg(self, home: Path, *said: object, stdin: bytes = b"") -> bytes:
        usual = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--trust-model"]
        usual += ["always", "--pinentry-mode", "loopback", "--passphrase", ""]
        return self.run(*usual, *said, stdin=stdin)


class _Rnp(_Homes):
    """Debian's rnp: Thunderbird's library."""

    def prepare(self) -> None:
        need("rnp", "rnpkeys")

    def generate(self, email: str) -> bytes:
        home = self.home()
        self._keys(home, "--generate-key", "--numbits", "3072", "--userid", f"rnp <{email}>")
        return self._keys(home, "--export-key", "--secret", email)

    def cert(self, key: bytes) -> bytes:
        return self._keys(self.home(key), "--export-key", "rnp")

    def encrypt(self, data: bytes, cert: bytes, signer: bytes | None) -> bytes:
        home = self.home(cert, signer)
        by = ["--sign", "--userid", self._id(signer)] if signer else []
        source, target = self.file(data), self.base / f"message-{os.urandom(4).hex()}"
        to = ["--encrypt", "--recipient", self._id(cert), *by, "--password", ""]
        self.run("rnp", "--homedir", home, "--notty", *to, source, "--output", target)
        return target.read_bytes()

    def decrypt(self, message: bytes, key: bytes, signer: bytes | None) -> bytes:
        home = self.home(key, signer)
        source, target = self.file(message), self.base / f"plain-{os.urandom(4).hex()}"
        said = ["--password", "", "--decrypt", source, "--output", target]
        self.run("rnp", "--homedir", home, "--notty", *said)  # it verifies signatures that it finds
        return target.read_bytes()

    def take(self, home: Path, key: bytes) -> None:
        self._keys(home, "--import-keys", self.file(key))

    def _id(self, key: bytes) -> str:
        listed = self._keys(self.home(key), "--list-keys").decode()
        return re.findall(r"\b[0-9a-f]{40}\b", listed)[0]

    def _keys(self, home: Path, *said: object) -> bytes:
        return self.run("rnpkeys", "--homedir", home, "--notty", "--password", "", *said)


@dataclass(frozen=True)
class Counterpart:
    """An OpenPGP program.

    Attributes:
        name: in the table.
        start: makes it, in an empty folder; raises `Missing`.
        refuses: the scenarios that end with a refusal.
    """

    name: str
    start: Callable[[Path], Program]
    refuses: Mapping[str, Refused] = field(default_factory=dict)


# gpg 2.2 fails at padding, but not at all of it: seen once with a message of 3 MiB.
_PADDED = Refused(6, ("padding", "sq encrypt --compression none"), at_times=True)
_VERSION_6 = Refused(5, ("version 6", "ask its owner for a key of version 4"))

PROGRAMS_OF_OTHERS = (
    Counterpart("gpg", _Gpg),
    Counterpart("sq", _Sq),
    Counterpart(
        "sq, padded", _SqPadded, refuses=dict.fromkeys(("we read", "we read, signed"), _PADDED)
    ),
    Counterpart("rnp", _Rnp),
    Counterpart("gosop", _Gosop),
    Counterpart("openpgp.js", _OpenPgpJs),
    Counterpart("openpgp.js, RFC 9580", _OpenPgpJsNew, refuses={ANY: _VERSION_6}),
    Counterpart("BouncyCastle", _BouncyCastle),
    Counterpart("PGPy", _PgPy),
)
