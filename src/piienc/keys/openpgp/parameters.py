"""What gpg reads to generate a key pair: GnuPG's manual, "Unattended key generation"."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from piienc.errors import KeyAccessError, UsageError

if TYPE_CHECKING:
    from piienc.base.secret import SecretBytes

_EXPIRY = re.compile(r"never|[1-9][0-9]{0,4}[dwmy]")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_FARTHEST = datetime(2100, 1, 1, tzinfo=UTC)  # a key counts seconds in 32 bits, up to 2106
_EMAIL = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_REAL_NAME = re.compile(r"[^<>@()]{1,128}")
_LONGEST_PASSPHRASE = 255  # bytes: gpg-agent takes no longer ones

ALGORITHMS = {
    "rsa3072": ("RSA", "Length: 3072", "RSA", "Length: 3072"),
    "rsa4096": ("RSA", "Length: 4096", "RSA", "Length: 4096"),
    "ed25519": ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519"),
}
"""What can be generated: kind and size of the primary key, and of the encryption subkey."""


def key_parameters(
    real_name: str, email: str, algorithm: str, expires: str, passphrase: SecretBytes | None
) -> str:
    """Return what gpg reads on its standard input.

    Raises:
        UsageError: the name, the address or the expiry cannot be one.
        KeyAccessError: gpg cannot take the passphrase.
    """
    fits = _EMAIL.fullmatch(email) and _REAL_NAME.fullmatch(real_name)
    # What is printable has no line breaks either, which would begin other parameters.
    if not fits or not f"{real_name}{email}".isprintable() or real_name != real_name.strip():
        raise UsageError(
            "that cannot be a key's user id", hint="give a name and an address: ops@example.com"
        )
    if not _EXPIRY.fullmatch(expires) or _is_too_far(expires):
        raise UsageError(f"{expires!r} is no expiry", hint="say 90d, 26w, 18m, 2y or never")
    kind, size, sub_kind, sub_size = ALGORITHMS[algorithm]
    lines = [
        f"Key-Type: {kind}",
        f"Key-{size}",
        "Key-Usage: sign,cert",
        f"Subkey-Type: {sub_kind}",
        f"Subkey-{sub_size}",
        "Subkey-Usage: encrypt",
        f"Name-Real: {real_name}",
        f"Name-Email: {email}",
        f"Expire-Date: {expires}",
        f"Passphrase: {text_of(passphrase)}" if passphrase else "%no-protection",
    ]
    return "\n".join(lines)


def _is_too_far(expires: str) -> bool:
    if expires == "never":
        return False
    days = int(expires[:-1]) * _DAYS[expires[-1]]
    return days > (_FARTHEST - datetime.now(UTC)).days


def text_of(passphrase: SecretBytes) -> str:
    """Return a passphrase as gpg takes it: one line of text.

    Raises:
        KeyAccessError: it is none.
    """
    try:
        text = passphrase.reveal().decode()
    except UnicodeDecodeError:
        text = ""
    fits = len(text.encode()) <= _LONGEST_PASSPHRASE and text.isprintable()
    if not text or text != text.strip() or not fits:
        raise KeyAccessError(
            "gpg cannot take this passphrase",
            hint=f"use up to {_LONGEST_PASSPHRASE} bytes of printable characters, with no blank at "
            "the beginning or the end",
        )
    return text
