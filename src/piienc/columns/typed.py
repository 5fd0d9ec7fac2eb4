"""Typed values as text that SQL can cast back, and back to exactly the type they had.

Integers in decimal; floats in the shortest form that reads back to the same bits; booleans
`true` and `false`; dates and times in ISO 8601 with the column's unit, timestamps of a zone
with their offset; decimals with their scale; UUIDs in their usual form. Strings and bytes stay
what they are, and extension types are written as what they are stored as.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import types

from piienc.columns.uuids import is_uuid, text_of_uuids, uuids_of_text
from piienc.errors import InputError
from piienc.lazy import module

if TYPE_CHECKING:
    from collections.abc import Callable

    _There = Callable[[pa.Array], pa.Array]
    _Back = Callable[[pa.Array, pa.DataType], pa.Array]

pc = module("pyarrow.compute")  # 35 ms, which runs on CSV do without

_SOME_DAY = "1970-01-01"
_MOMENT = "%Y-%m-%dT%H:%M:%S"
_INFINITE = "(?i)^[+-]?inf"
_FOUR_DIGITS = "^(?:[1-9]...|0[1-9]..|00[1-9].|000[1-9])-"  # the years of ISO 8601 and SQL


def is_text(kind: pa.DataType) -> bool:
    """Tell whether cells of a type are encrypted as text; else as bytes."""
    return is_uuid(kind) or not _is_bytes(_inner(kind))


def to_cells(array: pa.Array, label: str) -> pa.Array:
    """Return a column's values as strings or bytes, from which they surely can be restored.

    Args:
        array: of any type that is not nested.
        label: what error messages call the column.

    Returns:
        An array of string, large_string, binary or large_binary, with the same nulls.

    Raises:
        InputError: the type, or one of the values, has no text that reads back: a year over
            9999, say.
    """
    kind = array.type
    if _is_cells(kind):
        return _valid(array, label)
    if not any(fits(_inner(kind)) for fits, _, _ in _FORMS):
        raise _refused(f"{label} has the type {kind}, which cannot be encrypted")
    try:
        cells = _written(array)
        same = _written(_restored(cells, kind)).equals(cells)
        if same and (not _is_dated(kind) or _has_years(cells)):
            return cells
    except (pa.ArrowException, NotImplementedError):
        pass  # Arrow's own message may quote a value.
    years = "a date outside of the years 1 to 9999, or " if _is_dated(kind) else ""
    raise _refused(f"{label} holds {years}a value that no text restores to the type {kind}")


def from_cells(array: pa.Array, kind: pa.DataType, label: str) -> pa.Array:
    """Return decrypted cells as values of their original type.

    Args:
        array: string or binary cells, as `to_cells` made them.
        kind: the type to restore.
        label: what error messages call the column.

    Raises:
        InputError: a cell is no value of that type.
    """
    with contextlib.suppress(pa.ArrowException, NotImplementedError, StopIteration):
        return _restored(array, kind)
    # Outside of the handler: Arrow's own message quotes the value, and would be the context.
    raise InputError(
        f"{label}: a decrypted cell is no {kind}",
        hint="correct the column's type in the schema; where none of its types fits, "
        'type = "string" keeps the text',
    )


def _valid(array: pa.Array, label: str) -> pa.Array:
    """Refuse a string column with bytes that are not UTF-8, which Parquet does not prevent."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raise InputError(
            f"{label} is of type {array.type}, but holds bytes that are not UTF-8",
            hint="write the column as binary, or mend the text",
        ) from None
    return array


def _written(array: pa.Array) -> pa.Array:
    return next(write for fits, write, _ in _FORMS if fits(array.type))(array)


def _restored(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return next(read for fits, _, read in _FORMS if fits(kind))(array, kind)


def _by(kind: pa.DataType) -> _There:
    """Make text by way of another type, which Arrow writes as we promise."""
    return lambda array: _written(array.cast(kind))


def _text(array: pa.Array) -> pa.Array:
    return array.cast(pa.string())


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array.cast(kind)


def _floats(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Restore floats; what is too large for the type is none, though Arrow reads it as infinite."""
    # Arrow reads no text as a float of 16 bits.
    values = array.cast(pa.float32() if types.is_float16(kind) else kind).cast(kind)
    infinite = array.filter(pc.is_inf(values.cast(pa.float64())))
    if pc.any(pc.invert(pc.match_substring_regex(infinite, _INFINITE))).as_py():
        raise pa.ArrowInvalid(f"a value that is too large for {kind}")
    return values


def _cast_by(between: pa.DataType) -> _Back:
    return lambda array, kind: array.cast(between).cast(kind)


def _dictionary(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return _restored(array, kind.value_type).dictionary_encode().cast(kind)


def _storage_text(array: pa.Array) -> pa.Array:
    return text_of_uuids(array.storage) if is_uuid(array.type) else _written(array.storage)


def _extended(array: pa.Array, kind: pa.DataType) -> pa.Array:
    storage = uuids_of_text(array) if is_uuid(kind) else _restored(array, kind.storage_type)
    return pa.ExtensionArray.from_storage(kind, storage)


def _decimal_text(array: pa.Array) -> pa.Array:
    """Write decimals out, also those that Arrow writes like 1E-7."""
    text = array.cast(pa.string())
    short = pc.fill_null(pc.match_substring(text, "E"), False)  # noqa: FBT003  # a fill value
    if not pc.any(short).as_py():
        return text
    spelt = [format(Decimal(value), "f") for value in text.filter(short).to_pylist()]
    return pc.replace_with_mask(text, short, pa.array(spelt, pa.string()))


def _time(array: pa.Array, kind: pa.DataType) -> pa.Array:
    # Arrow reads no text as a time of day, but as a timestamp.
    moment = pc.binary_join_element_wise(_SOME_DAY, array.cast(pa.string()), "T")
    return moment.cast(pa.timestamp(kind.unit)).cast(kind)


def _timestamp_text(array: pa.Array) -> pa.Array:
    kind = array.type
    if kind.tz is None:
        return pc.strftime(array, _MOMENT)
    text = pc.strftime(array, _MOMENT + "%Ez")
    # ISO 8601 has no seconds in an offset, as zones had before 1972: those are told in UTC.
    cut = pc.not_equal(_timestamp(text, kind).cast(pa.int64()), array.cast(pa.int64()))
    if not pc.any(cut).as_py():
        return text
    utc = pc.strftime(array.cast(pa.timestamp(kind.unit, "UTC")), _MOMENT + "%Ez")
    return pc.if_else(cut, utc, text)


def _timestamp(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind.tz is None:
        return array.cast(kind)
    return array.cast(pa.timestamp(kind.unit, "UTC")).cast(kind)


def _refused(what: str) -> InputError:
    return InputError(
        what, hint="mark columns of plain values only, and correct or clear what is out of range"
    )


def _has_years(cells: pa.Array) -> bool:
    """Tell whether all dates have a year that ISO 8601 and SQL know."""
    odd = pc.invert(pc.match_substring_regex(cells, _FOUR_DIGITS))
    return not pc.any(odd).as_py()


def _is_dated(kind: pa.DataType) -> bool:
    return bool(types.is_date(kind) or types.is_timestamp(kind))


def _inner(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values that a dictionary or an extension type is about."""
    if types.is_dictionary(kind):
        return _inner(kind.value_type)
    return _inner(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    kinds = {pa.binary(), pa.large_binary(), pa.binary_view()}
    return kind in kinds or bool(types.is_fixed_size_binary(kind))


def _is_cells(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string(), pa.binary(), pa.large_binary()}


_FORMS: tuple[tuple[Callable[[pa.DataType], bool], _There, _Back], ...] = (
    (_is_cells, lambda array: array, _cast),
    (types.is_dictionary, lambda array: _written(array.dictionary_decode()), _dictionary),
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _storage_text, _extended),
    (types.is_string_view, _by(pa.large_string()), _cast),
    (types.is_binary_view, _by(pa.large_binary()), _cast),
    (types.is_fixed_size_binary, _by(pa.binary()), _cast),
    (types.is_integer, _text, _cast),
    (types.is_float16, _by(pa.float32()), _floats),
    (types.is_floating, _text, _floats),
    (types.is_boolean, _text, _cast),
    (types.is_decimal, _decimal_text, _cast),
    (types.is_date64, _by(pa.date32()), _cast_by(pa.date32())),
    (types.is_date, _text, _cast),
    (types.is_timestamp, _timestamp_text, _timestamp),
    (types.is_time, _text, _time),
    (types.is_null, _text, lambda array, _: pa.nulls(len(array))),
    (types.is_duration, _by(pa.int64()), _cast_by(pa.int64())),
)
"""For each kind of type: whether a type is one, its way to cells, and the way back."""
