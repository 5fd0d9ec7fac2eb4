"""A certificate as somebody gives it: one key, of a kind that GnuPG can use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from piienc.errors import KeyAccessError, PgpError, UsageError
from piienc.keys.openpgp.armor import dearmor, is_armored

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARMOR = re.compile(rb"^(?:\xef\xbb\xbf)?-----BEGIN PGP ", re.MULTILINE)
_NEWER = {"27": "Ed25519", "28": "Ed448"}  # those that can be of a primary key
_UNKNOWN_VERSION = re.compile(r"packet\((?:5|6)\) with unknown version ([56])\b")
_LARGEST = 4 << 20  # bytes of a certificate with all its signatures
FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def read_certificate(data: bytes) -> bytes:
    """Return a certificate without its armor.

    Raises:
        KeyAccessError: it is none, or more than one.
    """
    if len(data) > _LARGEST:
        raise KeyAccessError(f"over {_LARGEST >> 20} MiB, which is no key")
    armors = _ARMOR.findall(data)
    if is_armored(data) and len(armors) > 1:
        raise KeyAccessError(
            f"the file holds {len(armors)} keys",
            hint="give a file with the one that is meant alone",
        )
    try:
        return dearmor(data)
    except PgpError as error:
        raise KeyAccessError(f"no OpenPGP key: {error}", hint=error.hint) from None


def require_known(algorithms: Iterable[str], messages: str) -> None:
    """Refuse keys of RFC 9580 that GnuPG passes over, or lists and cannot use."""
    version = _UNKNOWN_VERSION.search(messages)
    newer = next((_NEWER[number] for number in algorithms if number in _NEWER), None)
    if version or newer:
        what = f"version {version[1]}" if version else f"the algorithm {newer}"
        raise KeyAccessError(
            f"the key is of {what} (RFC 9580), which GnuPG cannot use",
            hint="ask its owner for a key of version 4 by RFC 4880, RSA or Curve25519",
        )


def only_fingerprint(fingerprints: list[str]) -> str:
    """Return the fingerprint of the one key that a file holds.

    Raises:
        KeyAccessError: it holds none, or several.
    """
    match fingerprints:
        case [only]:
            return only
        case []:
            raise KeyAccessError(
                "the file holds no OpenPGP key",
                hint="ask for the public key, armored: 'gpg --export --armor'",
            )
    raise KeyAccessError(
        f"the file holds {len(fingerprints)} keys", hint="export the one that is meant alone"
    )


def normal_fingerprint(fingerprint: str) -> str:
    """Return a fingerprint as gpg writes it.

    Raises:
        UsageError: it is none.
    """
    normal = re.sub(r"\s+|:", "", fingerprint).upper().removeprefix("0X")
    if not FINGERPRINT.fullmatch(normal):
        raise UsageError(
            "that is not a fingerprint", hint="give all 40 hex digits: a key id can be forged"
        )
    return normal
