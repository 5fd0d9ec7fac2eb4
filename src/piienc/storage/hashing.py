"""Byte streams that are hashed as they pass, so that receipts describe the bytes processed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, Protocol

from piienc.base.files import begin_writing_out

if TYPE_CHECKING:
    from typing_extensions import Buffer

# A hazard of Linux: what is written in larger pieces gets larger folios in the page cache, which
# are dear to come by. In a virtual machine, pieces of a mebibyte took four times as long.
_PIECE = 256 << 10  # bytes
_PIECE_AHEAD = 4 << 20  # bytes that are read at a time, ahead of their user
_AHEAD = 6  # pieces
_YIELDING = 4  # nice(2): what reads the file is what everybody waits for
_WRITE_BEHIND = 4 << 20  # bytes handed to the disk at a time, while the next are made


class Readable(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""


class Writable(Protocol):
    """What can be written from its beginning to its end."""

    def write(self, data: Buffer, /) -> int:
        """Write all of `data`."""


class HashingReader(io.RawIOBase):
    """Reads a file once, from its beginning to its end, and hashes what it reads."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._left = b""
        self.count = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        most = sys.maxsize if size is None or size < 0 else size
        data, self._left = self._left[:most], self._left[most:]
        if len(data) < most:
            data += self._fetched(-1 if most == sys.maxsize else most - len(data))
        self.count += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """Look at up to `size` bytes that come next; fewer at the end alone."""
        data = b""
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        self._left = data + self._left
        self.count -= len(data)
        return data

    def _fetched(self, size: int) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def sha256(self) -> str:
        """Return the hash of the whole file; this reads the rest of it."""
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


class ReadAhead(HashingReader):
    """Reads and hashes a file in a thread of its own, ahead of its user.

    Use it as a context, at whose end the thread stops at once.
    """

    def __init__(self, file: Readable) -> None:
        super().__init__(file)
        self._pieces: queue.Queue[bytes | Exception] = queue.Queue(_AHEAD)
        self._ended = self._stopped = False
        self._thread = threading.Thread(target=self._run, name="piienc-read", daemon=True)
        self._thread.start()

    def _fetched(self, size: int) -> bytes:
        pieces: list[bytes] = []
        have = 0
        while (size < 0 or have < size) and not self._ended:
            piece = self._pieces.get()
            if isinstance(piece, Exception):
                raise piece
            self._ended = not piece
            pieces.append(piece)
            have += len(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if 0 <= size < have:
            data, self._left = data[:size], data[size:]
        return data

    def close(self) -> None:
        """Stop reading."""
        self._stopped = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._pieces.get_nowait()
        self._thread.join()
        super().close()

    def _run(self) -> None:
        try:
            while not self._stopped:
                data = self._file.read(_PIECE_AHEAD)
                self._hash.update(data)
                self._pieces.put(data)
                if not data:
                    return
        except Exception as error:  # noqa: BLE001  # it is raised again where it is waited for
            self._pieces.put(error)


class FollowedFile:
    """A file that is hashed in a thread of its own while another program reads it.

    The thread uses idle time only. The rest is hashed at the end.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._hash, self._count = hashlib.sha256(), 0
        self._piece = bytearray(_PIECE_AHEAD)
        self._stopped = False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="piienc-hash", daemon=True)
        self._thread.start()

    def end(self) -> tuple[int, str]:
        """Hash to the end; return the number of bytes, and the hash."""
        self.close()
        if self._failed:
            raise self._failed
        while self._take():
            pass
        return self._count, self._hash.hexdigest()

    def close(self) -> None:
        """Stop the thread at once."""
        self._stopped = True
        self._thread.join()

    def _follow(self) -> None:
        with contextlib.suppress(OSError):
            # Of this thread alone: setpriority(2), under C library/kernel differences.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELDING)
        try:
            while not self._stopped and self._take():
                pass
        except Exception as error:  # noqa: BLE001  # raised by end(): half a hash is none
            self._failed = error

    def _take(self) -> int:
        """Hash the next piece, and return its size; 0 at the end."""
        size = os.preadv(self.descriptor, [self._piece], self._count)
        self._hash.update(memoryview(self._piece)[:size])
        self._count += size
        return size


class HashingWriter(io.RawIOBase):
    """Writes a file from its beginning to its end, and hashes what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._sent = 0
        self._abandoned = False
        self.count = 0

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of `data`."""
        view = memoryview(data).cast("B")
        size = len(view)
        if self._abandoned:
            return size
        for begin in range(0, size, _PIECE):
            piece = view[begin : begin + _PIECE]
            self._file.write(piece)
            self._hash.update(piece)
        self.count += size
        if self.count - self._sent >= _WRITE_BEHIND:
            with contextlib.suppress(OSError):  # a stream in memory has no descriptor
                begin_writing_out(self._file.fileno(), self._sent, self.count - self._sent)
            self._sent = self.count
        return size

    def flush(self) -> None:
        """Leave flushing to the file's owner."""

    def abandon(self) -> None:
        """Discard further writes: Arrow's writers write once more when they are closed."""
        self._abandoned = True

    def sha256(self) -> str:
        """Return the hash of what was written so far."""
        return self._hash.hexdigest()
