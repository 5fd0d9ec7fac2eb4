"""A CSV file cut by rows into parts, each of them whole: the header, and whole records."""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from piienc.errors import InputError
from piienc.tables.csv.source import CsvSink
from piienc.tables.streams import Compressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from piienc.base.cells import Bytes, Places
    from piienc.tables.csv.source import CsvSource

_LF = ord("\n")
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
        self._taken = len(source.header)
        self._growth = _growth(source.format.encoding)
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
        """Bytes of UTF-8 that surely fit."""
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
        self._source, self._blocks = source, source.units()
        self._data: Bytes = np.empty(0, np.uint8)
        self._ends: Places = np.empty(0, np.int64)
        self._at = 0
        self.line = 0

    @property
    def left(self) -> bool:
        """Whether there are records that were not taken."""
        if not len(self._ends):
            self._fill()
        return bool(len(self._ends))

    def take(self, size: int) -> tuple[Bytes, int]:
        """Return whole records of up to `size` bytes together, and how many they are."""
        if not self.left:
            return self._data[:0], 0
        count = int(np.searchsorted(self._ends, self._at + size, side="right"))
        if not count:
            return self._data[:0], 0
        end = int(self._ends[count - 1])
        data = self._data[self._at : end]
        self.line += int(np.count_nonzero(data == _LF))
        self._at, self._ends = end, self._ends[count:]
        return data, count

    def _fill(self) -> None:
        for block in self._blocks:
            self._data = np.frombuffer(block.data, np.uint8, block.size)
            begins = self._source.decode(block).begins
            self._at, self.line = 0, block.first_line
            if len(begins):  # and not blank lines alone
                self._ends = np.append(begins[1:], block.size)
                return


class _Buffer(io.RawIOBase):
    """Bytes that were written and not yet read."""

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of `data`."""
        piece = memoryview(bytes(data))
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def take(self, size: int) -> bytes:
        """Give out up to `size` bytes; all of them for -1."""
        left = self._size if size < 0 else min(size, self._size)
        pieces = []
        while left:
            piece = self._pieces.popleft()
            pieces.append(piece[:left])
            if len(piece) > left:
                self._pieces.appendleft(piece[left:])
            self._size -= len(pieces[-1])
            left -= len(pieces[-1])
        return b"".join(pieces)


def _growth(encoding: str) -> int:
    """Return how many times longer than in UTF-8 text may become in an encoding."""
    spoken = "".join(each for each in _LONGEST if each.encode(encoding, "ignore"))
    return max(-(-len(each.encode(encoding)) // len(each.encode())) for each in spoken)
