"""The functions of Arrow that rules and finders use.

They are public in pyarrow.compute, which writes a wrapper for each of 300 when it is imported:
25 ms of a start, which this module spares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow._compute import (
    CastOptions,
    DictionaryEncodeOptions,
    MatchSubstringOptions,
    ReplaceSubstringOptions,
    SetLookupOptions,
    TakeOptions,
    call_function,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def binary_length(values: pa.Array) -> pa.Array:
    """Return the bytes of each string."""
    return call_function("binary_length", [values])


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return values as those of another type.

    Raises:
        pyarrow.ArrowException: one has no like there.
    """
    return call_function("cast", [values], CastOptions.safe(kind))


def dictionary_encode(values: pa.Array) -> pa.Array:
    """Return the different values, and where they stand."""
    return call_function("dictionary_encode", [values], DictionaryEncodeOptions("mask"))


def take(values: pa.Array, places: NDArray[np.int64]) -> pa.Array:
    """Return the values at some places."""
    # pa.array() of an array of NumPy's imports numpy.ma, to see whether it is masked: 8 ms.
    frames = [None, pa.py_buffer(np.ascontiguousarray(places, np.int64))]
    index = pa.Array.from_buffers(pa.int64(), len(places), frames)
    return call_function("take", [values, index], TakeOptions(boundscheck=False))


def utf8_length(values: pa.Array) -> pa.Array:
    """Return the characters of each string."""
    return call_function("utf8_length", [values])


def utf8_lower(values: pa.Array) -> pa.Array:
    """Return the strings in small letters."""
    return call_function("utf8_lower", [values])


def greater(values: pa.Array, limit: object) -> pa.Array:
    """Tell which values are more than a limit."""
    return call_function("greater", [values, limit])


def less(values: pa.Array, limit: object) -> pa.Array:
    """Tell which values are less than a limit."""
    return call_function("less", [values, limit])


def invert(flags: pa.Array) -> pa.Array:
    """Turn each flag."""
    return call_function("invert", [flags])


def is_in(values: pa.Array, value_set: pa.Array) -> pa.Array:
    """Tell which values are in a set."""
    return call_function("is_in", [values], SetLookupOptions(value_set))


def least(values: pa.Array) -> pa.Scalar:
    """Return the least value; null if there is none."""
    return call_function("min_max", [values])["min"]


def match_substring_regex(values: pa.Array, pattern: str) -> pa.Array:
    """Tell which strings have a part that RE2 finds by a pattern."""
    return call_function("match_substring_regex", [values], MatchSubstringOptions(pattern))


def replace_substring_regex(values: pa.Array, pattern: str, replacement: str | bytes) -> pa.Array:
    """Replace what RE2 finds by a pattern."""
    options = ReplaceSubstringOptions(pattern, replacement)
    return call_function("replace_substring_regex", [values], options)
