"""As much of the protobuf wire format as a Tink key needs.

Source: https://protobuf.dev/programming-guides/encoding/. As the format demands, the last
of several values of a field counts, and unknown fields are passed over, groups included.
"""

from __future__ import annotations

import io
from typing import NamedTuple

from piienc.keys.text import malformed

_VARINT, _FIXED64, _BYTES, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MAX_VARINT_BYTES = 10
_MAX_FIELD = 2**29 - 1
_MALFORMED = "a key's protobuf is truncated or malformed"


class ProtobufMessage(NamedTuple):
    """The fields of a message by number; fixed-size fields are not kept."""

    numbers: dict[int, int]
    strings: dict[int, bytes]


def write_bytes(field: int, value: bytes) -> bytes:
    """Write one field of at most 127 bytes; its number is at most 15."""
    return bytes([field << 3 | _BYTES, len(value)]) + value


def read(data: bytes) -> ProtobufMessage:
    """Read a message.

    Raises:
        KeyAccessError: it is truncated or malformed.
    """
    message = ProtobufMessage({}, {})
    source = io.BytesIO(data)
    groups: list[int] = []
    while source.tell() < len(data):
        field, wire_type = divmod(_varint(source), 8)
        _require(1 <= field <= _MAX_FIELD)
        if wire_type == _START_GROUP:
            groups.append(field)
        elif wire_type == _END_GROUP:
            _require(bool(groups) and groups.pop() == field)
        else:
            _read_value(source, field, wire_type, ProtobufMessage({}, {}) if groups else message)
    _require(not groups)
    return message


def _read_value(source: io.BytesIO, field: int, wire_type: int, into: ProtobufMessage) -> None:
    if wire_type == _VARINT:
        into.numbers[field] = _varint(source)
    elif wire_type == _BYTES:
        into.strings[field] = _take(source, _varint(source))
    else:
        _require(wire_type in {_FIXED64, _FIXED32})
        _take(source, 8 if wire_type == _FIXED64 else 4)


def _varint(source: io.BytesIO) -> int:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        (byte,) = _take(source, 1)
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004  # the continuation bit
            return value
    raise malformed(_MALFORMED)


def _take(source: io.BytesIO, size: int) -> bytes:
    _require(size <= source.getbuffer().nbytes - source.tell())
    return source.read(size)


def _require(condition: bool) -> None:  # noqa: FBT001  # a check has no other argument
    if not condition:
        raise malformed(_MALFORMED)
