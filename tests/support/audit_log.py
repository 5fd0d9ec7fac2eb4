"""What the tests of the audit log share: a log of some lines, and its keys."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from piienc.audit.check import check
from piienc.audit.keys import public_key, signing_key
from piienc.audit.log import AuditLog

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """A log in a folder of its own, with a key folder beside it."""

    def __init__(self, folder: Path):
        self.state, self.keys = folder / ".piienc", folder / "keys"
        self.keys.mkdir(mode=0o700)
        self.warnings: list[str] = []

    def append(self, times: int = 1, *, signed: bool = True):
        """Append lines, and return the last mark."""
        signer = (lambda: signing_key(self.keys)) if signed else (lambda: None)
        log = AuditLog(self.state, signer, self.warnings.append)
        return [log.append({"command": "test", "n": n}) for n in range(times)][-1]

    def check(self, *witnesses):
        """Return what is found of the key's log; of what is unsigned, if there is no other."""
        return self.check_all(*witnesses).logs[0]

    def check_all(self, *witnesses):
        """Return what is found of all logs."""
        return check(self.state, public_key(self.keys), witnesses)

    @property
    def folder(self) -> Path:
        """Where the key's log is; where what is unsigned is, if there is no key."""
        key = public_key(self.keys)
        return self.state / "audit" / (key.fingerprint[:16] if key else "unsigned")

    @property
    def head(self) -> Path:
        """Where its signed head is."""
        return self.folder / "head.json"

    @property
    def path(self) -> Path:
        """Where its last lines are."""
        return max(self.folder.glob("*.jsonl"), default=self.folder / "000001.jsonl")

    def segment(self, number: int) -> Path:
        """Where some of its lines are."""
        return self.folder / f"{number:06d}.jsonl"

    @property
    def lines(self) -> list[bytes]:
        """The lines of its last segment, with their line breaks."""
        return self.path.read_bytes().splitlines(keepends=True)

    @lines.setter
    def lines(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    def damage(self, *witnesses):
        """Return line and kind of the first damage."""
        found = self.check_all(*witnesses).damages
        return (found[0].line, found[0].kind) if found else None


def unsigned(lines: list[bytes], *, begin: int = 0) -> list[bytes]:
    """Return lines without signatures, chained anew: what somebody without the key can do.

    Args:
        lines: the lines, from the first on.
        begin: how many stay as they are.
    """
    return rechained(lines, lambda line: {**line, "signer": None}, None, begin=begin)


def rechained(lines, change, signer, *, begin=0):
    """Return lines that were changed and chained anew, signed by a key if there is one."""
    made = lines[:begin]
    for old in lines[begin:]:
        line = change(json.loads(old))
        line.pop("sig", None)
        line["prev"] = hashlib.sha256(made[-1][:-1]).hexdigest() if made else "0" * 64
        line["line"] = len(made) + 1
        body = json.dumps(line, separators=(",", ":")).encode()
        if signer:
            signature = signer.sign(b"piienc audit line 2\n" + body).hex()
            body = body[:-1] + f',"sig":"{signature}"}}'.encode()
        made.append(body + b"\n")
    return made
