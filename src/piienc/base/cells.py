"""Arrays of NumPy and Arrow: what is done with whole columns, whatever they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Places = NDArray[np.int64]
    Narrow = NDArray[np.int32]


def take(values: pa.Array, index: Places | Narrow) -> pa.Array:
    """Return the values at some places."""
    # Public as pyarrow.compute, which writes a wrapper for each of 300 functions: 25 ms a start.
    from pyarrow._compute import TakeOptions, call_function  # noqa: PLC0415  # see above

    # Of an array of NumPy's, pa.array() imports numpy.ma to see whether it is masked: 8 ms a start.
    kind = pa.int32() if index.dtype == np.int32 else pa.int64()
    frames = [None, pa.py_buffer(np.ascontiguousarray(index))]
    places = pa.Array.from_buffers(kind, len(index), frames)
    return call_function("take", [values, places], TakeOptions(boundscheck=False))


def windows(data: Bytes, width: int) -> NDArray[np.void]:
    """Look at a buffer as overlapping items of `width` bytes, one beginning at each byte."""
    count = max(0, len(data) - width + 1)
    return np.ndarray((count,), np.dtype((np.void, width)), data, 0, (1,))
