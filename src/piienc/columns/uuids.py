"""UUIDs as text that SQL casts back, and back to their 16 bytes: whole columns at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from piienc.base.cells import numpy_of

_BYTES, _DIGITS, _TEXT = 16, 32, 36  # of one UUID: as bytes, in hex, and with hyphens
_HYPHENS = [8, 13, 18, 23]
_AT = np.delete(np.arange(_TEXT), _HYPHENS)  # where the digits stand
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_NO_DIGIT = 255
_VALUES = np.full(256, _NO_DIGIT, np.uint8)
_VALUES[_HEX] = np.arange(16)


def is_uuid(kind: pa.DataType) -> bool:
    """Tell whether a type is that of UUIDs."""
    return isinstance(kind, pa.UuidType)


def text_of_uuids(array: pa.Array) -> pa.Array:
    """Return UUIDs, 16 bytes of fixed-size binary each, in the form of RFC 9562, in lower case."""
    filled = _filled(array, bytes(_BYTES))
    data = np.frombuffer(filled.buffers()[1] or b"", np.uint8)
    octets = data[_BYTES * filled.offset :][: _BYTES * len(filled)].reshape(-1, _BYTES)
    text = np.full((len(filled), _TEXT), ord("-"), np.uint8)
    text[:, _AT[0::2]], text[:, _AT[1::2]] = _HEX[octets >> 4], _HEX[octets & 15]
    uuids = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_TEXT), len(filled), [None, pa.py_buffer(text.tobytes())]
    )
    return _with_nulls_of(array, uuids).cast(pa.binary()).cast(pa.string())


def uuids_of_text(array: pa.Array) -> pa.Array:
    """Return the 16 bytes of each UUID in an array of string.

    Raises:
        ArrowInvalid: a text is none.
    """
    fixed = _filled(array.cast(pa.binary()).cast(pa.binary(_TEXT)), b"0" * _TEXT)
    data = np.frombuffer(fixed.buffers()[1] or b"", np.uint8)
    text = data[_TEXT * fixed.offset :][: _TEXT * len(fixed)].reshape(-1, _TEXT)
    digits = _VALUES[text[:, _AT]]
    hyphens = text[numpy_of(array.is_valid())][:, _HYPHENS]
    if (digits == _NO_DIGIT).any() or (hyphens != ord("-")).any():
        raise pa.ArrowInvalid("no UUID")
    octets = digits[:, 0::2] << 4 | digits[:, 1::2]
    uuids = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_BYTES), len(fixed), [None, pa.py_buffer(octets.tobytes())]
    )
    return _with_nulls_of(array, uuids)


def _filled(array: pa.Array, value: bytes) -> pa.Array:
    return array.fill_null(value) if array.null_count else array


def _with_nulls_of(array: pa.Array, values: pa.Array) -> pa.Array:
    if not array.null_count:
        return values
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which columns without nulls do without

    return pc.if_else(array.is_valid(), values, pa.scalar(None, values.type))
