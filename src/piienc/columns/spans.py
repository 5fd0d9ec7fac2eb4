"""Strings of the core, looked at by NumPy: what a verification computes with whole columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.base.cells import windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.base.cells import Bytes, Places
    from piienc.core import Strings


class Spans(Struct, frozen=True):
    """Where strings stand that are not null.

    Attributes:
        data: uint8.
        rows: int64, their numbers, rising.
        starts: int64, where each begins.
        lengths: int64, the bytes of each.
    """

    data: Bytes
    rows: Places
    starts: Places
    lengths: Places

    @classmethod
    def of(cls, strings: Strings) -> Spans:
        """Find them."""
        offsets = np.frombuffer(strings.offsets, np.int64 if strings.wide else np.int32)
        lengths = np.diff(offsets[: strings.count + 1]).astype(np.int64)
        rows = np.arange(strings.count)
        if strings.validity is not None:
            bits = np.frombuffer(strings.validity, np.uint8)
            rows = np.flatnonzero(np.unpackbits(bits, count=strings.count, bitorder="little"))
        data = np.frombuffer(strings.data, np.uint8)
        return cls(data, rows, offsets[rows].astype(np.int64), lengths[rows])

    def take(self, index: Places | NDArray[np.bool_]) -> Spans:
        """Return some of them."""
        return Spans(self.data, self.rows[index], self.starts[index], self.lengths[index])

    def pieces(self, begin: int | Places, width: int) -> NDArray[np.void]:
        """Return so many bytes of each, from a place in it on; all of them are there.

        Args:
            begin: the place, or that of each.
            width: how many bytes.
        """
        found: NDArray[np.void] = windows(self.data, width)[self.starts + begin]
        return found
