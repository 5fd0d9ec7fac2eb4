"""Records of fixed width, cut into buckets by a fingerprint: flat memory at any number.

They stand in memory as long as they are few. Beyond, they go to a file without a name. It holds
nothing but fingerprints under a key that dies with the run, and row numbers.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from piienc.base.files import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

IN_MEMORY = 8 << 20  # bytes of records that are held before they are written
_BITS = 8
_COUNT = 1 << _BITS  # so a bucket of a thousand million records of 24 bytes takes 100 MB
_FOLDER = "the folder for temporary files"

# Knuth's multiplicative hashing, by the golden ratio of 64 bits: fingerprints may be characters
# of base64, which do not use all bits.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Buckets:
    """Records with a field `high`, uint64, by which they are cut.

    Use them as a context: at its end, they and their file are gone.
    """

    def __init__(self, kind: np.dtype[np.void]) -> None:
        self._kind = kind
        self._held: list[NDArray[np.void]] = []
        self._count = self._size = 0
        self._file: BinaryIO | None = None
        self._parts: list[list[tuple[int, int]]] = [[] for _ in range(_COUNT)]

    @property
    def cut(self) -> bool:
        """Whether there are many buckets; else one holds all."""
        return self._file is not None

    def add(self, records: NDArray[np.void]) -> None:
        """Add records.

        Raises:
            IncompleteError: the folder for temporary files is full.
        """
        self._held.append(records)
        self._count += len(records)
        if self._count * self._kind.itemsize > IN_MEMORY:
            self.spill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held = []
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        """Yield the buckets: equal records stand in the same one, in the order of adding."""
        if self._file is None:
            yield self._together()
            return
        self.spill()
        for parts in self._parts:
            with translated(_FOLDER):
                pieces = [os.pread(self._file.fileno(), size, at) for at, size in parts]
            yield np.frombuffer(b"".join(pieces), self._kind)

    def spill(self) -> None:
        """Write the records in memory to the file, cut into buckets.

        Raises:
            IncompleteError: the folder for temporary files is full.
        """
        records = self._together()
        self._held, self._count = [], 0
        bucket = ((records["high"] * _GOLDEN) >> np.uint64(64 - _BITS)).astype(np.uint8)
        order = bucket.argsort(kind="stable")
        sizes = np.bincount(bucket, minlength=_COUNT) * self._kind.itemsize
        with translated(_FOLDER):
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  # until the context ends
            self._file.write(records[order].tobytes())
            self._file.flush()
        for parts, size in zip(self._parts, sizes.tolist(), strict=True):
            parts.append((self._size, size))
            self._size += size

    def _together(self) -> NDArray[np.void]:
        return np.concatenate([np.empty(0, self._kind), *self._held])
