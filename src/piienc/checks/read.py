"""Text read as numbers, dates and moments, all values at once.

What has not the form of the type becomes NaN or NaT, which is neither less nor more than anything.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from piienc.base.cells import numpy_of
from piienc.base.regex import whole
from piienc.checks import compute as pc
from piienc.checks.forms import OFFSET, TYPES
from piienc.checks.text import holds_any, matches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.datetime64]

_ARROW = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "decimal": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
# What Arrow reads beyond the form: 0x1F as an integer, nan(1) as a float.
_BEYOND = {"integer": b"xX", "float": b"(", "decimal": b"nN("}
_FIRST_DAY = np.datetime64("0001-01-01")
_TO_MINUTES = len("2000-01-01T00:00")
_PROBE = 100
_FINER = r"(\.[0-9]{6})[0-9]+"


def at_once(values: pa.Array, kind: str) -> NDArray[Any] | None:
    """Let Arrow read text: a quarter of the time that its form takes RE2.

    Args:
        values: dense, of type string or large_string.
        kind: integer, float, decimal, date or timestamp.

    Returns:
        int64, float64, datetime64[D] or datetime64[us]. None where Arrow cannot read all values,
        or may have read one that has not the form of the type.
    """
    if holds_any(values, _BEYOND.get(kind, b"")):
        return None
    parsed = _cast(values, _ARROW[kind])
    if parsed is None or parsed.dtype.kind != "M":
        return parsed
    if (parsed < _FIRST_DAY).any():  # year 0, which no calendar of ours has
        return None
    if kind == "timestamp":
        shortest = pc.call("min_max", pc.call("binary_length", values))["min"].as_py()
        if shortest is not None and shortest < _TO_MINUTES:  # Arrow reads days and hours, too
            return None
    return parsed


def numbers(values: pa.Array, kind: str) -> NDArray[Any]:
    """Read text as numbers.

    Args:
        values: dense, of type string or large_string.
        kind: integer, float or decimal.

    Returns:
        int64 where all values are integers of 64 bits; else float64, the nearest ones.
    """
    parsed = at_once(values, kind)
    if parsed is not None:
        return parsed
    mask = matches(values, whole(TYPES[kind][1]))
    nearest = np.full(len(values), np.nan)
    nearest[mask] = numpy_of(values.filter(pa.array(mask)).cast(pa.float64()))
    return nearest


def dates(values: pa.Array) -> Moments:
    """Read dense text as dates, datetime64[D]."""
    parsed = at_once(values, "date")
    return _where_fit(values, "date", "datetime64[D]") if parsed is None else parsed


def moments(values: pa.Array) -> Moments:
    """Read dense text as timestamps in UTC, datetime64[us], finer fractions cut off.

    A timestamp without an offset is taken to be in UTC.
    """
    parsed = at_once(values, "timestamp")
    return _where_fit(values, "timestamp", "datetime64[us]") if parsed is None else parsed


def moment(bound: date | datetime) -> np.datetime64:
    """Return a bound of a schema as what values are compared with."""
    if isinstance(bound, datetime) and bound.tzinfo is not None:
        bound = bound.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(bound)


def _where_fit(values: pa.Array, kind: str, unit: str) -> Moments:
    mask = matches(values, whole(TYPES[kind][1]))
    result = np.full(len(values), "NaT", unit)
    fitting = values.filter(pa.array(mask))
    result[mask] = numpy_of(fitting.cast(pa.date32())) if kind == "date" else _instants(fitting)
    return result


def _instants(values: pa.Array) -> Moments:
    zoned = matches(values, f"{OFFSET}$")
    result = np.empty(len(values), "datetime64[us]")
    for part, kind in ((zoned, pa.timestamp("us", "UTC")), (~zoned, pa.timestamp("us"))):
        texts = values.filter(pa.array(part))
        read = _cast(texts, kind)
        if read is None:  # a finer fraction, which Arrow does not cut off
            read = numpy_of(pc.replace_substring_regex(texts, _FINER, r"\1").cast(kind))
        result[part] = read
    return result


def _cast(values: pa.Array, kind: pa.DataType) -> NDArray[Any] | None:
    """Let Arrow read text as values of a type; None if some of it is none."""
    try:
        pc.cast(values[:_PROBE], kind)  # Arrow goes on after a failure, which takes long
        return numpy_of(pc.cast(values, kind))
    except pa.ArrowInvalid:
        return None
