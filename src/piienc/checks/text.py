"""Arrays of text: their bytes, and regular expressions on all of their values at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from piienc.checks import compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Offsets = NDArray[np.int32] | NDArray[np.int64]


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is one of Arrow's types of text."""
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def bytes_of(values: pa.Array) -> NDArray[np.uint8]:
    """Return the bytes of all values of a dense string or large_string array, as one."""
    offsets = offsets_of(values)
    data = values.buffers()[2]
    first, last = int(offsets[0]), int(offsets[-1])
    if first == last:
        return np.empty(0, np.uint8)
    return np.frombuffer(data, np.uint8, last - first, first)


def offsets_of(values: pa.Array) -> Offsets:
    """Return where the values of a string or large_string array begin and end in its buffer."""
    if not len(values):
        return np.zeros(1, np.int32)
    width = np.int64 if types.is_large_string(values.type) else np.int32
    offsets: Any = np.frombuffer(values.buffers()[1], width)
    own: Offsets = offsets[values.offset : values.offset + len(values) + 1]
    return own


def holds_any(values: pa.Array, marks: bytes) -> bool:
    """Tell whether one of some ASCII characters stands in any value."""
    data = bytes_of(values).tobytes()
    return any(data.find(mark) >= 0 for mark in marks)


def numpy_of(values: pa.Array) -> NDArray[Any]:
    """Return a dense array as numpy has it."""
    plain: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return plain


def mask_of(flags: pa.Array) -> Mask:
    """Return a dense boolean array as a mask."""
    return numpy_of(flags)


def matches(values: pa.Array, expression: str) -> Mask:
    """Tell which values hold a match of an RE2 expression."""
    return mask_of(pc.match_substring_regex(values, expression))


def outside(found: NDArray[Any], limit: object, *, above: bool) -> Mask:
    """Tell what lies above a limit, or else below it; NaN and NaT do neither."""
    mask: Mask = found > limit if above else found < limit
    return mask


def per_distinct(values: pa.Array, judge: Callable[[Any], object]) -> Mask:
    """Ask about each distinct value once, and tell which values had the answer yes."""
    encoded = values.dictionary_encode()
    answers = [bool(judge(value)) for value in encoded.dictionary.to_pylist()]
    mask: Mask = np.array(answers, np.bool_)[encoded.indices.to_numpy()]
    return mask
