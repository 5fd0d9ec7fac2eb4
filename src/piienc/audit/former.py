"""The log of the format before this one: `audit.jsonl`, whose lines are not signed, `audit.head`.

It is read, and never written to: the first line of each newer log says how it was found. Its lines
hold the hash of the line before; what is signed is the head alone, one of each key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError, Struct, field
from msgspec.json import Decoder

from piienc.audit.line import ZEROS, FormerLog, hash_of
from piienc.audit.segments import (
    FORMER,
    NotRegularError,
    is_too_long,
    lines_of,
    reading,
    reason_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from piienc.audit.keys import AuditPublicKey

_HEADS = "audit.head"
_DOMAIN = "piienc audit head 1"
_LARGEST = 1 << 20


class _FormerLink(Struct):
    line: int
    prev: str
    signer: str | None
    torn: tuple[str, ...] = ()


class _FormerHead(Struct, frozen=True):
    lines: int
    end: int
    head: str
    time: str
    key: str
    signature: str

    def is_signed_by(self, key: AuditPublicKey) -> bool:
        fields = (self.lines, self.end, self.head, self.time, self.key)
        message = "\n".join([_DOMAIN, *map(str, fields)]).encode()
        try:
            return key.verifies(message, bytes.fromhex(self.signature))
        except ValueError:
            return False


class _FormerHeads(Struct):
    heads: list[_FormerHead]


_link = Decoder(_FormerLink).decode
_heads = Decoder(_FormerHeads).decode


class _FormerWalk(Struct):
    """The way through the lines, up to the first that does not follow."""

    count: int = 0
    head: str = ZEROS
    end: int = 0
    torn: list[str] = field(default_factory=list)
    signers: set[str] = field(default_factory=set)
    reason: str | None = None

    def take(self, raw: bytes, places: Mapping[int, list[tuple[str, int]]]) -> None:
        """Take the next line, and check it against the heads of its number."""
        if is_too_long(raw):
            self.reason = f"line {self.count + 1} is longer than a line can be"
            return
        line = raw.removesuffix(b"\n")
        digest = hash_of(line)
        try:
            link = _link(line)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            link = None
        expected = places.get(self.count + 1, ())
        if link is None:
            self.torn.append(digest)
        elif (link.line, link.prev, [*link.torn]) != (self.count + 1, self.head, self.torn):
            self.reason = f"line {self.count + 1} does not follow the one before it"
            return
        else:
            self.head, self.torn = digest, []
            self.signers.update({link.signer} - {None})  # type: ignore[arg-type]  # None is taken off
        self.end += len(raw)
        self.count += 1
        if any((head, end) != (digest, self.end - raw.endswith(b"\n")) for head, end in expected):
            self.reason = f"line {self.count} is not the one that was signed"


def closed_former(
    state: Path, key: AuditPublicKey | None, *, new: bool = False
) -> FormerLog | None:
    """Return how the log is found, if there is one; it is read once, as a stream.

    A `new` key was made now, and cannot have signed it.

    Raises:
        ConfigError: the system does not let it be read.
    """
    path = state / FORMER
    heads, reason = _read_heads(state / _HEADS, key)
    places: dict[int, list[tuple[str, int]]] = {}
    for head in heads.values():
        places.setdefault(head.lines, []).append((head.head, head.end))
    walk, digest, size = _FormerWalk(), hashlib.sha256(), 0
    try:
        with reading(path) as file:
            for raw in lines_of(file):
                digest.update(raw)
                size += len(raw)
                if walk.reason is None:
                    walk.take(raw, places)
    except NotRegularError as error:
        return FormerLog(0, 0, ZEROS, 0, "", reason_of(error))
    except (FileNotFoundError, NotADirectoryError):
        return None
    reason = reason or walk.reason or _missing(walk, heads, places, None if new else key)
    own = heads.get(key.fingerprint) if key and reason is None else None
    signed = own.lines if own else 0
    return FormerLog(walk.count, signed, walk.head, size, digest.hexdigest(), reason)


def is_signed(state: Path) -> bool:
    """Tell whether there is a head, of whichever key."""
    return (state / _HEADS).exists()


def unattested(state: Path, expected: Mapping[int, Iterable[str]]) -> str | None:
    """Return how the log differs from hashes of its lines by number; None if it does not."""
    last = 0
    with reading(state / FORMER) as file:
        for last, raw in enumerate(lines_of(file), 1):
            if last in expected and {*expected[last]} != {hash_of(raw.removesuffix(b"\n"))}:
                return f"line {last} is not the one that a receipt tells of"
    lost = max(expected, default=0)
    return f"it was cut off behind line {last}: a receipt tells of {lost}" if lost > last else None


def _read_heads(
    path: Path, key: AuditPublicKey | None
) -> tuple[dict[str, _FormerHead], str | None]:
    """Return the heads by their keys, and what is wrong with them."""
    try:
        with reading(path) as file:
            heads = {head.key: head for head in _heads(file.read(_LARGEST)).heads}
    except NotRegularError:
        return {}, "its head cannot be read"
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return {}, "its head is not as it was written"
    own = heads.get(key.fingerprint) if key else None
    if own and key and not own.is_signed_by(key):
        return heads, "the signature of its head is not good"
    return heads, None


def _missing(
    walk: _FormerWalk,
    heads: Mapping[str, _FormerHead],
    places: Mapping[int, Any],
    key: AuditPublicKey | None,
) -> str | None:
    """Return what is wrong, if something is missing that must be there."""
    last = max(places, default=0)
    if last > walk.count:
        return f"it was cut off behind line {walk.count}: line {last} is known of"
    if walk.signers - heads.keys() or (key is not None and key.fingerprint not in heads):
        return "its head is gone, or the key has never signed it"
    return None
