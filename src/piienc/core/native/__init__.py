"""The native engine: the compiled core of src/core, through ctypes.

memory.py   buffers that the core reads and writes
library.py  the doors of the core
records.py  records that it has found
openssl.py  what it calls back for

The core reads and writes memory that it is given here, and calls back for AES. What keeps that safe
is here, too: a buffer is held as long as the core may look at it, its size goes with its address,
and what the core has made is freed once.
"""

from __future__ import annotations

import os
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Self

from piienc.core.interface import Opened, Strings, Unreadable
from piienc.core.native.library import CoreLibrary
from piienc.core.native.memory import HeldBuffers, NewBytes
from piienc.core.native.openssl import OpenSslCalls, aead_of
from piienc.core.native.records import NativeRecords
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from piienc.core.interface import Buffer, ColumnKey, Dialect

VERSION = 2
"""Of the doors in border.rs."""

_IV = 12  # bytes: NIST SP 800-38D, 8.2

_HEAP = 31 << 20  # bytes; of 32 MiB and more, glibc does not believe it
_PROVED = (0, 1, 15, 16, 17, 31, 32, 33, 64, 100)
"""Bytes of the cells that prove a key."""


class NativeEngine:
    """See `Engine`."""

    name = "native"

    def __init__(self, library: CoreLibrary) -> None:
        """Take the core; see `load`."""
        self._library = library
        self._proved: dict[tuple[int, bytes], ColumnKey] = {}  # the keys live as long as their ids

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return the engine; None if its core is missing, or of another machine or version."""
        if not path.exists():
            return None
        # What glibc has freed once, it takes from its heap from then on, and all that is smaller:
        # else each block would get fresh pages of the system, a tenth of the time of a run.
        NewBytes(_HEAP)
        try:
            library = CoreLibrary(path)
        except (OSError, AttributeError):  # it cannot be loaded, or has other doors
            return None
        return cls(library) if library.version == VERSION else None

    def find(self, data: Buffer, dialect: Dialect, columns: int, *, final: bool) -> NativeRecords:
        """Find the records that some data begins with."""
        return NativeRecords(self._library, data, dialect, columns, final=final)

    def seal(self, cells: Strings, key: ColumnKey, *, text: bool) -> Strings:
        """Encrypt cells."""
        self._prove(key)
        return self._seal(cells, key, text=text)

    def open(self, cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Opened:
        """Decrypt cells."""
        for key in keys:
            self._prove(key)
        return self._open(cells, keys, text=text)

    def decoded(self, cells: Strings) -> Strings:
        """Decode base64."""
        with HeldBuffers() as held:
            given = byref(held.strings(cells))
            return self._library.strings("decoded", cells.count, Unreadable, given)

    def beginning(self, cells: Strings, begins: Sequence[bytes]) -> list[int]:
        """Return the rows whose cells begin with one of some bytes."""
        with HeldBuffers() as held:
            return self._rows(cells, byref(held.listed(*begins)))

    def not_text(self, strings: Strings) -> list[int]:
        """Return the rows that are not UTF-8."""
        return self._rows(strings, None)

    def _rows(self, strings: Strings, begins: object) -> list[int]:
        rows, found = NewBytes(8 * strings.count), c_size_t()
        with HeldBuffers() as held:
            given = byref(held.strings(strings)), begins
            self._library.call("rows", *given, rows.memory, byref(found))
        return memoryview(rows.cut(8 * found.value)).cast("Q").tolist()

    def _seal(self, cells: Strings, key: ColumnKey, *, text: bool) -> Strings:
        ivs = os.urandom(_IV * cells.count) if key.mode == "sealed" else b""
        with HeldBuffers() as held:
            return self._made("seal", cells, [key], text, held.buffer(ivs))

    def _open(self, cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Opened:
        verdicts = NewBytes(cells.count)
        opened = self._made("open", cells, keys, text, verdicts.memory)
        return Opened(opened, verdicts.cut(cells.count))

    def _made(self, name: str, cells: Strings, keys: Sequence[ColumnKey], *more: object) -> Strings:
        (text, memory), calls = more, OpenSslCalls(keys)
        with HeldBuffers() as held:
            given = byref(held.strings(cells)), byref(held.keys(keys)), text, calls.call, memory
            return self._library.strings(name, cells.count, lambda *_: calls.failed[0], *given)

    def _prove(self, key: ColumnKey) -> None:
        """Hold the core against OpenSSL before a key is used for the first time.

        Raises:
            PiiencError: they disagree on this machine; nothing was encrypted.
        """
        place = id(key.material), key.context
        if place in self._proved:
            return
        cells = [os.urandom(size) for size in _PROVED]
        sealing, opening = aead_of(key)
        ivs = [os.urandom(_IV) if key.mode == "sealed" else b"" for _ in cells]
        pairs = zip(cells, ivs, strict=True)
        theirs = Strings.of([key.prefix + iv + sealing(cell, iv) for cell, iv in pairs])
        opened = self._open(theirs, [key], text=False)
        ours = self._seal(Strings.of(cells), key, text=False).to_list()
        head = len(key.prefix) + len(ivs[0])
        iv = slice(len(key.prefix), head)
        forged = [bytes([*cell[:-1], cell[-1] ^ 1]) for cell in ours if cell]
        verdicts = self._open(Strings.of(forged), [key], text=False).verdicts
        if (
            opened.cells.to_list() != cells
            or [opening(cell[head:], cell[iv]) for cell in ours if cell] != cells
            or 0 in verdicts
        ):
            raise PiiencError("the core disagrees with OpenSSL on this machine")
        self._proved[place] = key


__all__ = ["NativeEngine", "NativeRecords"]
