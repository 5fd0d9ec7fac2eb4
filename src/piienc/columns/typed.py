"""Typed values as text that SQL can cast back, and back to exactly the type they had.

Integers in decimal; floats in the shortest form that reads back to the same bits; booleans
`true` and `false`; dates and times in ISO 8601 with the column's unit, timestamps of a zone
with their offset; decimals with their scale. Strings and bytes stay what they are.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from piienc.errors import InputError

_SOME_DAY = "1970-01-01"
_FIRST_DAY, _LAST_DAY = "0001-01-01", "9999-12-31"  # ISO 8601 has four digits for a year


def is_text(kind: pa.DataType) -> bool:
    """Tell whether cells of a type are encrypted as text; else as bytes."""
    return not _is_bytes(_inner(kind))


def to_cells(array: pa.Array, label: str) -> pa.Array:
    """Return a column's values as strings or bytes.

    Args:
        array: of any type that is not nested.
        label: what error messages call the column.

    Returns:
        An array of string, large_string, binary or large_binary, with the same nulls.

    Raises:
        InputError: the type has no text that reads back, or a value is out of its range.
    """
    kind = array.type
    if types.is_dictionary(kind):
        return to_cells(array.cast(kind.value_type), label)
    if types.is_string_view(kind):
        return array.cast(pa.large_string())
    if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return array.cast(pa.large_binary() if types.is_binary_view(kind) else pa.binary())
    if _is_bytes(kind) or types.is_string(kind) or types.is_large_string(kind):
        return array
    if types.is_float16(kind):
        return array.cast(pa.float32()).cast(pa.string())
    if types.is_timestamp(kind):
        return _timestamp_text(array, label)
    if types.is_date(kind):
        _require_years(array.cast(pa.date32()), label)
        return array.cast(pa.date32()).cast(pa.string())
    if types.is_duration(kind):
        return array.cast(pa.int64()).cast(pa.string())
    if types.is_decimal(kind):
        return _without_exponent(array.cast(pa.string()))
    if _casts(kind):
        return array.cast(pa.string())
    raise InputError(
        f"{label} has the type {kind}, which cannot be encrypted",
        hint="mark columns of plain values; flatten a nested column first",
    )


def from_cells(array: pa.Array, kind: pa.DataType, label: str) -> pa.Array:
    """Return decrypted cells as values of their original type.

    Args:
        array: string or binary cells, as `to_cells` made them.
        kind: the type to restore.
        label: what error messages call the column.

    Raises:
        InputError: a cell is no value of that type.
    """
    try:
        return _restored(array, kind)
    except pa.ArrowException:
        # Arrow's own message quotes the value.
        raise InputError(
            f"{label}: a decrypted cell is no {kind}",
            hint="correct the column's type in the schema",
        ) from None


def _restored(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if types.is_dictionary(kind):
        values = _restored(array, kind.value_type).dictionary_encode()
        return values.cast(kind)
    if types.is_float16(kind):
        return array.cast(pa.float32()).cast(kind)
    if types.is_timestamp(kind) and kind.tz is not None:
        return array.cast(pa.timestamp(kind.unit, "UTC")).cast(kind)
    if types.is_date64(kind):
        return array.cast(pa.date32()).cast(kind)
    if types.is_duration(kind):
        return array.cast(pa.int64()).cast(kind)
    if types.is_time(kind):
        # Arrow reads no text as a time of day, but as a timestamp.
        moment = pc.binary_join_element_wise(_SOME_DAY, array, "T")
        return moment.cast(pa.timestamp(kind.unit)).cast(kind)
    return array.cast(kind)


def _timestamp_text(array: pa.Array, label: str) -> pa.Array:
    zoned = array.type.tz is not None
    local = pc.local_timestamp(array) if zoned else array
    _require_years(local.cast(pa.date32(), safe=False), label)
    return pc.strftime(array, "%Y-%m-%dT%H:%M:%S" + ("%Ez" if zoned else ""))


def _without_exponent(text: pa.Array) -> pa.Array:
    """Spell out the decimals that Arrow writes like 1E-7."""
    short = pc.fill_null(pc.match_substring(text, "E"), False)  # noqa: FBT003  # a fill value
    if not pc.any(short).as_py():
        return text
    spelt = [format(Decimal(value), "f") for value in text.filter(short).to_pylist()]
    return pc.replace_with_mask(text, short, pa.array(spelt, pa.string()))


def _require_years(days: pa.Array, label: str) -> None:
    ends = pc.min_max(days)
    first, last = (pa.scalar(day).cast(pa.date32()) for day in (_FIRST_DAY, _LAST_DAY))
    if not ends["min"].is_valid:
        return
    if pc.less(ends["min"], first).as_py() or pc.greater(ends["max"], last).as_py():
        raise InputError(
            f"{label} holds a date outside of the years 1 to 9999",
            hint="ISO 8601 has no text for it that SQL reads back: correct or clear the value",
        )


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if types.is_dictionary(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _casts(kind: pa.DataType) -> bool:
    """Tell whether Arrow's own text of a type is the one that we promise."""
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_time(kind)
    )
