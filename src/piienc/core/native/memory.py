"""Memory that the core reads and writes, and how it is told of it."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_int,
    c_size_t,
    c_ssize_t,
    c_uint32,
    c_void_p,
    py_object,
)
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from piienc.core.interface import Strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.core.interface import Buffer, ColumnKey

_NARROW = (1 << 31) - 1  # the largest offset of 32 bits


class RawBytes(Structure):
    """`Bytes` of border.rs."""

    _fields_ = (("start", c_void_p), ("size", c_size_t))


class RawStrings(Structure):
    """`RawStrings` of border.rs."""

    _fields_ = (
        ("count", c_size_t),
        ("wide", c_uint32),
        ("offsets", RawBytes),
        ("data", RawBytes),
        ("validity", RawBytes),
        ("size", c_size_t),
        ("nulls", c_size_t),
    )


class _View(Structure):
    """Python's own `Py_buffer`: its address and size come first; the rest is not looked at."""

    _fields_ = (
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("rest", ctypes.c_byte * 128),
    )


def _api(name: str, result: Any, *arguments: Any) -> Any:  # noqa: ANN401  # types of ctypes
    """Return a function of Python's C API; an error that it sets is raised."""
    function = ctypes.pythonapi[name]
    function.argtypes, function.restype = arguments, result
    return function


_get_buffer = _api("PyObject_GetBuffer", c_int, py_object, POINTER(_View), c_int)
_release_buffer = _api("PyBuffer_Release", None, POINTER(_View))
_memory = _api("PyMemoryView_FromMemory", py_object, c_void_p, c_ssize_t, c_int)
_new_bytes = _api("PyBytes_FromStringAndSize", c_void_p, c_void_p, c_ssize_t)
_address = _api("PyBytes_AsString", c_void_p, c_void_p)
_resize = _api("_PyBytes_Resize", c_int, POINTER(c_void_p), c_ssize_t)
_let_go = _api("Py_DecRef", None, c_void_p)


def read_only(start: int, size: int) -> memoryview:
    """Return memory of the core, which lives as long as its call."""
    view: memoryview = _memory(start, size, 0x100)  # PyBUF_READ
    return view


def writable(start: int, size: int) -> memoryview:
    """Return memory of the core to write to, which lives as long as its call."""
    view: memoryview = _memory(start, size, 0x200)  # PyBUF_WRITE
    return view


class NewBytes:
    """Bytes that nobody has seen yet: the core writes them, and then they are cut."""

    def __init__(self, size: int) -> None:
        self._object = c_void_p(_new_bytes(None, size))
        self.memory = RawBytes(_address(self._object), size)

    def cut(self, size: int) -> bytes:
        """Return the first `size` of them, once."""
        _resize(byref(self._object), size)
        made: bytes = ctypes.cast(self._object, py_object).value
        return made

    def __del__(self) -> None:
        _let_go(self._object)


class NewStrings:
    """Strings that the core makes.

    Attributes:
        memory: what it is given.
    """

    def __init__(self, count: int, bound: int) -> None:
        wide = bound > _NARROW
        self._offsets = NewBytes((count + 1) * (8 if wide else 4))
        self._data, self._validity = NewBytes(bound), NewBytes(-(-count // 8))
        parts = self._offsets.memory, self._data.memory, self._validity.memory
        self.memory = RawStrings(count, wide, *parts)

    def made(self) -> Strings:
        """Return them, once."""
        memory = self.memory
        offsets, data = self._offsets.cut(memory.offsets.size), self._data.cut(memory.size)
        validity = self._validity.cut(memory.validity.size) if memory.nulls else None
        return Strings(memory.count, offsets, data, validity, bool(memory.wide))


class HeldBuffers:
    """Buffers that the core looks at, held until they are let go."""

    def __init__(self) -> None:
        self._views: list[_View] = []

    def buffer(self, buffer: Buffer) -> RawBytes:
        """Return where a buffer stands."""
        view = _View()
        _get_buffer(buffer, byref(view), 0)
        self._views.append(view)
        return RawBytes(view.buf, view.len)

    def strings(self, strings: Strings) -> RawStrings:
        """Return where strings stand."""
        offsets, data = self.buffer(strings.offsets), self.buffer(strings.data)
        validity = RawBytes() if strings.validity is None else self.buffer(strings.validity)
        return RawStrings(strings.count, strings.wide, offsets, data, validity)

    def listed(self, *strings: bytes) -> RawStrings:
        """Return where some strings stand, laid out for the core."""
        return self.strings(Strings.of(strings))

    def keys(self, keys: Sequence[ColumnKey]) -> RawStrings:
        """Return what is not secret of keys."""
        parts = [(key.mode.encode(), key.context, key.prefix) for key in keys]
        return self.listed(*chain.from_iterable(parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._views:
            _release_buffer(byref(self._views.pop()))
