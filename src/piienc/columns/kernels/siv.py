"""AES-256-SIV for whole groups of cells: RFC 5297, with one component of associated data."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from piienc.columns.kernels.aes import BLOCK, Blocks, BulkAes, empty_blocks, words, xor_into
from piienc.columns.kernels.groups import inside_last

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.columns.kernels.groups import CellGroup

# RFC 5297, 2.5: the counter starts at V with bits 63 and 31 cleared, so it never carries
# beyond its low 32 bits. In the second word, memory order, these are the top bits of the
# bytes 8 and 12.
_COUNTER_MASK = np.frombuffer(bytes.fromhex("7fffffff7fffffff"), np.uint64)[0]


class SivKernel:
    """Deterministic encryption: equal cells in one context give equal ciphertexts.

    A ciphertext is `V (16 bytes) ‖ encrypted cell`.
    """

    head = BLOCK
    tail = 0
    longest = 1024
    """Longer cells go to OpenSSL one by one: there a call's cost no longer matters."""

    def __init__(self, key: bytes, context: bytes) -> None:
        """Prepare a key for one context.

        Args:
            key: 64 bytes, the MAC's key then the counter's, as RFC 5297 and Tink have them.
            context: the associated data; empty is one empty component, not none.
        """
        half = len(key) // 2
        self._mac, self._ctr = BulkAes(key[:half]), BulkAes(key[half:])
        self._single = AESSIV(key)
        subkey = self._mac.encrypt_block(bytes(BLOCK))
        self._complete, self._padded = _dbl(subkey), _dbl(_dbl(subkey))
        self._start = _dbl(self._cmac(bytes(BLOCK)))
        self._bind(context)

    def in_context(self, context: bytes) -> SivKernel:
        """Return a kernel of the same key for another context."""
        other = copy(self)
        other._bind(context)  # noqa: SLF001  # of this class
        return other

    def _bind(self, context: bytes) -> None:
        self._context = [context]
        self._prefix = _xor(self._start, self._cmac(context))
        self.last_mask = lru_cache(maxsize=None)(self._last_mask)

    def seal(self, group: CellGroup) -> tuple[Blocks, None]:
        """Encrypt a group in place and return each cell's V."""
        synthetic = self._s2v(group)
        self._count(group, synthetic)
        group.clear_behind()
        return synthetic, None

    def open(self, group: CellGroup, head: Blocks, tail: Blocks | None) -> NDArray[np.bool_]:  # noqa: ARG002  # GCM has a tail
        """Decrypt a group in place and tell which cells are authentic."""
        self._count(group, head)
        group.clear_behind()
        difference = words(self._s2v(group)) ^ words(head)
        authentic: NDArray[np.bool_] = (difference[0::2] | difference[1::2]) == 0
        return authentic

    def seal_one(self, cell: bytes) -> bytes:
        """Encrypt one cell by OpenSSL's own SIV."""
        return self._single.encrypt(cell, self._context)

    def open_one(self, sealed: bytes) -> bytes | None:
        """Decrypt one cell by OpenSSL's own SIV; None if it is not authentic."""
        try:
            return self._single.decrypt(sealed, self._context)
        except InvalidTag:
            return None

    def _s2v(self, group: CellGroup) -> Blocks:
        """RFC 5297, 2.4: the CMAC of each cell with the prefix xored into its end."""
        state: Blocks | None = None
        count = len(group.blocks)
        for number, blocks in enumerate(group.blocks):
            block = blocks.copy()
            if number == count - 1:
                xor_into(block, group.each(self.last_mask))
            elif number == count - 2:
                xor_into(block, group.each(self._next_to_last_mask))
            if state is not None:
                xor_into(block, state)
            state = self._mac.encrypt(block)
        assert state is not None  # noqa: S101  # a group has a block at least
        return state

    def _last_mask(self, length: int) -> bytes:
        """What is xored into a cell's last block: prefix, padding and CMAC's subkey."""
        if length < BLOCK:
            padded = _dbl(self._prefix)
            return _xor(padded, _pad(b"", length), self._complete)
        inside = inside_last(length)
        if inside == BLOCK:
            return _xor(self._prefix, self._complete)
        return _xor(_pad(self._prefix[BLOCK - inside :], inside), self._padded)

    def _next_to_last_mask(self, length: int) -> bytes:
        """What is xored into the block before: the prefix's beginning, where it reaches in."""
        inside = inside_last(length)
        return bytes(inside) + self._prefix[: BLOCK - inside]

    def _count(self, group: CellGroup, synthetic: Blocks) -> None:
        """AES-CTR from each cell's V, xored into the group."""
        counters = empty_blocks(*group.blocks.shape)
        first = words(counters[0])
        first[0::2] = words(synthetic)[0::2]
        np.bitwise_and(words(synthetic)[1::2], _COUNTER_MASK, out=first[1::2])
        low = counters[0].view("u4")[3::4].byteswap()
        for number in range(1, len(counters)):
            counters[number] = counters[0]
            counters[number].view("u4")[3::4] = (low + np.uint32(number)).byteswap()
        xor_into(group.blocks, self._ctr.encrypt(counters))

    def _cmac(self, message: bytes) -> bytes:
        """RFC 4493 for a constant of the key."""
        whole, rest = divmod(len(message), BLOCK)
        if message and rest == 0:
            last = _xor(message[-BLOCK:], self._complete)
            whole -= 1
        else:
            last = _xor(_pad(message[whole * BLOCK :], rest), self._padded)
        state = bytes(BLOCK)
        for number in range(whole):
            block = message[number * BLOCK : (number + 1) * BLOCK]
            state = self._mac.encrypt_block(_xor(state, block))
        return self._mac.encrypt_block(_xor(state, last))


def _dbl(block: bytes) -> bytes:
    """Doubling in GF(2^128): RFC 5297, 2.3."""
    value = int.from_bytes(block, "big")
    return ((value << 1) ^ (0x87 * (value >> 127))).to_bytes(17, "big")[1:]


def _pad(tail: bytes, length: int) -> bytes:
    """A block of `tail`, with the padding bit behind `length` bytes: RFC 4493."""
    return (tail.ljust(length, b"\0") + b"\x80").ljust(BLOCK, b"\0")


def _xor(*blocks: bytes) -> bytes:
    value = 0
    for block in blocks:
        value ^= int.from_bytes(block, "big")
    return value.to_bytes(BLOCK, "big")
