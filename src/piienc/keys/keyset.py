"""The AES keyset: several keys of one mode, one of them the primary.

The model is Tink's, so that rotation comes with it: the primary key encrypts, every enabled
key decrypts, a disabled key waits, and a destroyed key is remembered by its id alone.
"""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys.text import malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_KEY_ID = 2**32 - 1


class Mode(StrEnum):
    """How a key encrypts; a property of the keyset, so that a column cannot mix two."""

    SEARCHABLE = "searchable"  # AES-256-SIV, RFC 5297: equal values give equal ciphertext
    SEALED = "sealed"  # AES-256-GCM, NIST SP 800-38D: equal values give different ciphertext

    @property
    def key_size(self) -> int:
        """The bytes of a new key: K1 and K2 of AES-256-SIV, or one AES-256-GCM key."""
        return 64 if self is Mode.SEARCHABLE else 32


class Status(StrEnum):
    """What a key of a set may still do, by Tink's names."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DESTROYED = "DESTROYED"


class Prefix(StrEnum):
    """Whether a key's cells begin with its id, by Tink's names."""

    TINK = "TINK"
    RAW = "RAW"


class KeyFacts(Struct, frozen=True):
    """What may be shown of a key; `bits` is 0 for a destroyed one."""

    key_id: int
    status: Status
    prefix: Prefix
    bits: int


class KeysetFacts(Struct, frozen=True):
    """What may be shown of a keyset: everything but its material."""

    mode: Mode
    primary_id: int
    keys: tuple[KeyFacts, ...]


class Key(Struct, frozen=True):
    """One key of a set.

    Attributes:
        key_id: 1 to 2^32-1, unique in its set.
        material: 64 bytes for AES-256-SIV (K1, the MAC key, then K2, the CTR key), 32 for
            AES-256-GCM, 16 for AES-128-GCM (to read only), none for a destroyed key.
        status: whether it may be used.
        prefix: whether its cells begin with `output_prefix`.
    """

    key_id: int
    material: SecretBytes
    status: Status
    prefix: Prefix

    @property
    def output_prefix(self) -> bytes:
        """What each of its cells begins with: 0x01 and the id, big endian; nothing for RAW."""
        return b"" if self.prefix is Prefix.RAW else b"\x01" + self.key_id.to_bytes(4, "big")

    @property
    def fingerprint(self) -> str:
        """What tells it from other keys, whatever its name and id, and does not give it away."""
        # A key has at least 128 random bits: from a hash of it, nobody comes back to it.
        return hashlib.sha256(b"piienc: which key\0" + self.material.reveal()).hexdigest()[:32]

    @property
    def facts(self) -> KeyFacts:
        """What may be shown of it."""
        return KeyFacts(self.key_id, self.status, self.prefix, 8 * len(self.material))


class Keyset(Struct, frozen=True):
    """Keys of one mode, checked when made.

    Raises:
        KeyAccessError: there is no key, an id is out of range or there twice, the primary is
            missing or not enabled, or a key's material has not the size of the mode.
    """

    mode: Mode
    primary_id: int
    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        ids = [key.key_id for key in self.keys]
        _require(bool(ids), "the keyset has no key")
        _require(all(1 <= i <= MAX_KEY_ID for i in ids), "a key id is not in 1 to 2^32-1")
        _require(len(set(ids)) == len(ids), "the keyset has two keys of one id")
        _require(self.primary_id in ids, "the keyset's primary key is missing")
        _require(self.primary.status is Status.ENABLED, "the primary key is not enabled")
        for key in self.keys:
            _require_size(key, self.mode)

    @classmethod
    def single(cls, mode: Mode, material: SecretBytes, prefix: Prefix = Prefix.TINK) -> Keyset:
        """Make a set of one enabled key under a fresh random id."""
        key_id = 1 + secrets.randbelow(MAX_KEY_ID)
        return cls(mode, key_id, (Key(key_id, material, Status.ENABLED, prefix),))

    @property
    def primary(self) -> Key:
        """The key that encrypts; see `encryption_key` before using it so."""
        return next(key for key in self.keys if key.key_id == self.primary_id)

    @property
    def enabled(self) -> tuple[Key, ...]:
        """The keys that may decrypt, in the set's order."""
        return tuple(key for key in self.keys if key.status is Status.ENABLED)

    @property
    def encryption_key(self) -> Key:
        """The primary key, checked to be fit for new cells.

        Raises:
            KeyAccessError: it is an AES-128 key, which is kept to read old cells only.
        """
        if len(self.primary.material) != self.mode.key_size:
            raise KeyAccessError(
                f"the primary key {self.primary_id} is an AES-128 key: it may decrypt only",
                hint="encrypt with a new key: 'piienc keys generate-aes'",
            )
        return self.primary

    @property
    def facts(self) -> KeysetFacts:
        """What may be shown of it."""
        return KeysetFacts(self.mode, self.primary_id, tuple(key.facts for key in self.keys))


def generate(mode: Mode, prefix: Prefix = Prefix.TINK) -> Keyset:
    """Make a keyset of one fresh key from the system's random source."""
    return Keyset.single(mode, SecretBytes(secrets.token_bytes(mode.key_size)), prefix)


def _require_size(key: Key, mode: Mode) -> None:
    sizes: Sequence[int] = (64,) if mode is Mode.SEARCHABLE else (32, 16)
    if key.status is Status.DESTROYED:
        sizes = (0,)
    expected = " or ".join(map(str, sizes))
    _require(
        len(key.material) in sizes,
        f"key {key.key_id} ({mode}, {key.status}) has {len(key.material)} bytes, not {expected}",
    )


def _require(condition: bool, message: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not condition:
        raise malformed(message)
