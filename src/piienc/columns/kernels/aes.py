"""Bulk AES: the one primitive of the kernels, and XOR over whole arrays of blocks.

A block is 16 bytes, an array of blocks a NumPy array of dtype `V16`, contiguous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 16
"""Bytes in a block of AES: FIPS 197."""

Blocks = np.ndarray[Any, np.dtype[np.void]]
"""An array of 16-byte blocks, dtype `V16`."""

_BLOCK_DTYPE = np.dtype("V16")


def empty_blocks(*shape: int) -> Blocks:
    """Return an uninitialised array of blocks."""
    return np.empty(shape, _BLOCK_DTYPE)


def constant_blocks(blocks: list[bytes]) -> Blocks:
    """Return an array of the given 16-byte strings."""
    return np.frombuffer(b"".join(blocks), _BLOCK_DTYPE)


def words(blocks: Blocks) -> NDArray[np.uint64]:
    """Look at blocks as 64-bit words, two to a block, in memory order."""
    return blocks.view(np.uint64)


def xor_into(target: Blocks, other: Blocks) -> None:
    """XOR `other` into `target`, block by block."""
    flat = words(target)
    np.bitwise_xor(flat, words(other), out=flat)


class BulkAes:
    """AES-ECB over whole arrays of blocks: not a mode to protect data with, but its engine."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # the primitive only

    def encrypt(self, blocks: Blocks) -> Blocks:
        """Return each block encrypted on its own; any shape, one call into OpenSSL."""
        # OpenSSL's contract for update_into: one block more than the input, less a byte.
        room = np.empty(blocks.size + 1, _BLOCK_DTYPE)
        plain, out = np.ascontiguousarray(blocks).view(np.uint8).reshape(-1), room.view(np.uint8)
        self._cipher.encryptor().update_into(plain.data, out.data)
        return room[:-1].reshape(blocks.shape)

    def encrypt_block(self, block: bytes) -> bytes:
        """Return one block encrypted."""
        return self.encrypt(np.frombuffer(block, _BLOCK_DTYPE)).tobytes()
