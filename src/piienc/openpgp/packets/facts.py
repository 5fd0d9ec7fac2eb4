"""What the head of an OpenPGP file tells, as plain values.

A key id is 16 hex digits in upper case, and `HIDDEN` where the sender left it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

HIDDEN = "0" * 16
_V6 = 6
_NEWER_ALGORITHMS = {"X25519", "X448"}

ContainerKind = Literal["mdc", "aead", "seipd2", "unprotected"]


class Recipient(Struct, frozen=True):
    """A key that can open the message: RFC 9580, section 5.1.

    Attributes:
        key_id: of the subkey that the message is encrypted to.
        fingerprint: the same key's; only packets of version 6 tell it.
        algorithm: of the public key.
        version: of the packet.
    """

    key_id: str
    fingerprint: str | None
    algorithm: str
    version: int


class Container(Struct, frozen=True):
    """The packet that holds the encrypted data: RFC 9580, sections 5.7 and 5.13; tag 20 is GnuPG's.

    Attributes:
        kind: how the data is protected. `mdc`: by a hash inside, packet 18 of version 1.
            `seipd2`: by AEAD, packet 18 of version 2. `aead`: by AEAD, GnuPG's packet 20.
            `unprotected`: not at all, packet 9.
        tag: the packet's type.
        version: of the packet; `unprotected` has none.
        cipher: None where the packet does not tell it.
        aead: the mode, where there is one.
    """

    kind: ContainerKind
    tag: int
    version: int | None
    cipher: str | None
    aead: str | None


class SignaturePacket(Struct, frozen=True):
    """A signature that can be seen from outside: RFC 9580, sections 5.2 and 5.4.

    Attributes:
        key_id: of the key that made it.
        fingerprint: the same key's, where it is told.
        algorithm: of the public key.
        hash: the hash algorithm.
    """

    key_id: str
    fingerprint: str | None
    algorithm: str
    hash: str


class LiteralPacket(Struct, frozen=True):
    """The data of a message that is not encrypted: RFC 9580, section 5.9.

    Attributes:
        format: binary or text.
        file_name: what the sender says its file was called; not to be trusted with anything.
        date: what the sender says; None if nothing.
    """

    format: str
    file_name: str
    date: datetime | None


class KeyPacket(Struct, frozen=True):
    """A key in a file of keys: RFC 9580, sections 5.5 and 10.1.

    Attributes:
        secret: whether it is a secret key, locked or not.
        subkey: whether it belongs to the primary key before it.
        key_id: `HIDDEN` where it is not known here how to tell it.
        fingerprint: None where it is not known here how to tell it.
        algorithm: of the public key.
        version: of the packet.
    """

    secret: bool
    subkey: bool
    key_id: str
    fingerprint: str | None
    algorithm: str
    version: int


class PgpMessage(Struct, frozen=True):
    """What the head of an OpenPGP file tells: a message, a detached signature or keys.

    Attributes:
        armored: whether it is text.
        recipients: whose keys can open it.
        passphrases: how many passphrases can open it.
        container: what holds the encrypted data; None where nothing is encrypted.
        compression: of data that is not encrypted; None where it is not in a compressed packet.
        signatures: those that can be seen from outside.
        literal: the data, where it is not encrypted.
        keys: the keys in a file of keys, which is no message.
        user_ids: how many there are in a file of keys.
        packets: the kinds of the packets that were read, in order.
    """

    armored: bool
    recipients: tuple[Recipient, ...]
    passphrases: int
    container: Container | None
    compression: str | None
    signatures: tuple[SignaturePacket, ...]
    literal: LiteralPacket | None
    keys: tuple[KeyPacket, ...]
    user_ids: int
    packets: tuple[str, ...]

    @property
    def has_secret_key(self) -> bool:
        """Whether a secret key is in it."""
        return any(key.secret for key in self.keys)

    @property
    def is_beyond_gnupg(self) -> bool:
        """Whether it is encrypted in ways of RFC 9580 that no release of GnuPG knows."""
        packet = self.container is not None and self.container.kind == "seipd2"
        return packet or (
            bool(self.recipients)
            and all(
                one.version == _V6 or one.algorithm in _NEWER_ALGORITHMS for one in self.recipients
            )
        )

    @property
    def is_detached(self) -> bool:
        """Whether it is a signature without what it signs."""
        return bool(self.signatures) and not (self.container or self.literal)
