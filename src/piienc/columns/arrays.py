"""Arrow arrays of strings and bytes, looked at as the strings of the core, and made of them."""

from __future__ import annotations

import pyarrow as pa

from piienc.core import Strings
from piienc.errors import InputError


def strings_of(array: pa.Array) -> Strings:
    """Return a string or binary array, large or not, without a copy where that can be."""
    if not len(array):
        return Strings.of([])
    if array.null_count and array.offset % 8:
        array = pa.concat_arrays([array.slice(0, 0), array])  # its bits begin within a byte
    wide, at = is_large(array.type), array.offset
    width = 8 if wide else 4
    validity, offsets, data = array.buffers()
    return Strings(
        len(array),
        memoryview(offsets)[at * width : (at + len(array) + 1) * width],
        memoryview(data) if data else b"",
        memoryview(validity)[at // 8 :] if array.null_count else None,
        wide,
    )


def array_of(strings: Strings, *, text: bool, large: bool) -> pa.Array:
    """Return strings as an array.

    Args:
        strings: any.
        text: whether they are UTF-8 text or bytes.
        large: whether the array's offsets are to have 64 bits.

    Raises:
        InputError: the strings need wider offsets.
    """
    kind = _type(large=strings.wide, text=text)
    buffers = [strings.validity, strings.offsets, strings.data]
    frames = [buffer if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
    array = pa.Array.from_buffers(kind, strings.count, frames)
    if strings.wide and not large:
        raise InputError(
            "a batch of one column grows over 2 GiB when encrypted",
            hint="write the Parquet file with smaller row groups, or as large_string",
        )
    return array if large == strings.wide else array.cast(_type(large=large, text=text))


def is_large(kind: pa.DataType) -> bool:
    """Tell whether a string or binary type has offsets of 64 bits."""
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _type(*, large: bool, text: bool) -> pa.DataType:
    if text:
        return pa.large_string() if large else pa.string()
    return pa.large_binary() if large else pa.binary()
