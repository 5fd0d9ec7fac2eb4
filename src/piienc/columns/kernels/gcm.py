"""AES-GCM for whole groups of cells: NIST SP 800-38D, 96-bit IVs, 128-bit tags."""

from __future__ import annotations

import os
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from piienc.columns.kernels.aes import BLOCK, Blocks, BulkAes, empty_blocks, words, xor_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.columns.kernels.groups import CellGroup

IV = 12
"""Bytes in an IV: SP 800-38D, 8.2, the recommended length."""

_LOOKED_UP = 8192  # cells whose products are looked up at a time: 2 MiB of them
_TABLES = 256 * np.arange(BLOCK)[:, None]
"""Where the table for each byte of a block begins."""

_COUNTER_BLOCK = np.dtype([("iv", f"V{IV}"), ("counter", ">u4")])
_REDUCTION = 0xE1 << 120  # SP 800-38D, 6.3: the polynomial, with its bits reflected


class GcmKernel:
    """Randomised encryption: a fresh IV for every cell, so equal cells look different.

    A ciphertext is `IV (12 bytes) ‖ encrypted cell ‖ tag (16 bytes)`.
    """

    head = IV
    tail = BLOCK
    longest = 512
    """Longer cells go to OpenSSL one by one: its GHASH is faster than table look-ups."""

    def __init__(self, key: bytes, context: bytes) -> None:
        """Prepare a key for one context.

        Args:
            key: 32 bytes (or 16, an AES-128 key, which the callers use for reading only).
            context: the associated data; may be empty.
        """
        self._aes, self._single = BulkAes(key), AESGCM(key)
        self._hash_key = int.from_bytes(self._aes.encrypt_block(bytes(BLOCK)), "big")
        # Threads share a kernel: what is remembered must not depend on who asks first.
        self._power = lru_cache(maxsize=None)(self._power_of_hash_key)
        self._table = lru_cache(maxsize=None)(self._power_table)
        self._lengths = lru_cache(maxsize=None)(self._lengths_hash)
        self._bind(context)

    def in_context(self, context: bytes) -> GcmKernel:
        """Return a kernel of the same key for another context; they share the key's tables."""
        other = copy(self)
        other._bind(context)  # noqa: SLF001  # of this class
        return other

    def _bind(self, context: bytes) -> None:
        self._context = context
        padded = context + bytes(-len(context) % BLOCK)
        self._begin = 0  # GHASH of the context
        for start in range(0, len(padded), BLOCK):
            block = int.from_bytes(padded[start : start + BLOCK], "big")
            self._begin = _multiply(self._begin ^ block, self._hash_key)
        self._raised = lru_cache(maxsize=None)(self._raised_begin)

    def seal(self, group: CellGroup) -> tuple[NDArray[np.void], Blocks]:
        """Encrypt a group in place under fresh IVs and return each cell's IV and tag."""
        ivs = np.frombuffer(_random_bytes(IV * group.rows), f"V{IV}")
        mask = self._count(group, ivs)
        group.clear_behind()
        tags = self._ghash(group)
        xor_into(tags, mask)
        return ivs, tags

    def open(
        self, group: CellGroup, head: NDArray[np.void], tail: Blocks | None
    ) -> NDArray[np.bool_]:
        """Decrypt a group in place and tell which cells are authentic."""
        expected = self._ghash(group)
        mask = self._count(group, head)
        xor_into(expected, mask)
        group.clear_behind()
        assert tail is not None  # noqa: S101  # GCM has a tag
        difference = words(expected) ^ words(tail)
        authentic: NDArray[np.bool_] = (difference[0::2] | difference[1::2]) == 0
        return authentic

    def seal_one(self, cell: bytes) -> bytes:
        """Encrypt one cell by OpenSSL's own GCM."""
        iv = os.urandom(IV)
        return iv + self._single.encrypt(iv, cell, self._context)

    def open_one(self, sealed: bytes) -> bytes | None:
        """Decrypt one cell by OpenSSL's own GCM; None if it is not authentic."""
        try:
            return self._single.decrypt(sealed[:IV], sealed[IV:], self._context)
        except InvalidTag:
            return None

    def _count(self, group: CellGroup, ivs: NDArray[np.void]) -> Blocks:
        """AES-CTR xored into the group; returns the tags' mask, the block of counter 1."""
        count, rows = group.blocks.shape
        counters = empty_blocks(count + 1, rows)
        fields = counters.view(_COUNTER_BLOCK)
        fields["iv"] = ivs
        fields["counter"] = np.arange(1, count + 2, dtype=">u4")[:, None]
        stream = self._aes.encrypt(counters)
        xor_into(group.blocks, stream[1:])
        mask: Blocks = stream[0]
        return mask

    def _ghash(self, group: CellGroup) -> Blocks:
        """GHASH in its power form, sum of C_i * H^(m-i+1), by 16 byte-indexed tables a power.

        The tables are indexed by ciphertext, which is public: no access depends on a secret.
        """
        total = group.each(self._constant)
        for number, blocks in enumerate(group.blocks):
            table = self._table(len(group.blocks) - number + 1)
            for begin in range(0, group.rows, _LOOKED_UP):
                part = slice(begin, begin + _LOOKED_UP)
                places = np.ascontiguousarray(blocks[part].view(np.uint8).reshape(-1, BLOCK).T)
                products = table.take(places + _TABLES, mode="clip")
                xored = words(total[part])
                np.bitwise_xor(xored, np.bitwise_xor.reduce(words(products), axis=0), out=xored)
        return total

    def _constant(self, length: int) -> bytes:
        """GHASH of the context and the lengths' block: the same for all cells of a length."""
        total = self._raised(-(-length // BLOCK)) ^ self._lengths(len(self._context), length)
        return total.to_bytes(BLOCK, "big")

    def _raised_begin(self, blocks: int) -> int:
        """What the context adds, behind which come a cell's blocks and that of the lengths."""
        return _multiply(self._begin, self._power(blocks + 1)) if self._begin else 0

    def _lengths_hash(self, context: int, cell: int) -> int:
        """What the block of the lengths adds, both in bytes."""
        lengths = (context * 8).to_bytes(8, "big") + (cell * 8).to_bytes(8, "big")
        return _multiply(int.from_bytes(lengths, "big"), self._hash_key)

    def _power_of_hash_key(self, power: int) -> int:
        """Return H^power, from 1 on."""
        if power == 1:
            return self._hash_key
        half = power // 2
        return _multiply(self._power(half), self._power(power - half))

    def _power_table(self, power: int) -> Blocks:
        """Products with H^power of every byte at every place: 16 tables, 256 items each."""
        bits, value = [], self._power(power)
        for _ in range(8 * BLOCK):
            bits.append(value.to_bytes(BLOCK, "big"))
            value = _times_x(value)
        single = np.frombuffer(b"".join(bits), np.uint64).reshape(BLOCK, 8, 1, 2)
        table = np.zeros((BLOCK, 256, 2), np.uint64)
        for bit in range(8):
            low = 1 << bit
            table[:, low : 2 * low] = table[:, :low] ^ single[:, 7 - bit]
        return table.view("V16").reshape(-1)


def _random_bytes(size: int) -> bytes:
    """Return fresh bytes of OpenSSL's generator: NIST SP 800-90A, seeded by the system.

    The system's own takes 18 times as long, a thirtieth of the time to encrypt a file.
    """
    import ssl  # noqa: PLC0415  # 14 ms, which only encrypting sealed columns has to pay

    return ssl.RAND_bytes(size)


def _times_x(value: int) -> int:
    return (value >> 1) ^ (_REDUCTION if value & 1 else 0)


def _multiply(left: int, right: int) -> int:
    """Multiplication in GCM's GF(2^128): SP 800-38D, algorithm 1."""
    product = 0
    for bit in range(127, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = _times_x(right)
    return product
