"""The functions of Arrow that rules and finders use.

They are public in pyarrow.compute, which writes a wrapper for each of 300 when it is imported:
25 ms of a start, which this module spares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow._compute import (
    CastOptions,
    DictionaryEncodeOptions,
    MatchSubstringOptions,
    ReplaceSubstringOptions,
    SetLookupOptions,
    call_function,
)

if TYPE_CHECKING:
    import pyarrow as pa


def call(function: str, *values: object) -> pa.Array:
    """Return what a function that needs no options makes of values."""
    return call_function(function, list(values))


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return values as those of another type.

    Raises:
        pyarrow.ArrowException: one has no like there.
    """
    return call_function("cast", [values], CastOptions.safe(kind))


def dictionary_encode(values: pa.Array) -> pa.Array:
    """Return the different values, and where they stand."""
    return call_function("dictionary_encode", [values], DictionaryEncodeOptions("mask"))


def is_in(values: pa.Array, value_set: pa.Array) -> pa.Array:
    """Tell which values are in a set."""
    return call_function("is_in", [values], SetLookupOptions(value_set))


def match_substring_regex(values: pa.Array, pattern: str) -> pa.Array:
    """Tell which strings have a part that RE2 finds by a pattern."""
    return call_function("match_substring_regex", [values], MatchSubstringOptions(pattern))


def replace_substring_regex(values: pa.Array, pattern: str, replacement: str | bytes) -> pa.Array:
    """Replace what RE2 finds by a pattern."""
    options = ReplaceSubstringOptions(pattern, replacement)
    return call_function("replace_substring_regex", [values], options)
