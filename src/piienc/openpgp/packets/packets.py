"""The packets of an OpenPGP file, one after the other, in flat memory (RFC 9580, section 4)."""

from __future__ import annotations

import io
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from piienc.errors import PgpError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 16  # bytes read at a time of what is passed over
_NEW_FORMAT = 0x40
_ALWAYS_SET = 0x80
_INDETERMINATE = 3  # the fourth of the old format's kinds of length

DAMAGED = "fetch the file again, or have it written again"
"""The hint at what is cut off or malformed."""


class Tag(IntEnum):
    """What a packet is, by RFC 9580, section 5; 20 is GnuPG's own."""

    PKESK = 1
    SIGNATURE = 2
    SKESK = 3
    ONE_PASS_SIGNATURE = 4
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    COMPRESSED = 8
    SED = 9
    MARKER = 10
    LITERAL = 11
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17
    SEIPD = 18
    MDC = 19
    AEAD = 20
    PADDING = 21


# Section 4.2.1.4: only these may come in parts.
_DATA = {Tag.COMPRESSED, Tag.SED, Tag.LITERAL, Tag.SEIPD, Tag.AEAD}

# What may stand first in a file, with the first octet of its body: a version, an algorithm or
# a format. Encrypted data is not among them, for what tells how to open it stands before.
_FIRST: dict[int, bytes] = {
    Tag.PKESK: bytes([2, 3, 6]),
    Tag.SIGNATURE: bytes([2, 3, 4, 5, 6]),
    Tag.SKESK: bytes([4, 5, 6]),
    Tag.ONE_PASS_SIGNATURE: bytes([3, 6]),
    Tag.SECRET_KEY: bytes([2, 3, 4, 5, 6]),
    Tag.PUBLIC_KEY: bytes([2, 3, 4, 5, 6]),
    Tag.COMPRESSED: bytes([0, 1, 2, 3]),
    Tag.MARKER: b"P",
    Tag.LITERAL: b"btul1",
}


class ByteReader(Protocol):
    """A stream of bytes that is read once, in order."""

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes; fewer only at the end."""


class Packet:
    """A packet being read, until the next one is asked for.

    Attributes:
        tag: its type, which need not be one that is known here.
    """

    def __init__(self, tag: int, stream: ByteReader, left: int | None, *, goes_on: bool) -> None:
        """Begin a packet.

        Args:
            tag: its type.
            stream: where its body is read from.
            left: the size of the body or of its first part; None if it ends with the stream.
            goes_on: whether another part follows.
        """
        self.tag = tag
        self._stream, self._left, self._goes_on = stream, left, goes_on

    @property
    def kind(self) -> str:
        """The type in words."""
        return kind_of(self.tag)

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes of the body; fewer only at its end.

        Raises:
            PgpError: the file ends before the body does.
        """
        if self._left is None:
            return self._stream.read(size)
        data = bytearray()
        while len(data) < size and self._begin_part():
            piece = _exactly(self._stream, min(size - len(data), self._left))
            data += piece
            self._left -= len(piece)
        return bytes(data)

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes of the body.

        Raises:
            PgpError: the body, or the file, ends before that.
        """
        data = self.read(size)
        if len(data) < size:
            raise self.malformed("it is too short")
        return data

    def number(self, size: int) -> int:
        """Return the next number of the body, big endian."""
        return int.from_bytes(self.take(size), "big")

    def malformed(self, why: str) -> PgpError:
        """Return the error for a body that is not as it should be."""
        return PgpError(f"malformed {self.kind} packet: {why}", hint=DAMAGED)

    def skip(self) -> None:
        """Pass over the rest of the body."""
        while self.read(_PIECE):
            pass

    def _begin_part(self) -> bool:
        """Go on to the next part of the body that is not empty; tell whether there is one."""
        while not self._left and self._goes_on:
            self._left, self._goes_on = _new_length(self._stream)
        return bool(self._left)


def kind_of(tag: int) -> str:
    """Return a packet's type in words."""
    try:
        return Tag(tag).name.lower().replace("_", "-")
    except ValueError:
        return f"unknown ({tag})"


def packets(stream: ByteReader) -> Iterator[Packet]:
    """Read packets, in the old and the new format.

    What was not read of a packet's body is passed over before the next one.

    Raises:
        PgpError: what follows is no packet, or the stream ends in the middle of one.
    """
    while first := stream.read(1):
        packet = _begun(first[0], stream)
        yield packet
        packet.skip()


def written(tag: Tag, body: bytes) -> bytes:
    """Return a packet in the new format."""
    return bytes([_ALWAYS_SET | _NEW_FORMAT | tag, 255]) + len(body).to_bytes(4, "big") + body


def begins_openpgp(start: bytes) -> bool:
    """Tell whether a file begins with a packet that may stand first in one."""
    packet = None
    try:
        packet = next(packets(io.BytesIO(start)))
        octet = packet.take(1)
    except (PgpError, StopIteration):
        return False
    return octet in _FIRST.get(packet.tag, b"")


def _begun(first: int, stream: ByteReader) -> Packet:
    """Read the rest of a packet's header: section 4.2."""
    if not first & _ALWAYS_SET:
        raise PgpError("no OpenPGP packet where one should begin", hint=DAMAGED)
    if first & _NEW_FORMAT:
        tag = first & 0x3F
        left: int | None
        left, goes_on = _new_length(stream)
    else:
        tag, kind = (first & 0x3F) >> 2, first & 0x03
        left = None if kind == _INDETERMINATE else _number(stream, 1 << kind)
        goes_on = False
    if not tag:
        raise PgpError("a packet of the reserved type 0", hint=DAMAGED)
    if (goes_on or left is None) and tag not in _DATA:
        raise PgpError(f"a {kind_of(tag)} packet of no definite length", hint=DAMAGED)
    return Packet(tag, stream, left, goes_on=goes_on)


def _new_length(stream: ByteReader) -> tuple[int, bool]:
    """Read a length of the new format, and whether another part follows: section 4.2.1."""
    one, partial, five = 192, 224, 255
    first = _number(stream, 1)
    if first < one:
        return first, False
    if first < partial:
        return ((first - one) << 8) + _number(stream, 1) + one, False
    if first < five:
        return 1 << (first & 0x1F), True
    return _number(stream, 4), False


def _number(stream: ByteReader, size: int) -> int:
    return int.from_bytes(_exactly(stream, size), "big")


def _exactly(stream: ByteReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise PgpError("it ends in the middle of a packet", hint=DAMAGED)
    return data
