"""Thrift's compact protocol, read without a definition: structs as dicts by field number.

A Parquet footer is such a struct. For any input, this reader returns or raises `ValueError`, and
allocates no more than the input can fill.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG_LIST = 15  # a header's size nibble that says that the size follows
_MORE = 0x80  # the bit of a byte that says that more follow
_MOST_BITS = 70  # of a number: ten bytes of seven bits

Fields = dict[int, Any]
"""A struct: bool, int, bytes, list or another struct, by field number."""


def read_struct(data: bytes) -> Fields:
    """Read the struct that begins the data; what stands behind it is left alone.

    Numbers are int, texts and doubles bytes, maps lists of pairs.

    Raises:
        ValueError: the data holds no such struct.
    """
    try:
        return _Reader(data).struct()
    except (IndexError, KeyError, RecursionError):
        raise ValueError("the data is no struct of Thrift") from None


class _ThriftType(IntEnum):
    """Types of the protocol."""

    TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)


_TRUE, _FALSE = 1, 2


class _Reader:
    """A place in the data."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._values: dict[int, Callable[[], Any]] = {
            **dict.fromkeys(
                (_ThriftType.TRUE, _ThriftType.FALSE, _ThriftType.BYTE), self._byte
            ),  # in lists
            **dict.fromkeys((_ThriftType.I16, _ThriftType.I32, _ThriftType.I64), self._signed),
            _ThriftType.DOUBLE: lambda: self._bytes(8),
            _ThriftType.BINARY: lambda: self._bytes(self._number()),
            **dict.fromkeys((_ThriftType.LIST, _ThriftType.SET), self._list),
            _ThriftType.MAP: self._map,
            _ThriftType.STRUCT: self.struct,
            _ThriftType.UUID: lambda: self._bytes(16),
        }

    def struct(self) -> Fields:
        """Read fields up to the stop byte."""
        fields: Fields = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._signed()
            fields[number] = kind == _TRUE if kind <= _FALSE else self._values[kind]()
        return fields

    def _list(self) -> list[Any]:
        head = self._byte()
        count = head >> 4
        if count == _LONG_LIST:
            count = self._number()
        if not count:
            return []  # whose elements some writers give no type
        self._require(count)
        read = self._values[head & 15]
        return [read() for _ in range(count)]

    def _map(self) -> list[tuple[Any, Any]]:
        count = self._number()
        if not count:
            return []
        self._require(count)
        kinds = self._byte()
        key, value = self._values[kinds >> 4], self._values[kinds & 15]
        return [(key(), value()) for _ in range(count)]

    def _require(self, count: int) -> None:
        """Refuse a number of bytes, or of values of a byte at least, that cannot be there."""
        if count > len(self._data) - self._at:
            raise ValueError("the data ends too early")

    def _bytes(self, count: int) -> bytes:
        self._require(count)
        self._at += count
        return self._data[self._at - count : self._at]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _number(self) -> int:
        number = bits = 0
        while (byte := self._byte()) & _MORE:
            number |= (byte ^ _MORE) << bits
            bits += 7
            if bits >= _MOST_BITS:
                raise ValueError("a number of more than 64 bits")
        return number | byte << bits

    def _signed(self) -> int:
        number = self._number()
        return (number >> 1) ^ -(number & 1)
