"""A value compared with its text by Python's own types: short and slow, to prove a run by."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from pyarrow import types

if TYPE_CHECKING:
    from collections.abc import Callable

_NAIVE = re.compile(r"(?P<whole>[^.]+)(\.(?P<fraction>\d{1,9}))?")
_ZONED = re.compile(_NAIVE.pattern + r"(?P<zone>Z|[+-]\d\d(:?\d\d)?)")
_BOOLEANS = {True: (b"true", b"1"), False: (b"false", b"0")}
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def is_value(text: bytes, value: pa.Scalar) -> bool:
    """Tell whether decrypted bytes say exactly the value of a Parquet cell.

    Args:
        text: as the cell was encrypted, here or elsewhere: ISO 8601, digits with leading zeros or
            not, or the bytes themselves.
        value: not null.
    """
    kind = value.type
    if types.is_dictionary(kind):
        return is_value(text, value.value)
    if isinstance(kind, pa.BaseExtensionType):
        expected = value.as_py()
        return (
            text == str(expected).encode()
            if isinstance(expected, UUID)
            else is_value(text, value.value)
        )
    reads = next((reads for fits, reads in _READERS if fits(kind)), None)
    try:
        return reads is not None and reads(text, value)
    except (ValueError, ArithmeticError):
        return False


def _bytes(text: bytes, value: pa.Scalar) -> bool:
    expected = value.as_py()
    return bool(text == (expected.encode() if isinstance(expected, str) else expected))


def _floating(text: bytes, value: pa.Scalar) -> bool:
    read, expected = float(text), float(value.as_py())
    if math.isnan(expected):
        return math.isnan(read)
    width = np.dtype(f"f{value.type.bit_width // 8}")
    return np.array(read).astype(width).tobytes() == np.array(expected).astype(width).tobytes()


def _timestamp(text: bytes, value: pa.Scalar) -> bool:
    zoned = value.type.tz is not None
    parts = (_ZONED if zoned else _NAIVE).fullmatch(text.decode())
    if parts is None:
        return False
    epoch = datetime(1970, 1, 1, tzinfo=UTC if zoned else None)  # naive if it is
    since = datetime.fromisoformat(parts["whole"] + (parts["zone"] if zoned else "")) - epoch
    seconds = since.days * 86_400 + since.seconds
    return _ticks(seconds, parts["fraction"] or "", value.type.unit) == int(value.value)


def _time(text: bytes, value: pa.Scalar) -> bool:
    whole, _, fraction = text.decode().partition(".")
    read = time.fromisoformat(whole)
    seconds = (read.hour * 60 + read.minute) * 60 + read.second
    return _ticks(seconds, fraction, value.type.unit) == int(value.value)


def _ticks(seconds: int, fraction: str, unit: str) -> int:
    """Return a time in units since the epoch, or since midnight."""
    per_second = _PER_SECOND[unit]
    return seconds * per_second + int(fraction.ljust(9, "0") or 0) * per_second // 10**9


def _is_bytes(kind: Any) -> bool:  # noqa: ANN401  # pyarrow ships no types
    text = kind in {pa.string(), pa.large_string(), pa.string_view()}
    binary = kind in {pa.binary(), pa.large_binary(), pa.binary_view()}
    return text or binary or bool(types.is_fixed_size_binary(kind))


_READERS: tuple[tuple[Callable[[Any], bool], Callable[[bytes, Any], bool]], ...] = (
    (_is_bytes, _bytes),
    (types.is_boolean, lambda text, value: text.lower() in _BOOLEANS[value.as_py()]),
    (types.is_integer, lambda text, value: int(text) == int(value.as_py())),
    (types.is_floating, _floating),
    (types.is_decimal, lambda text, value: bool(Decimal(text.decode()) == value.as_py())),
    (types.is_date, lambda text, value: bool(date.fromisoformat(text.decode()) == value.as_py())),
    (types.is_timestamp, _timestamp),
    (types.is_time, _time),
    (types.is_duration, lambda text, value: int(text) == int(value.value)),
)
"""For each kind of type, how its values are read from text."""
