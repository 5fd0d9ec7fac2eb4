"""Arrays of NumPy and Arrow: what is done with whole columns, whatever they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def text_array(texts: Iterable[str]) -> pa.Array:
    """Return an array of strings.

    `pa.array` imports pandas, as `Array.to_numpy` does; see `numpy_of`.
    """
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    frames = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), frames)


def numpy_of(values: pa.Array) -> NDArray[Any]:
    """Return an array without nulls as NumPy has it.

    `Array.to_numpy` imports pandas wherever it is installed: a quarter of a second a start.
    """
    kind = values.type
    if pa.types.is_boolean(kind):
        return np.from_dlpack(values.cast(pa.uint8())).astype(np.bool_)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.from_dlpack(values)
    if pa.types.is_date32(kind):
        return np.from_dlpack(values.view(pa.int32())).astype("datetime64[D]")
    if pa.types.is_timestamp(kind):
        return np.from_dlpack(values.view(pa.int64())).view(f"datetime64[{kind.unit}]")
    others: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return others
