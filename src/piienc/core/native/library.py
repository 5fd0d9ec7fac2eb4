"""The shared library, and its doors: src/core/src/border.rs has the same in Rust."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_bool, c_int32, c_size_t, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from piienc.core.native.memory import NewStrings, RawBytes, RawStrings
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.core.interface import Strings


class RawRecords(Structure):
    """What `Records` of find.rs begins with."""

    _fields_ = (
        ("count", c_size_t),
        ("columns", c_size_t),
        ("size", c_size_t),
        ("lines", c_size_t),
        ("fault", c_size_t * 4),
        ("starts", c_void_p),
    )


class RawChange(Structure):
    """`RawChange` of border.rs."""

    _fields_ = (("column", c_size_t), ("action", c_uint32), ("values", RawStrings))


_RECORDS, _STRINGS = POINTER(RawRecords), POINTER(RawStrings)
CALL = ctypes.CFUNCTYPE(
    c_int32, c_uint32, c_uint32, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t
)

_DOORS: dict[str, tuple[Any, ...]] = {
    "find": (RawBytes, _STRINGS, c_size_t, c_uint32, POINTER(_RECORDS)),
    "column": (_RECORDS, c_size_t, _STRINGS),
    "splice": (_RECORDS, POINTER(RawChange), c_size_t, _STRINGS),
    "seal": (_STRINGS, _STRINGS, c_bool, CALL, RawBytes, _STRINGS),
    "open": (_STRINGS, _STRINGS, c_bool, CALL, RawBytes, _STRINGS),
    "decoded": (_STRINGS, _STRINGS),
    "rows": (_STRINGS, _STRINGS, RawBytes, POINTER(c_size_t)),
}
"""What each door of border.rs takes; all of these return a code."""

_EXPECTED = 1, 3  # codes of border.rs: a callback failed; a field was refused


class CoreLibrary:
    """The shared library; a call of a door that fails is an exception."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self.version = int(library.piienc_version())
        self.free = library.piienc_free
        self.free.argtypes, self.free.restype = (_RECORDS,), None
        self._doors = {}
        for name, arguments in _DOORS.items():
            door = self._doors[name] = library[f"piienc_{name}"]
            door.argtypes, door.restype = arguments, c_int32

    def call(self, name: str, *arguments: object) -> bool:
        """Call a door; tell whether it has failed in a way that its caller expects."""
        code = int(self._doors[name](*arguments))
        if code not in {0, *_EXPECTED}:
            raise PiiencError(f"the core ended {name} with code {code}")
        return code != 0

    def strings(
        self, name: str, count: int, error: Callable[[int, int], BaseException], *arguments: object
    ) -> Strings:
        """Call a door twice: it says how large what it writes will be, then it writes.

        Raises:
            BaseException: what `error` returns for the row and column that are refused, if any.
        """
        bound = RawStrings()
        self.call(name, *arguments, byref(bound))
        new = NewStrings(count, bound.size)
        if self.call(name, *arguments, byref(new.memory)):
            raise error(new.memory.size, new.memory.nulls)
        return new.made()
