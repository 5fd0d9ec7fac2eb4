"""The bodies of packets, as far as they tell anything: RFC 9580, section 5."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from piienc.openpgp.packets import algorithms
from piienc.openpgp.packets.algorithms import named
from piienc.openpgp.packets.facts import (
    HIDDEN,
    Container,
    KeyPacket,
    LiteralPacket,
    Recipient,
    SignaturePacket,
)
from piienc.openpgp.packets.packets import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.openpgp.packets.facts import ContainerKind
    from piienc.openpgp.packets.packets import Packet

_V3, _V4, _V5, _V6 = 3, 4, 5, 6
_LARGEST = 1 << 20  # bytes of a field that is kept in memory

_FINGERPRINT_SIZES = {_V4: 20, _V5: 32, _V6: 32}
_ISSUER, _ISSUER_FINGERPRINT = 16, 33  # section 5.2.3.7
_CRITICAL = 0x80

# Section 5.5.5: the public part of a key, field by field. `n` is a number (section 3.2), `o`
# begins with its size in one octet, and a count is of octets.
_PUBLIC_PART: dict[int, tuple[str | int, ...]] = {
    1: ("n", "n"),
    2: ("n", "n"),
    3: ("n", "n"),
    16: ("n", "n", "n"),
    17: ("n", "n", "n", "n"),
    18: ("o", "n", "o"),
    19: ("o", "n"),
    22: ("o", "n"),
    25: (32,),
    26: (56,),
    27: (32,),
    28: (57,),
}
_FINGERPRINT_MARKS = {_V4: (b"\x99", 2), _V5: (b"\x9a", 4), _V6: (b"\x9b", 4)}
_CONTAINERS: dict[tuple[int, int], ContainerKind] = {
    (Tag.SEIPD, 1): "mdc",
    (Tag.SEIPD, 2): "seipd2",
    (Tag.AEAD, 1): "aead",
}
_FORMATS = {"b": "binary", "t": "text", "u": "text", "l": "text", "1": "text"}


def recipient(packet: Packet) -> Recipient:
    """Read a public-key encrypted session key packet: section 5.1."""
    version = packet.number(1)
    key_id, fingerprint = HIDDEN, None
    if version <= _V3:
        key_id = _hex(packet.take(8))
    elif version == _V6:
        owner = packet.take(packet.number(1))
        if owner:
            key_id, fingerprint = _identity(packet, owner[0], owner[1:])
    else:
        return Recipient(key_id, fingerprint, f"unknown (version {version})", version)
    return Recipient(key_id, fingerprint, _public_key(packet), version)


def container(packet: Packet) -> Container:
    """Read the head of a packet of encrypted data.

    Raises:
        PgpError: it is of a version that is not known here.
    """
    if packet.tag == Tag.SED:
        return Container("unprotected", packet.tag, None, None, None)
    version = packet.number(1)
    kind = _CONTAINERS.get((packet.tag, version))
    if kind is None:
        raise packet.malformed(f"its version, {version}, is not known")
    if kind == "mdc":
        return Container(kind, packet.tag, version, None, None)
    cipher = named(algorithms.CIPHER, packet.number(1))
    mode = named(algorithms.AEAD, packet.number(1))
    packet.take(1)  # the size of its chunks
    return Container(kind, packet.tag, version, cipher, mode)


def one_pass_signature(packet: Packet) -> SignaturePacket:
    """Read what stands before signed data: section 5.4.

    Raises:
        PgpError: it is of a version that is not known here.
    """
    version = packet.number(1)
    packet.take(1)  # the signature's type
    digest = named(algorithms.HASH, packet.number(1))
    algorithm = _public_key(packet)
    if version == _V3:
        return SignaturePacket(_hex(packet.take(8)), None, algorithm, digest)
    if version != _V6:
        raise packet.malformed(f"its version, {version}, is not known")
    packet.take(packet.number(1))  # the salt
    return SignaturePacket(*_identity(packet, _V6, packet.take(32)), algorithm, digest)


def signature(packet: Packet) -> SignaturePacket:
    """Read a signature: section 5.2.

    Raises:
        PgpError: it is of a version that is not known here.
    """
    version = packet.number(1)
    if version <= _V3:
        packet.take(6)  # the size of what is hashed, type, time
        key_id, algorithm = _hex(packet.take(8)), _public_key(packet)
        return SignaturePacket(key_id, None, algorithm, named(algorithms.HASH, packet.number(1)))
    if version not in _FINGERPRINT_SIZES:
        raise packet.malformed(f"its version, {version}, is not known")
    packet.take(1)  # the signature's type
    algorithm, digest = _public_key(packet), named(algorithms.HASH, packet.number(1))
    key_id, fingerprint = HIDDEN, None
    width = 4 if version == _V6 else 2
    areas = [_field(packet, packet.number(width)) for _ in ("hashed", "not hashed")]
    for area in areas:
        for kind, content in _subpackets(packet, area):
            if kind == _ISSUER and not fingerprint:
                key_id = _hex(content)
            elif kind == _ISSUER_FINGERPRINT and content:
                key_id, fingerprint = _identity(packet, content[0], content[1:])
    return SignaturePacket(key_id, fingerprint, algorithm, digest)


def literal(packet: Packet) -> LiteralPacket:
    """Read the head of a packet of data: section 5.9."""
    form = packet.take(1).decode("latin-1")
    name = packet.take(packet.number(1)).decode("utf-8", "replace")
    seconds = packet.number(4)
    date = datetime.fromtimestamp(seconds, UTC) if seconds else None
    return LiteralPacket(_FORMATS.get(form, "unknown"), name, date)


def key(packet: Packet) -> KeyPacket:
    """Read the public part of a public or a secret key: section 5.5.2; nothing more of it."""
    secret = packet.tag in {Tag.SECRET_KEY, Tag.SECRET_SUBKEY}
    subkey = packet.tag in {Tag.SECRET_SUBKEY, Tag.PUBLIC_SUBKEY}
    version = packet.number(1)
    created = packet.take(4)
    if version <= _V3:
        packet.take(2)  # days of validity
        return KeyPacket(secret, subkey, HIDDEN, None, _public_key(packet), version)
    number = packet.number(1)
    head = bytes([version]) + created + bytes([number])
    key_id, fingerprint = HIDDEN, None
    if version in {_V5, _V6}:
        size = packet.take(4)
        body = head + size + _field(packet, int.from_bytes(size, "big"))
        key_id, fingerprint = _fingerprinted(packet, version, body)
    elif version == _V4 and number in _PUBLIC_PART:
        fields = [_public_field(packet, form) for form in _PUBLIC_PART[number]]
        key_id, fingerprint = _fingerprinted(packet, version, head + b"".join(fields))
    algorithm = named(algorithms.PUBLIC_KEY, number)
    return KeyPacket(secret, subkey, key_id, fingerprint, algorithm, version)


def _public_field(packet: Packet, form: str | int) -> bytes:
    if isinstance(form, int):
        return packet.take(form)
    size = packet.take(2 if form == "n" else 1)
    count = int.from_bytes(size, "big")
    return size + packet.take((count + 7) // 8 if form == "n" else count)


def _fingerprinted(packet: Packet, version: int, body: bytes) -> tuple[str, str]:
    """Return a key's id and fingerprint: section 5.5.4; version 5 is GnuPG's."""
    mark, width = _FINGERPRINT_MARKS[version]
    hashed = mark + len(body).to_bytes(width, "big") + body
    if version == _V4:
        # The standard's own name for a key, which nothing here is trusted for.
        digest = hashlib.sha1(hashed, usedforsecurity=False).digest()
    else:
        digest = hashlib.sha256(hashed).digest()
    return _identity(packet, version, digest)


def _identity(packet: Packet, version: int, fingerprint: bytes) -> tuple[str, str]:
    """Return the key id of a fingerprint, and the fingerprint: section 5.5.4."""
    if len(fingerprint) != _FINGERPRINT_SIZES.get(version):
        raise packet.malformed("a fingerprint of no known size is in it")
    key_id = fingerprint[-8:] if version == _V4 else fingerprint[:8]
    return _hex(key_id), _hex(fingerprint)


def _subpackets(packet: Packet, area: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut an area into its subpackets, each of a type and a content: section 5.2.3.7."""
    one, five = 192, 255
    at = 0
    while at < len(area):
        size, width = area[at], 1
        if size == five:
            size, width = int.from_bytes(area[at + 1 : at + 5], "big"), 5
        elif size >= one:
            size, width = ((size - one) << 8) + int.from_bytes(area[at + 1 : at + 2]) + one, 2
        at += width
        subpacket = area[at : at + size]
        if not size or len(subpacket) < size:
            raise packet.malformed("its subpackets do not fit into it")
        yield subpacket[0] & ~_CRITICAL, subpacket[1:]
        at += size


def _field(packet: Packet, size: int) -> bytes:
    if size > _LARGEST:
        raise packet.malformed(f"a field of {size} bytes is in it")
    return packet.take(size)


def _public_key(packet: Packet) -> str:
    return named(algorithms.PUBLIC_KEY, packet.number(1))


def _hex(data: bytes) -> str:
    return data.hex().upper()
