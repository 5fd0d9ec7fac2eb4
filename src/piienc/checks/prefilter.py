"""Which values are worth a look: a few operations on the bytes of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.checks.text import bytes_of, offsets_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

LEAST_DIGITS = 6
"""The digits that a match of every finder has that needs no certain character."""

_FEW = 2  # digits to a value, up to which it is quicker to look at each digit's place


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
