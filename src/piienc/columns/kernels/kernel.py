"""One kernel for each mode, held against OpenSSL before its first use."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from piienc.base.cells import SPARE, Cells
from piienc.columns.kernels.aes import BLOCK
from piienc.columns.kernels.gcm import GcmKernel
from piienc.columns.kernels.groups import groups
from piienc.columns.kernels.siv import SivKernel
from piienc.errors import PiiencError
from piienc.keys import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.columns.kernels.aes import Blocks
    from piienc.columns.kernels.groups import CellGroup
    from piienc.keys import Key

_CHECKED_LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 64, 100)


class Kernel(Protocol):
    """An AEAD over groups of cells, with OpenSSL's own for the cells too long for tables."""

    head: int
    tail: int
    longest: int

    def seal(self, group: CellGroup) -> tuple[NDArray[np.void], Blocks | None]:
        """Encrypt a group in place; return what stands before and behind each cell.

        What lies behind a cell in its last block stays zero.
        """

    def open(
        self, group: CellGroup, head: NDArray[np.void], tail: Blocks | None
    ) -> NDArray[np.bool_]:
        """Decrypt a group in place and tell which cells are authentic."""

    def seal_one(self, cell: bytes) -> bytes:
        """Encrypt one cell by OpenSSL."""

    def open_one(self, sealed: bytes) -> bytes | None:
        """Decrypt one cell by OpenSSL; None if it is not authentic."""

    def in_context(self, context: bytes) -> Kernel:
        """Return a kernel of the same key for another context.

        Only one block depends on the context: the prefix of SIV, the beginning of GHASH.
        """


class Kernels:
    """The kernels of a run: each is made once, and then serves all its files; safe between threads.

    To make one and to hold it against OpenSSL takes 15 ms: as long as 100,000 cells. So that is
    done once for a key. A further context is one block more, and a single cell shows all its bits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[int, tuple[Key, Kernel]] = {}
        self._made: dict[tuple[int, bytes], Kernel] = {}

    def of(self, mode: Mode, key: Key, context: bytes) -> Kernel:
        """Return the kernel of a key, this very object, and a context.

        Raises:
            PiiencError: see `make_kernel`.
        """
        with self._lock:  # so that no two threads make the same
            place = id(key), context  # the key is kept, so no other gets its id
            if place not in self._made:
                self._made[place] = self._make(mode, key, context)
            return self._made[place]

    def _make(self, mode: Mode, key: Key, context: bytes) -> Kernel:
        if id(key) not in self._keys:
            self._keys[id(key)] = key, make_kernel(mode, key, context)
            return self._keys[id(key)][1]
        kernel = self._keys[id(key)][1].in_context(context)
        data = os.urandom(BLOCK)
        for group in _groups(data, [BLOCK]):
            _sealed(kernel, group, data)
        return kernel


def make_kernel(mode: Mode, key: Key, context: bytes) -> Kernel:
    """Make the kernel of a key and a context, and hold it against OpenSSL.

    Raises:
        PiiencError: the kernel and OpenSSL disagree on this machine; nothing was encrypted.
    """
    kinds: dict[Mode, Callable[[bytes, bytes], Kernel]] = {
        Mode.SEARCHABLE: SivKernel,
        Mode.SEALED: GcmKernel,
    }
    kernel = kinds[mode](key.material.reveal(), context)
    _check(kernel)
    return kernel


def _check(kernel: Kernel) -> None:
    """Encrypt cells of a handful of lengths, have OpenSSL decrypt them, and try to forge some."""
    data = os.urandom(max(_CHECKED_LENGTHS))
    for group in _groups(data, _CHECKED_LENGTHS):
        plain = group.blocks.copy()
        head, tail = _sealed(kernel, group, data)
        if not kernel.open(group, head, tail).all() or (group.blocks != plain).any():
            raise _disagreement()
        head, tail = kernel.seal(group)
        forged = head.copy()
        forged.view(np.uint8)[:: head.itemsize] ^= 1
        if kernel.open(group, forged, tail).any():
            raise _disagreement()


def _groups(data: bytes, lengths: Sequence[int]) -> Iterator[CellGroup]:
    """Return cells of some lengths, each of them the beginning of `data`."""
    sizes = np.array(lengths)
    buffer = np.frombuffer(data + bytes(SPARE), np.uint8)
    return (group for _, group in groups(Cells(buffer, np.zeros_like(sizes), sizes)))


def _sealed(
    kernel: Kernel, group: CellGroup, data: bytes
) -> tuple[NDArray[np.void], Blocks | None]:
    """Encrypt a group in place, and have OpenSSL decrypt its cells."""
    head, tail = kernel.seal(group)
    for row, run in enumerate(group.runs):
        sealed = head[row].tobytes() + group.blocks[:, row].tobytes()[: run.length]
        if tail is not None:
            sealed += tail[row].tobytes()
        if kernel.open_one(sealed) != data[: run.length]:
            raise _disagreement()
    return head, tail


def _disagreement() -> PiiencError:
    return PiiencError("the encryption kernel disagrees with OpenSSL on this machine")
