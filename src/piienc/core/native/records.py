"""Records that the core has found."""

from __future__ import annotations

import ctypes
import threading
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Self

from piienc.core.interface import Fault, FaultKind, Spliced, Unreadable, Unwritable
from piienc.core.native.library import CoreLibrary, FoundRaw, RawChange
from piienc.core.native.memory import HeldBuffers, NewBytes, NewStrings, RawBytes, RawStrings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from piienc.core.interface import Buffer, Dialect, Strings

_DROP, _KEEP, _WRITE = range(3)  # what happens to a column: see border.rs


class NativeRecords:
    """See `FoundRecords`."""

    def __init__(
        self, library: CoreLibrary, data: Buffer, dialect: Dialect, columns: int, *, final: bool
    ) -> None:
        """Find the records: see `Engine.find`."""
        self._library, self._held, self._lock = library, HeldBuffers(), threading.Lock()
        self._found = found = FoundRaw()
        self._data = self._held.buffer(data)
        flags = final | dialect.lenient << 1 | dialect.trailing << 2
        with HeldBuffers() as held:
            borders = dialect.delimiter, dialect.quote, dialect.escape, dialect.comment
            parts = held.listed(*borders, dialect.line_end, *dialect.nulls)
            library.call("find", self._data, byref(parts), columns, flags, byref(found))
        self.count, self.columns = int(found.count), int(found.columns)
        self.size, self.lines = int(found.size), int(found.lines)
        self.fault: Fault | None = None
        if found.fault:
            self.fault = Fault(FaultKind(found.fault), found.place, found.line, found.fields)

    def starts(self) -> Sequence[int]:
        """Return where in the data each record begins."""
        with self._lock:
            self._require_open()
            starts = ctypes.string_at(self._found.starts, 4 * self.count)
        return memoryview(starts).cast("I")

    def column(self, number: int) -> Strings:
        """Return the values of a column."""
        bound = RawStrings()
        self._call("column", self._data, number, byref(bound))
        new = NewStrings(self.count, bound.size)
        if self._call("column", self._data, number, byref(new.memory)):
            raise Unreadable(new.memory.size, number)
        return new.made()

    def spliced(self, changes: Mapping[int, Strings], dropped: Collection[int] = ()) -> Spliced:
        """Return the records, with the fields of some columns written anew."""
        first = [number for number in range(self.columns) if number not in dropped][:1]
        actions = dict.fromkeys(dropped, _DROP)
        actions |= dict.fromkeys(first, _KEEP) | dict.fromkeys(changes, _WRITE)
        size, place = c_size_t(), (c_size_t * 2)()
        with HeldBuffers() as held:
            values = {number: held.strings(strings) for number, strings in changes.items()}
            listed = [
                RawChange(number, action, values.get(number, RawStrings()))
                for number, action in sorted(actions.items())
            ]
            given = self._data, (RawChange * len(listed))(*listed), len(listed)
            told = byref(size), byref(place)
            self._call("splice", *given, RawBytes(), RawBytes(), *told)
            new, starts = NewBytes(size.value), NewBytes(8 * self.count)
            if self._call("splice", *given, new.memory, starts.memory, *told):
                raise Unwritable(*place)
        return Spliced(new.cut(size.value), memoryview(starts.cut(8 * self.count)).cast("Q"))

    def _call(self, name: str, *arguments: object) -> int:
        with self._lock:
            self._require_open()
            return self._library.call(name, self._found.records, *arguments)

    def _require_open(self) -> None:
        if not self._found.records:
            raise ValueError("records that are closed")

    def close(self) -> None:
        """Forget the data."""
        with self._lock:
            self._library.free(self._found.records)
            self._found = FoundRaw()
            self._held.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
