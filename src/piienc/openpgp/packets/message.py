"""What is this file? The head of an OpenPGP file, read as RFC 9580, section 10, orders it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import PgpError
from piienc.keys.openpgp.armor import dearmored, is_armored, no_openpgp, peeked
from piienc.openpgp.packets import algorithms, bodies
from piienc.openpgp.packets.facts import PgpMessage
from piienc.openpgp.packets.inflate import inflated
from piienc.openpgp.packets.packets import DAMAGED, Tag, begins_openpgp, packets

if TYPE_CHECKING:
    from piienc.openpgp.packets.facts import (
        Container,
        KeyPacket,
        LiteralPacket,
        Recipient,
        SignaturePacket,
    )
    from piienc.openpgp.packets.packets import ByteReader, Packet

HEAD = 1 << 20
"""Bytes at the beginning of a message: all that stands before the data of one for thousands."""

_MOST_PACKETS = 100_000  # in a file of keys, more than a distribution's whole keyring has
_DEEPEST = 8  # compressed packets one in the other

_KEYS = {Tag.PUBLIC_KEY, Tag.SECRET_KEY}
_SUBKEYS = {Tag.PUBLIC_SUBKEY, Tag.SECRET_SUBKEY}
_IN_KEY_FILE = _KEYS | _SUBKEYS | {Tag.USER_ID, Tag.USER_ATTRIBUTE, Tag.SIGNATURE, Tag.TRUST}
_SESSION_KEYS = {Tag.PKESK, Tag.SKESK}
_CONTAINERS = {Tag.SEIPD, Tag.SED, Tag.AEAD}
_ENCRYPTED = _SESSION_KEYS | _CONTAINERS
_SIGNATURES = {Tag.SIGNATURE, Tag.ONE_PASS_SIGNATURE}
_MESSAGE = _ENCRYPTED | _SIGNATURES | {Tag.COMPRESSED, Tag.LITERAL}

# To be passed over: sections 5.8, 5.14 and, from 40 on, 4.3.
_IGNORED = {Tag.MARKER, Tag.PADDING, *range(40, 64)}


def is_openpgp(start: bytes) -> bool:
    """Tell whether a file that begins so is OpenPGP, armored or binary."""
    return begins_openpgp(start) or is_armored(start)


def read_message(stream: BinaryIO, name: str) -> PgpMessage:
    """Read what the head of an OpenPGP file tells; nothing is decrypted or verified.

    Of a message, no more is read than a little behind its head, however long it is. A file of
    keys is read to its end.

    Args:
        stream: the file, armored or binary.
        name: what error messages call it.

    Raises:
        PgpError: it is no OpenPGP, cut off in its head, or malformed.
    """
    try:
        start, whole = peeked(stream)
        if not is_openpgp(start):
            raise no_openpgp()
        head = _FileHead(armored=is_armored(start))
        head.read(dearmored(whole))
        return head.message()
    except PgpError as error:
        raise PgpError(f"{name}: {error}", hint=error.hint) from None


class _FileHead:
    """The head of a file, as far as it has been read."""

    def __init__(self, *, armored: bool) -> None:
        self._armored = armored
        self._recipients: list[Recipient] = []
        self._passphrases = 0
        self._container: Container | None = None
        self._compression: str | None = None
        self._signatures: list[SignaturePacket] = []
        self._literal: LiteralPacket | None = None
        self._keys: list[KeyPacket] = []
        self._user_ids = 0
        self._kinds: list[str] = []
        self._owed = ""

    def read(self, stream: ByteReader, depth: int = 0) -> None:
        """Read packets until the data begins or the file ends."""
        for packet in packets(stream):
            if len(self._kinds) == _MOST_PACKETS:
                raise PgpError(f"over {_MOST_PACKETS:,} packets", hint="name a smaller file")
            self._kinds.append(packet.kind)
            if packet.tag in _IGNORED:
                continue
            if packet.tag not in self._expected(depth):
                raise PgpError(f"a {packet.kind} packet where none may stand", hint=DAMAGED)
            if self._take(packet, depth):
                return
        if self._owed:
            raise PgpError(f"it ends where its {self._owed} should begin", hint=DAMAGED)

    def message(self) -> PgpMessage:
        """Return what was read."""
        if not (self._container or self._literal or self._signatures or self._keys):
            raise PgpError("neither a message nor a key is in it", hint=DAMAGED)
        return PgpMessage(
            self._armored,
            tuple(self._recipients),
            self._passphrases,
            self._container,
            self._compression,
            tuple(self._signatures),
            self._literal,
            tuple(self._keys),
            self._user_ids,
            tuple(self._kinds),
        )

    def _expected(self, depth: int) -> set[Tag]:
        """Return what may come next: sections 10.1 to 10.4."""
        if self._keys:
            return _IN_KEY_FILE
        if self._recipients or self._passphrases:
            return _ENCRYPTED
        if depth or self._signatures:
            return _MESSAGE
        return _MESSAGE | _KEYS

    def _take(self, packet: Packet, depth: int) -> bool:
        """Take in a packet; tell whether it holds the data, so that the head ends with it."""
        if self._keys or packet.tag in _KEYS:
            self._take_of_key(packet)
            return False
        if packet.tag in _SIGNATURES:
            self._take_signature(packet)
            return False
        if packet.tag in _SESSION_KEYS:
            self._owed = "encrypted data"
            if packet.tag == Tag.PKESK:
                self._recipients.append(bodies.recipient(packet))
            else:
                self._passphrases += 1
            return False
        if packet.tag == Tag.COMPRESSED:
            self._open(packet, depth)
        elif packet.tag == Tag.LITERAL:
            self._literal = bodies.literal(packet)
        else:
            self._container = bodies.container(packet)
        return True

    def _take_of_key(self, packet: Packet) -> None:
        if packet.tag in _KEYS | _SUBKEYS:
            self._keys.append(bodies.key(packet))
        elif packet.tag == Tag.USER_ID:
            self._user_ids += 1

    def _take_signature(self, packet: Packet) -> None:
        if packet.tag == Tag.SIGNATURE:
            self._signatures.append(bodies.signature(packet))
        else:
            self._owed = "signed data"
            self._signatures.append(bodies.one_pass_signature(packet))

    def _open(self, packet: Packet, depth: int) -> None:
        if depth == _DEEPEST:
            raise PgpError(f"over {_DEEPEST} compressed packets one in the other", hint=DAMAGED)
        algorithm = packet.number(1)
        content = inflated(packet, algorithm)
        if self._compression is None:
            self._compression = algorithms.named(algorithms.COMPRESSION, algorithm)
        self._owed = "compressed data"
        self.read(content, depth + 1)
        self._owed = ""
