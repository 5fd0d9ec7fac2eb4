"""The rules on text: on the columns of CSV files whatever their type, and on strings of Parquet."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import numpy as np

from piienc.base.cells import numpy_of, take, text_array
from piienc.base.regex import whole
from piienc.checks import compute as pc
from piienc.checks import read
from piienc.checks.forms import CODES, FORMATS, MAX_EMAIL, MAX_LOCAL, TYPES
from piienc.checks.text import matches, outside, per_distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from piienc.checks.text import Mask

    Bound = int | float | date


_INT64 = 1 << 63


def not_of_type(values: pa.Array, kind: str) -> Mask:
    """Tell which values have not the form of a type."""
    if kind != "boolean" and read.at_once(values, kind) is not None:
        return np.zeros(len(values), np.bool_)
    return ~matches(values, whole(TYPES[kind][1]))


def not_of_format(values: pa.Array, form: str) -> Mask:
    """Tell which values have not a well-known form."""
    if form in CODES:
        return ~_is_in(values, CODES[form][1])
    misses = ~matches(values, whole(FORMATS[form][1]))
    if form == "email":
        misses |= _too_long(values)
    return misses


def longer(values: pa.Array, most: int) -> Mask:
    """Tell which values have more characters than are allowed."""
    return numpy_of(pc.call("greater", pc.call("utf8_length", values), most))


def beyond(values: pa.Array, kind: str, bound: Bound, *, above: bool) -> Mask:
    """Tell which values of those that are of the type lie above a bound, or else below it."""
    if isinstance(bound, date):
        times = read.dates(values) if kind == "date" else read.moments(values)
        return outside(times, read.moment(bound), above=above)
    parsed = read.numbers(values, kind)
    misses = outside(parsed, bound, above=above)
    if parsed.dtype == np.float64 and kind != "float":
        # The nearest floats are in the order of the numbers, but may be equal where they are not.
        near = np.flatnonzero(parsed == float(bound))
        limit = exact(bound)
        misses[near] = per_distinct(
            take(values, near), lambda value: _lies_beyond(value, limit, above=above)
        )
    return misses


def not_in(values: pa.Array, kind: str, allowed: Sequence[Any]) -> Mask:
    """Tell which values, of those that are of the type, are not among the allowed ones."""
    if kind == "boolean":
        lower = pc.call("utf8_lower", values)
        return _is_in(lower, {str(not value).lower() for value in allowed}) & ~_is_in(
            lower, {str(value).lower() for value in allowed}
        )
    misses = ~_is_in(values, [str(value) for value in allowed])
    if kind in ("string", "binary"):
        return misses
    rest = np.flatnonzero(misses)
    misses[rest] = _differ(take(values, rest), kind, allowed)
    return misses


def exact(value: object) -> Decimal:
    """Return a number as it was written; a float by its shortest form."""
    return Decimal(str(value))


def _differ(values: pa.Array, kind: str, allowed: Sequence[Any]) -> Mask:
    """Tell which values of a type are equal to none that are allowed, however they are written."""
    if kind == "date":
        return ~not_of_type(values, kind)
    if kind == "timestamp":
        parsed = read.moments(values)
        allowed_moments = read.moments(text_array(map(str, allowed)))
        return ~np.isnat(parsed) & ~np.isin(parsed, allowed_moments[~np.isnat(allowed_moments)])
    parsed = read.numbers(values, kind)
    if parsed.dtype == np.int64:
        return ~np.isin(parsed, [value for value in allowed if -_INT64 <= value < _INT64])
    differs = ~np.isin(parsed, [float(value) for value in allowed])
    unread = np.flatnonzero(np.isnan(parsed))
    differs[unread] = ~not_of_type(take(values, unread), kind)
    if kind != "float":
        near, numbers = np.flatnonzero(~differs & ~np.isnan(parsed)), {*map(exact, allowed)}
        differs[near] = per_distinct(
            take(values, near), lambda value: _number(value) not in numbers
        )
    return differs


def _number(value: str) -> Decimal | None:
    try:
        return Decimal(value)
    except InvalidOperation:  # an exponent of more than 18 digits
        return None


def _lies_beyond(value: str, limit: Decimal, *, above: bool) -> bool:
    number = _number(value)
    if number is None:
        return False
    return number > limit if above else number < limit


def _is_in(values: pa.Array, allowed: Sequence[str] | set[str] | frozenset[str]) -> Mask:
    return numpy_of(pc.is_in(values, text_array(sorted(allowed)).cast(values.type)))


def _too_long(values: pa.Array) -> Mask:
    misses = np.zeros(len(values), np.bool_)
    long = np.flatnonzero(numpy_of(pc.call("binary_length", values)) > MAX_LOCAL)
    texts = take(values, long).to_pylist()
    misses[long] = [
        len(text) > MAX_EMAIL or len(text.partition("@")[0]) > MAX_LOCAL for text in texts
    ]
    return misses
