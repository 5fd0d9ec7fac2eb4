"""The values of Arrow arrays as plain Python values that can be compared, and read from text."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types

_PARTS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # of no zone, as the numbers are
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:([+-])(\d\d):(\d\d))?")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?")


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """Return values whose `repr` is equal where they are: times as integers, every NaN as one."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return values_of(pa.chunked_array([c.storage for c in column.chunks], kind.storage_type))
    if types.is_dictionary(kind):
        chunks = [chunk.dictionary_decode() for chunk in column.chunks]
        return values_of(pa.chunked_array(chunks, kind.value_type))
    if types.is_date32(kind) or types.is_time32(kind):
        return column.cast(pa.int32()).to_pylist()
    if types.is_temporal(kind) and not types.is_interval(kind):
        return column.cast(pa.int64()).to_pylist()
    return column.to_pylist()


def read_text(cell: bytes, kind: pa.DataType) -> Any:
    """Read what a decrypted cell holds, as `values_of` has it.

    Raises:
        ValueError: it is no text of that type.
    """
    if types.is_dictionary(kind):
        return read_text(cell, kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return read_text(cell, kind.storage_type)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return cell
    if types.is_fixed_size_binary(kind):
        return cell
    text = cell.decode()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return text
    return _typed(text, kind)


def _typed(text: str, kind: pa.DataType) -> Any:
    if types.is_integer(kind) or types.is_duration(kind):
        return int(text)
    if types.is_floating(kind):
        value = float(np.dtype(kind.to_pandas_dtype()).type(text))
        return math.nan if math.isnan(value) else value
    if types.is_boolean(kind):
        return {"true": True, "false": False}[text]
    if types.is_decimal(kind):
        return Decimal(text) if "E" not in text else text
    if types.is_date(kind):
        days = (date.fromisoformat(text) - date(1970, 1, 1)).days
        return days if types.is_date32(kind) else days * 86_400_000
    return _moment(text, kind)


def _moment(text: str, kind: pa.DataType) -> int:
    places = _PARTS[kind.unit]
    if types.is_time(kind):
        hours, minutes, seconds, part = _TIME.fullmatch(text).groups()
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    else:
        moment, part, sign, hours, minutes = _MOMENT.fullmatch(text).groups()
        if (sign is None) is not (kind.tz is None):
            raise ValueError(text)
        whole = (datetime.fromisoformat(moment) - _EPOCH) // timedelta(seconds=1)
        if sign:
            offset = int(hours) * 3600 + int(minutes) * 60
            whole += offset if sign == "-" else -offset
    if len(part or "") != places:
        raise ValueError(text)
    return whole * 10**places + int(part or 0)
