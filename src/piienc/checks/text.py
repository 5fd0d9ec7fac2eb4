"""Arrays of text: their bytes, which values are worth a look, and regular expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from piienc.base.cells import numpy_of
from piienc.checks import compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Offsets = NDArray[np.int32] | NDArray[np.int64]
    Rows = NDArray[np.int64]

LEAST_DIGITS = 6
"""The digits that a match of every finder has that needs no certain character."""

_FEW = 2  # digits to a value, up to which it is quicker to look at each digit's place


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


def matches(values: pa.Array, expression: str) -> Mask:
    """Tell which values hold a match of an RE2 expression."""
    return numpy_of(pc.match_substring_regex(values, expression))


def outside(values: NDArray[Any], limit: object, *, above: bool) -> Mask:
    """Tell what lies above a limit, or else below it; NaN and NaT do neither."""
    mask: Mask = values > limit if above else values < limit
    return mask


def per_distinct(values: pa.Array, judge: Callable[[Any], object]) -> Mask:
    """Ask about each distinct value once, and tell which values had the answer yes."""
    encoded = values.dictionary_encode()
    answers = [bool(judge(value)) for value in encoded.dictionary.to_pylist()]
    mask: Mask = np.array(answers, np.bool_)[numpy_of(encoded.indices)]
    return mask


def rows_with(values: pa.Array, mark: str) -> Rows:
    """Return the rising indices of the values that hold a character of ASCII.

    Where many of the values may, all of them are returned: to know better is not worth it.
    """
    places = np.flatnonzero(bytes_of(values) == ord(mark))
    if len(places) * 4 > len(values):
        return np.arange(len(values))
    return np.unique(_rows_of(places, values))


def rows_with_digits(values: pa.Array) -> Rows:
    """Return the rising indices of the values with six digits or more.

    Where most bytes are digits, all of them are returned: to know better is not worth it.
    """
    digits = (bytes_of(values) - np.uint8(ord("0"))) < 10  # noqa: PLR2004  # the digits of ASCII
    count = np.count_nonzero(digits)
    lengths = np.diff(offsets_of(values))
    if count < LEAST_DIGITS or lengths.max() < LEAST_DIGITS:
        return np.empty(0, np.int64)
    if 2 * count > len(digits):
        return np.arange(len(values))
    if count <= _FEW * len(values):
        return _around_digits(values, np.flatnonzero(digits), int(lengths.max()))
    offsets = offsets_of(values) - offsets_of(values)[0]
    filled = np.flatnonzero(lengths)  # reduceat knows no empty ranges
    counts = np.add.reduceat(digits.view(np.uint8), offsets[filled])
    return filled[counts >= LEAST_DIGITS]


def _around_digits(values: pa.Array, places: Rows, longest: int) -> Rows:
    """Find the values in which a digit and the fifth one behind it stand."""
    span = LEAST_DIGITS - 1
    near = np.flatnonzero(places[span:] - places[:-span] < longest)
    first, last = _rows_of(places[near], values), _rows_of(places[near + span], values)
    return np.unique(first[first == last])


def _rows_of(places: Rows, values: pa.Array) -> Rows:
    """Return the value in which each byte stands."""
    offsets = offsets_of(values)
    own = (places + offsets[0]).astype(offsets.dtype)
    rows: Rows = np.searchsorted(offsets, own, "right") - 1
    return rows
