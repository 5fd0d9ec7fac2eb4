"""The bytes of a table: fields found and written anew, cells sealed and opened.

interface.py  what an engine does, and the values that pass
choice.py     which engine does the work
native.py     the native engine: the compiled core of src/core, through ctypes
plain/        the plain engine: Python that anybody can check by reading
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily

if TYPE_CHECKING:
    from piienc.core.choice import engine
    from piienc.core.interface import (
        FOREIGN,
        MALFORMED,
        NULL,
        PREFIX,
        UNKNOWN,
        ColumnKey,
        Dialect,
        Engine,
        Fault,
        FaultKind,
        FoundRecords,
        Opened,
        Spliced,
        Strings,
        Unreadable,
        Unwritable,
    )
    from piienc.core.native import NativeEngine
    from piienc.core.plain import CellDecryptor, PlainEngine

__all__ = [
    "FOREIGN",
    "MALFORMED",
    "NULL",
    "PREFIX",
    "UNKNOWN",
    "CellDecryptor",
    "ColumnKey",
    "Dialect",
    "Engine",
    "Fault",
    "FaultKind",
    "FoundRecords",
    "NativeEngine",
    "Opened",
    "PlainEngine",
    "Spliced",
    "Strings",
    "Unreadable",
    "Unwritable",
    "engine",
]

__getattr__ = lazily(
    __name__,
    choice="engine",
    interface="FOREIGN MALFORMED NULL PREFIX UNKNOWN ColumnKey Dialect Engine Fault FaultKind"
    " FoundRecords Opened Spliced Strings Unreadable Unwritable",
    native="NativeEngine",
    plain="CellDecryptor PlainEngine",
)
