"""Checks host keys by known_hosts files.

It reads all of the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. paramiko's own reader ignores
markers and wildcards, and keeps one key of each kind per host.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.printable import command
from piienc.base.trust import open_trusted
from piienc.errors import ConfigError, ConnectError
from piienc.remote.ssh.host_certificates import CERTIFICATE, reason_against

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.remote.ssh.config import Hop

_AUTHORITY, _REVOKED = "@cert-authority", "@revoked"
_FIELDS = 3
_HASHED = 4
_ADDED = "only when the fingerprint is the one that the server's owner tells you by another way"

# The names under which a key is used to sign; RSA's own name stood for SHA-1.
_SIGNED_AS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""How a host may prove itself, the best first."""


class KnownKey(Struct, frozen=True):
    """A line of a known_hosts file."""

    marker: str
    hosts: str
    kind: str
    blob: bytes

    def fits(self, name: str) -> bool:
        """Return whether the line applies to a host."""
        if self.hosts.startswith("|1|"):
            return _fits_hashed(self.hosts, name)
        fits = False
        for pattern in self.hosts.lower().split(","):
            hit = _fits_pattern(name.lower(), pattern.removeprefix("!"))
            if hit and pattern.startswith("!"):
                return False
            fits = fits or hit
        return fits


class KnownHosts:
    """The entries of known_hosts files for one host."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop
        lines = [line for path in hop.known_hosts for line in read_known_hosts(path)]
        self._revoked = {line.blob for line in lines if line.marker == _REVOKED}
        self._keys: list[KnownKey] = []
        for name in hop.known_as:  # with the port, and only if nothing is known there, without
            self._keys = [line for line in lines if line.marker != _REVOKED and line.fits(name)]
            if self._keys:
                break

    def algorithms(self) -> list[str]:
        """Return the algorithms to offer, those of known keys first.

        A server with keys of several kinds presents the kind that is offered first.
        """
        plain = {
            name
            for line in self._keys
            if not line.marker
            for name in _SIGNED_AS.get(line.kind, (line.kind,))
        }
        first = [name for name in ALGORITHMS if name in plain]
        if any(line.marker == _AUTHORITY for line in self._keys):
            first = [f"{name}{CERTIFICATE}" for name in ALGORITHMS] + first
        return first + [name for name in ALGORITHMS if name not in first]

    def check(self, blob: bytes, certificate: bytes | None = None) -> None:
        """Make sure that a key is the host's.

        Raises:
            ConnectError: it is unknown, another than the known one, or revoked.
        """
        if blob in self._revoked:
            raise self._refused(blob, "is revoked in known_hosts", "connect no more to this host")
        plain = [line for line in self._keys if not line.marker]
        if any(hmac.compare_digest(line.blob, blob) for line in plain):
            return
        if certificate:
            authorities = {line.blob for line in self._keys if line.marker == _AUTHORITY}
            name = self._hop.known_as[-1]
            if not (against := reason_against(certificate, name, authorities - self._revoked)):
                return
            raise self._refused(blob, f"has a certificate that {against}", "ask the server's owner")
        changed = any(line.kind == kind_of(blob) for line in plain)
        raise self._changed(blob) if changed else self._unknown(blob)

    def _refused(self, blob: bytes, what: str, hint: str) -> ConnectError:
        key = f"{kind_of(blob)} {fingerprint(blob)}"
        return ConnectError(f"the host key of {self._hop.shown} ({key}) {what}", hint=hint)

    def _unknown(self, blob: bytes) -> ConnectError:
        return self._refused(
            blob, "is unknown", f"{_ADDED}, add it by: {self._adding(kind_of(blob))}"
        )

    def _changed(self, blob: bytes) -> ConnectError:
        hop = self._hop
        remove = command("ssh-keygen", "-R", hop.known_as[0], "-f", hop.known_hosts[0])
        return self._refused(
            blob,
            "is not the one in known_hosts: somebody may be in between, or the host was set up "
            "anew",
            f"{_ADDED}, replace it by: {remove} && {self._adding(kind_of(blob))}",
        )

    def _adding(self, kind: str) -> str:
        hop = self._hop
        short = kind.removeprefix("ssh-").partition("-")[0]
        scan = command("ssh-keyscan", "-t", short, "-p", str(hop.port), hop.host)
        name = hop.known_as[0]
        if name not in {hop.host.lower(), f"[{hop.host.lower()}]:{hop.port}"}:
            literal = re.sub(r"[/&\\]", r"\\\g<0>", name)
            scan += f" | {command('sed', f's/^[^ ]*/{literal}/')}"
        return f"{scan} >> {command(*hop.known_hosts[:1] or ['KNOWN_HOSTS'])}"


def read_known_hosts(path: Path) -> list[KnownKey]:
    """Read a file; a missing one has no entries.

    Raises:
        ConfigError: it exists and cannot be read.
        PolicyError: others may change it: see `piienc.base.trust`.
    """
    try:
        with open_trusted(path) as file:
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    return [key for line in text.splitlines() if (key := _parse(line))]


def fingerprint(blob: bytes) -> str:
    """Return a key's fingerprint, as OpenSSH prints it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def kind_of(blob: bytes) -> str:
    """Return the kind of a key, as its first field tells it."""
    size = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + size].decode("ascii", "replace")


def _parse(line: str) -> KnownKey | None:
    """Return the entry of a line; None for a comment or an invalid line."""
    fields = line.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < _FIELDS or fields[0].startswith("#"):
        return None
    hosts, kind, key = fields[:_FIELDS]
    try:
        blob = base64.b64decode(key, validate=True)
    except ValueError:  # no base64, or not even ASCII
        return None
    is_known = marker in {"", _AUTHORITY, _REVOKED}
    return KnownKey(marker, hosts, kind, blob) if is_known and kind_of(blob) == kind else None


def _fits_hashed(hosts: str, name: str) -> bool:
    parts = hosts.split("|")
    if len(parts) != _HASHED:
        return False
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
    except ValueError:  # no base64, or not even ASCII
        return False
    expected = hmac.new(salt, name.encode(), "sha1").digest()
    return hmac.compare_digest(expected, digest)


def _fits_pattern(name: str, pattern: str) -> bool:
    # Only * and ? are wild; fnmatch would also read the brackets around a host with a port.
    return bool(re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), name))
