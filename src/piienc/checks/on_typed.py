"""The rules on typed values, as Parquet has them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from piienc.base.cells import numpy_of, text_array
from piienc.checks import compute as pc
from piienc.checks import read
from piienc.checks.on_text import exact
from piienc.checks.text import is_text, outside, per_distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from piienc.checks.text import Mask

    Bound = int | float | date

_FITTING: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "string": (is_text,),
    "integer": (types.is_integer,),
    "float": (types.is_floating,),
    "boolean": (types.is_boolean,),
    "date": (types.is_date,),
    "timestamp": (types.is_timestamp,),
    "decimal": (types.is_decimal,),
    "binary": (
        types.is_binary,
        types.is_large_binary,
        types.is_binary_view,
        types.is_fixed_size_binary,
    ),
}
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MICROSECONDS = 10**6


def fits(kind: pa.DataType, column_type: str) -> bool:
    """Tell whether an Arrow type can be a schema's type; null, which has no values, can be any."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_null(kind) or any(one(kind) for one in _FITTING[column_type])


def beyond(values: pa.Array, bound: Bound, *, above: bool) -> Mask:
    """Tell which values lie above a bound, or else below it."""
    kind = values.type
    if types.is_decimal(kind):
        return _decimals_beyond(values, bound, above=above)
    if not isinstance(bound, date):
        return outside(numpy_of(values), bound, above=above)
    if types.is_timestamp(kind):
        microseconds = int(read.moment(bound).astype("datetime64[us]").astype(np.int64))
        here = _A_SECOND[kind.unit]
        # Between two values of a coarser unit, a bound is as good as the nearer inner one.
        exactly = microseconds * here
        limit = exactly // _MICROSECONDS if above else -(-exactly // _MICROSECONDS)
        return outside(_ticks(values), limit, above=above)
    return outside(numpy_of(values.cast(pa.date32())), read.moment(bound), above=above)


def not_in(values: pa.Array, column_type: str, allowed: Sequence[Any]) -> Mask:
    """Tell which values, of an Arrow type that fits a schema's, are not among the allowed ones."""
    kind = values.type
    if types.is_timestamp(kind):
        return ~np.isin(_ticks(values), _known_ticks(allowed, kind.unit))
    if types.is_decimal(kind):
        numbers = {exact(value) for value in allowed}
        return per_distinct(values, lambda value: value not in numbers)
    if types.is_date(kind):
        values, kind = values.cast(pa.date32()).cast(pa.string()), pa.string()
    elif column_type == "binary":
        values, kind = values.cast(pa.large_binary()), pa.large_binary()
        allowed = [value.encode() for value in allowed]
    elif types.is_floating(kind):
        return ~np.isin(numpy_of(values), np.array(allowed, kind.to_pandas_dtype()))
    elif types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        allowed = [value for value in allowed if limits.min <= value <= limits.max]
    return ~numpy_of(pc.is_in(values, pa.array(allowed, kind)))


def _decimals_beyond(values: pa.Array, bound: Any, *, above: bool) -> Mask:  # noqa: ANN401  # Decimal's
    limit = exact(bound)
    try:
        return numpy_of(pc.call("greater" if above else "less", values, pa.scalar(limit)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # more digits than both have room for
        numbers = values.to_pylist()
        return outside(np.array(numbers, np.object_), limit, above=above).astype(np.bool_)


def _known_ticks(allowed: Sequence[str], unit: str) -> NDArray[np.int64]:
    moments = read.moments(text_array(map(str, allowed)))
    exactly = moments[~np.isnat(moments)].astype(np.int64).tolist()
    return np.array(
        [
            ticks // _MICROSECONDS
            for ticks in (one * _A_SECOND[unit] for one in exactly)
            if ticks % _MICROSECONDS == 0 and abs(ticks // _MICROSECONDS) < 1 << 63
        ],
        np.int64,
    )


def _ticks(values: pa.Array) -> NDArray[np.int64]:
    return numpy_of(values.cast(pa.int64()))
