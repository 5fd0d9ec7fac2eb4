"""One line of the log: its link to the line before, and its signature."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from piienc.audit.keys import AuditKey, AuditPublicKey

ZEROS = "0" * 64
"""What stands for the hash of the line before the first."""

_DOMAIN = b"piienc audit line 2\n"
_BEFORE, _BEHIND = b',"sig":"', b'"}'
_DIGITS = 128  # of a signature in hex
_SIGNED = len(_BEFORE) + _DIGITS + len(_BEHIND)


class TornLine(msgspec.Struct, frozen=True):
    """The end of a segment before, where a crash has cut a line off."""

    bytes: int
    sha256: str


class LogBreak(msgspec.Struct, frozen=True):
    """The fault that a command found before it began a new segment.

    Attributes:
        file: where, within the log's folder.
        line: the last line that was believed.
        reason: what is wrong.
        bytes: the size of the file as it was found, if it is one.
        sha256: its hash, unless it is too large for a file of the log.
    """

    file: str
    line: int
    reason: str
    bytes: int | None = None
    sha256: str | None = None


class LineLink(msgspec.Struct, frozen=True):
    """The place of a line in its log.

    Attributes:
        line: its number, from 1.
        prev: the SHA-256 of the line before it, in hex.
        log: the id of the log.
        segment: the number of the file that it is in, from 1.
        signer: the fingerprint of the key that signs it; None if none does.
        torn: in the first of a segment alone, as the next one.
        broken: as above.
    """

    line: int
    prev: str
    log: str
    segment: int
    signer: str | None
    torn: tuple[TornLine, ...] = ()
    broken: LogBreak | None = None


_decode = msgspec.json.Decoder(LineLink).decode


def link_of(line: bytes) -> LineLink | None:
    """Return what a line says of its place; None if it is not whole."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def made(link: LineLink, facts: dict[str, Any], signer: AuditKey | None) -> bytes:
    """Return a line without its line break, signed if there is a signer."""
    place = {
        name: value
        for name, value in msgspec.to_builtins(link).items()
        if value or name == "signer"
    }
    place["time"] = now()
    body = json.dumps(place | facts, separators=(",", ":")).encode("ascii")
    if signer is None:
        return body
    signature = signer.sign(_DOMAIN + body).hex().encode()
    return body[:-1] + _BEFORE + signature + _BEHIND


def is_signed_by(line: bytes, key: AuditPublicKey) -> bool:
    """Tell whether a line ends in a good signature of a key, of all that is before it."""
    body, end = line[:-_SIGNED], line[-_SIGNED:]
    if not (end.startswith(_BEFORE) and end.endswith(_BEHIND)):
        return False
    digits = end[len(_BEFORE) : -len(_BEHIND)]
    try:
        signature = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    # One signature has one form, so that no byte can be changed unnoticed.
    return signature.hex().encode() == digits and key.verifies(_DOMAIN + body + b"}", signature)


def hash_of(data: bytes) -> str:
    """Return a SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    """Return the time, in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
