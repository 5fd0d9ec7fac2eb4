"""What the tests of the audit log share: a log of some lines, and its keys."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from piienc.keys.audit import public_key, signing_key
from piienc.state.audit.check import check
from piienc.state.audit.head import FILE as HEAD
from piienc.state.audit.log import FILE, AuditLog

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """A log in a folder of its own, with a key folder beside it."""

    def __init__(self, folder: Path):
        self.state, self.keys = folder / ".piienc", folder / "keys"
        self.keys.mkdir(mode=0o700)

    def append(self, times: int = 1, *, signed: bool = True):
        """Append lines, and return the last mark."""
        signer = (lambda: signing_key(self.keys)) if signed else (lambda: None)
        log = AuditLog(self.state, signer)
        return [log.append({"command": "test", "n": n}) for n in range(times)][-1]

    def check(self, *witnesses):
        """Check it with its public key."""
        return check(self.state, public_key(self.keys), witnesses)

    @property
    def head(self) -> Path:
        """Where its signed head is."""
        return self.state / HEAD

    @property
    def path(self) -> Path:
        """Where its lines are."""
        return self.state / FILE

    @property
    def lines(self) -> list[bytes]:
        """Its lines, with their line breaks."""
        return self.path.read_bytes().splitlines(keepends=True)

    @lines.setter
    def lines(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    def damage(self, *witnesses):
        """Return line and kind of the damage."""
        found = self.check(*witnesses).damage
        return found and (found.line, found.kind)


def rechained(lines: list[bytes]) -> list[bytes]:
    """Return lines whose chain was made anew: what somebody without the key can do."""
    prev, made = "0" * 64, []
    for number, old in enumerate(lines, 1):
        at = old.index(b'"signer"')
        line = f'{{"line":{number},"prev":"{prev}",'.encode() + old[at:]
        prev = hashlib.sha256(line.removesuffix(b"\n")).hexdigest()
        made.append(line)
    return made
