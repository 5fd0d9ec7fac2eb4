"""A CSV file cut by rows into parts, each of them whole: the header, and whole records."""

from __future__ import annotations

import io
from bisect import bisect_right
from typing import TYPE_CHECKING

from piienc.base.charsets import canonical
from piienc.errors import InputError
from piienc.tables.csv.source import CsvSink
from piienc.tables.streams import Compressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Buffer

    from piienc.tables.csv.source import CsvSource

_LONGEST = "aéäżя漢한힣😀"  # a character of each length in UTF-8, and of each kind that grows


class Part:
    """A part of a table, read as the bytes of a file; the next part follows it.

    Attributes:
        rows: the number of its rows read so far.
    """

    def __init__(self, records: _RecordQueue, source: CsvSource, name: str, limit: int) -> None:
        self._records, self._limit = records, limit
        self._out = _Buffer()
        self._sink: CsvSink | None = CsvSink(Compressed(self._out, name), source)
        form = source.format
        self._taken = len(form.mark + source.header)
        self._growth = 1 if form.charset == canonical(form.encoding) else _growth(form.encoding)
        self.rows = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end.

        Raises:
            InputError: a record alone is longer than a part may be.
        """
        while self._sink and (size < 0 or len(self._out) < size):
            data, rows = self._records.take(self._room)
            if not rows:
                self._sink.close()
                self._sink = None
                if not self.rows and self._records.left:
                    raise InputError(
                        f"{self._records.name}: line {self._records.line}: a record of this "
                        "length alone makes a file that is too large for the receiver",
                        hint="leave the row out, or ask the receiver for a higher limit",
                    )
                break
            self._sink.write(data)
            self._taken += len(data)
            self.rows += rows
        return self._out.take(size)

    @property
    def _room(self) -> int:
        """Bytes of records that surely fit."""
        return (self._limit - self._growth * self._taken) // self._growth


def parts(source: CsvSource, name: str, limit: int) -> Iterator[Part]:
    """Cut a table into parts; each must be read to its end before the next one is taken.

    A table without rows is one part.

    Args:
        source: the table.
        name: the file's name; its suffix determines the compression of the parts.
        limit: the largest size of a part in bytes, before compression.
    """
    records = _RecordQueue(source)
    yield Part(records, source, name, limit)
    while records.left:
        yield Part(records, source, name, limit)


class _RecordQueue:
    """The records of a table, from which as many are taken as fit."""

    def __init__(self, source: CsvSource) -> None:
        self.name = source.name
        self._blocks = source.units()
        self._data = b""
        self._ends: Sequence[int] = ()
        self._taken = self._at = 0
        self.line = 0

    @property
    def left(self) -> bool:
        """Whether there are records that were not taken."""
        if self._taken == len(self._ends):
            self._fill()
        return self._taken < len(self._ends)

    def take(self, size: int) -> tuple[bytes, int]:
        """Return whole records of up to `size` bytes together, and how many they are."""
        if not self.left:
            return b"", 0
        last = bisect_right(self._ends, self._at + size, self._taken)
        if last == self._taken:
            return b"", 0
        end, count = self._ends[last - 1], last - self._taken
        data = self._data[self._at : end]
        self.line += data.count(b"\n")
        self._at, self._taken = end, last
        return data, count

    def _fill(self) -> None:
        for block in self._blocks:
            self._data = block.data[: block.size]
            starts = block.records.starts()
            self._at, self._taken, self.line = 0, 0, block.first_line
            self._ends = [*starts[1:], block.size] if len(starts) else ()
            if self._ends:  # and not blank lines alone
                return


class _Buffer(io.RawIOBase):
    """Bytes that were written and not yet read."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of `data`."""
        self._data += data
        return memoryview(data).nbytes

    def take(self, size: int) -> bytes:
        """Give out up to `size` bytes; all of them for -1."""
        size = len(self) if size < 0 else size
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken


def _growth(encoding: str) -> int:
    """Return how many times longer than in UTF-8 text may become in an encoding."""
    spoken = "".join(each for each in _LONGEST if each.encode(encoding, "ignore"))
    return max(-(-len(each.encode(encoding)) // len(each.encode())) for each in spoken)
