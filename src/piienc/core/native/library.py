"""The shared library, and its doors: src/core/src/border.rs has the same in Rust."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_int32, c_size_t, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from piienc.core.native.memory import RawBytes, RawStrings
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from pathlib import Path


class FoundRaw(Structure):
    """`Found` of border.rs."""

    _fields_ = (
        ("records", c_void_p),
        ("starts", c_void_p),
        ("count", c_size_t),
        ("columns", c_size_t),
        ("size", c_size_t),
        ("lines", c_size_t),
        ("fault", c_uint32),
        ("place", c_size_t),
        ("line", c_size_t),
        ("fields", c_size_t),
    )


class RawChange(Structure):
    """`RawChange` of border.rs."""

    _fields_ = (("column", c_size_t), ("action", c_uint32), ("values", RawStrings))


_PLACE, _SIZE = POINTER(c_size_t * 2), POINTER(c_size_t)
_STRINGS = POINTER(RawStrings)
CALL = ctypes.CFUNCTYPE(
    c_int32, c_uint32, c_uint32, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t
)

_DOORS: dict[str, tuple[Any, ...]] = {
    "find": (RawBytes, _STRINGS, c_size_t, c_uint32, POINTER(FoundRaw)),
    "column": (c_void_p, RawBytes, c_size_t, _STRINGS),
    "splice": (
        c_void_p, RawBytes, POINTER(RawChange), c_size_t, RawBytes, RawBytes, _SIZE, _PLACE,
    ),
    "seal": (_STRINGS, _STRINGS, c_uint32, CALL, RawBytes, _STRINGS),
    "open": (_STRINGS, _STRINGS, c_uint32, CALL, RawBytes, _STRINGS),
    "beginning": (_STRINGS, _STRINGS, RawBytes, _SIZE),
    "not_text": (_STRINGS, RawBytes, _SIZE),
    "decoded": (_STRINGS, _STRINGS),
}  # fmt: skip
"""What each door of border.rs takes; all of these return a code."""

CALL_FAILED, REFUSED_FIELD = 1, 3  # codes of border.rs that are expected; 0: done


class CoreLibrary:
    """The shared library; a call of a door that fails is an exception."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self.version = int(library.piienc_version())
        self.free = library.piienc_free
        self.free.argtypes, self.free.restype = (c_void_p,), None
        self._doors = {}
        for name, arguments in _DOORS.items():
            door = self._doors[name] = library[f"piienc_{name}"]
            door.argtypes, door.restype = arguments, c_int32

    def call(self, name: str, *arguments: object) -> int:
        """Call a door; return 0, or a code that its caller expects."""
        code = int(self._doors[name](*arguments))
        if code not in {0, CALL_FAILED, REFUSED_FIELD}:
            raise PiiencError(f"the core ended {name} with code {code}")
        return code
