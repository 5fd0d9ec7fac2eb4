"""Compressed packets, read in flat memory however far they expand (RFC 9580, section 5.6)."""

from __future__ import annotations

import bz2
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.openpgp.packets.packets import ByteReader, Packet

_BLOCK = 1 << 13  # bytes of compressed data at a time
_RAW_DEFLATE = -15  # zlib's word for a stream without header and checksum, of any window


class _PacketDecompressor(Protocol):
    """What zlib and bz2 have in common."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# By the algorithms' numbers in section 9.4; 0 is not compressed.
_MAKERS: dict[int, Callable[[], _PacketDecompressor]] = {
    1: lambda: zlib.decompressobj(_RAW_DEFLATE),
    2: zlib.decompressobj,
    3: bz2.BZ2Decompressor,
}


def inflated(packet: Packet, algorithm: int) -> ByteReader:
    """Return what a compressed packet holds.

    Raises:
        PgpError: the algorithm is not known; while it is read, the data is damaged.
    """
    if not algorithm:
        return packet
    if algorithm not in _MAKERS:
        raise packet.malformed(f"its compression, {algorithm}, is not known")
    return _InflatedStream(packet, _MAKERS[algorithm]())


class _InflatedStream:
    """What compressed data expands to."""

    def __init__(self, packet: Packet, decompressor: _PacketDecompressor) -> None:
        self._packet, self._decompressor = packet, decompressor

    def read(self, size: int, /) -> bytes:
        data = bytearray()
        while len(data) < size and not self._decompressor.eof:
            block = self._input()
            try:
                piece = self._decompressor.decompress(block, size - len(data))
            except (zlib.error, OSError):  # bz2 raises the latter
                raise self._packet.malformed("its data is damaged") from None
            if not block and not piece:
                raise self._packet.malformed("its data is cut off")
            data += piece
        return bytes(data)

    def _input(self) -> bytes:
        # What a call has left over, zlib gives back and bz2 keeps.
        left: bytes = getattr(self._decompressor, "unconsumed_tail", b"")
        if left or not getattr(self._decompressor, "needs_input", True):
            return left
        return self._packet.read(_BLOCK)
