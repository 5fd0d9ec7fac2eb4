"""Records that the core has found."""

from __future__ import annotations

import ctypes
import threading
from ctypes import POINTER, byref
from typing import TYPE_CHECKING, Any, Self

from piienc.core.interface import Fault, FaultKind, RefusedField, Spliced, Unreadable, Unwritable
from piienc.core.native.library import CoreLibrary, RawChange, RawRecords
from piienc.core.native.memory import HeldBuffers, RawStrings

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
        self._records: Any = POINTER(RawRecords)()
        flags = final | dialect.lenient << 1 | dialect.trailing << 2
        with HeldBuffers() as held:
            borders = dialect.delimiter, dialect.quote, dialect.escape, dialect.comment
            parts = byref(held.listed(*borders, dialect.line_end, *dialect.nulls))
            given = self._held.buffer(data), parts, columns, flags
            library.call("find", *given, byref(self._records))
        found = self._records.contents
        self.count, self.columns = int(found.count), int(found.columns)
        self.size, self.lines = int(found.size), int(found.lines)
        kind, *place = found.fault
        self.fault = Fault(FaultKind(kind), *place) if kind else None

    def starts(self) -> Sequence[int]:
        """Return where in the data each record begins."""
        with self._lock:
            starts = ctypes.string_at(self._open().contents.starts, 4 * self.count)
        return memoryview(starts).cast("I")

    def column(self, number: int) -> Strings:
        """Return the values of a column."""
        return self._strings("column", Unreadable, number)

    def spliced(self, changes: Mapping[int, Strings], dropped: Collection[int] = ()) -> Spliced:
        """Return the records, with the fields of some columns written anew."""
        first = [number for number in range(self.columns) if number not in dropped][:1]
        actions = dict.fromkeys(dropped, _DROP)
        actions |= dict.fromkeys(first, _KEEP) | dict.fromkeys(changes, _WRITE)
        with HeldBuffers() as held:
            values = {number: held.strings(strings) for number, strings in changes.items()}
            listed = [
                RawChange(number, action, values.get(number, RawStrings()))
                for number, action in sorted(actions.items())
            ]
            given = (RawChange * len(listed))(*listed), len(listed)
            made = self._strings("splice", Unwritable, *given)
        starts = memoryview(made.offsets).cast("q" if made.wide else "i")[:-1]
        return Spliced(bytes(made.data), starts)

    def _strings(self, name: str, error: type[RefusedField], *arguments: object) -> Strings:
        with self._lock:
            return self._library.strings(name, self.count, error, self._open(), *arguments)

    def _open(self) -> Any:  # noqa: ANN401  # a pointer of ctypes
        if not self._records:
            raise ValueError("records that are closed")
        return self._records

    def close(self) -> None:
        """Forget the data."""
        with self._lock:
            self._library.free(self._records)
            self._records = POINTER(RawRecords)()
            self._held.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
