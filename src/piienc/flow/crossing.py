"""From one end to the other, counted and hashed: by a stream, or beside gpg's own work on files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from piienc.envelope.routes import Files, Streams
from piienc.errors import InputError
from piienc.files import begin_writing_out, new_file
from piienc.flow.receipt import FileFacts
from piienc.flow.streams import HEAD, Head, Watched
from piienc.places import name_of, opened_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.envelope.routes import Route
    from piienc.flow.streams import Ahead, Report
    from piienc.hashing import HashingReader, HashingWriter
    from piienc.places import Place

_PIECE = 256 << 10  # bytes hashed at a time
_WRITE_BEHIND = 8 << 20  # bytes handed to the disk at a time, while the next are made
_REST = 0.001  # seconds, where gpg has written nothing new
_YIELDING = 4  # nice(2): gpg has one thread, and everybody waits for it


class Crossing(Protocol):
    """A pass of data from one end to the other."""

    @property
    def route(self) -> Route:
        """How the bytes go through gpg."""

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""

    def read(self) -> FileFacts:
        """Tell, when the route was run, what was read."""

    def written(self) -> FileFacts:
        """Tell, when the route was run, what was written."""


class Through:
    """By streams, which are counted and hashed as they pass."""

    def __init__(
        self, reader: HashingReader, source: str, writer: HashingWriter, target: str
    ) -> None:
        self._reader, self._source, self._writer, self._target = reader, source, writer, target
        self._head = Head(writer)
        self.route = Streams(reader, self._head.write)

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""
        return self._head.bytes

    def read(self) -> FileFacts:
        """Tell what was read."""
        return FileFacts(self._source, self._reader.count, self._reader.sha256())

    def written(self) -> FileFacts:
        """Tell what was written."""
        return FileFacts(self._target, self._writer.count, self._writer.sha256())


class Beside:
    """By gpg itself, from file to file; both are hashed beside its work."""

    def __init__(self, source: Path, target: Path, read: Followed, written: Followed) -> None:
        self._source, self._target, self._read, self._written = source, target, read, written
        self.route = Files(read.descriptor, written.descriptor)

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""
        return os.pread(self._written.descriptor, HEAD, 0)

    def read(self) -> FileFacts:
        """Tell what was read.

        Raises:
            InputError: it cannot be read.
        """
        try:
            return FileFacts(str(self._source), *self._read.end())
        except OSError as error:
            raise InputError(
                f"cannot read {self._source}: {os.strerror(error.errno or 0)}",
                hint="check the disk that it is on",
            ) from error

    def written(self) -> FileFacts:
        """Tell what was written."""
        return FileFacts(str(self._target), *self._written.end())


@contextlib.contextmanager
def hashed_ahead(source: Place, file: Ahead, target: Place) -> Iterator[Followed | None]:
    """Begin to hash a file that gpg is going to read, while nothing else is ready yet.

    Args:
        source: what is read.
        file: the same, open.
        target: where to.

    Yields:
        What `crossing` takes; None where the bytes pass through us.
    """
    if not (isinstance(source, Path) and isinstance(target, Path) and _is_plain(file)):
        yield None
        return
    followed = Followed(file.fileno(), grows=False)
    try:
        yield followed
    finally:
        followed.stop()


@contextlib.contextmanager
def crossing(
    source: Place,
    file: Ahead,
    target: Place,
    *,
    hashed: Followed | None,
    overwrite: bool,
    progress: Report | None,
) -> Iterator[Crossing]:
    """Open the way from a source to a target; a file appears when the block ends well.

    Args:
        source: what is read, for its name and size.
        file: the same, open at its beginning.
        target: where to.
        hashed: from `hashed_ahead`.
        overwrite: replace an existing file.
        progress: called with 0, the bytes that were done, and the share of the source's size.
    """
    if hashed and isinstance(source, Path) and isinstance(target, Path):
        size = os.fstat(file.fileno()).st_size
        with new_file(target, overwrite=overwrite) as made:
            written = Followed(made.fileno(), grows=True, progress=_told(progress, size))
            try:
                yield Beside(source, target, hashed, written)
            finally:
                written.stop()
        return
    with streamed(
        Watched(file, source, progress), name_of(source), target, overwrite=overwrite
    ) as through:
        yield through


@contextlib.contextmanager
def streamed(
    reader: HashingReader, source: str, target: Place, *, overwrite: bool
) -> Iterator[Crossing]:
    """Open the way from a stream to a target; a file appears when the block ends well."""
    with opened_target(target, overwrite=overwrite) as writer:
        yield Through(reader, source, writer, name_of(target))


class Followed:
    """A file that is hashed in a thread of its own while somebody reads it, or makes it longer.

    The thread takes the time that gpg leaves. What it has not come to by the end is hashed then.

    Attributes:
        descriptor: of the file.
    """

    def __init__(
        self, descriptor: int, *, grows: bool, progress: Callable[[int], None] | None = None
    ) -> None:
        self.descriptor = descriptor
        self._grows, self._progress = grows, progress or (lambda _: None)
        self._hash, self._count, self._sent = hashlib.sha256(), 0, 0
        self._piece = bytearray(_PIECE)
        self._ended = threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="piienc-hash", daemon=True)
        self._thread.start()

    def end(self) -> tuple[int, str]:
        """Hash to the end; return the number of bytes, and the hash."""
        self.stop()
        if self._failed:
            raise self._failed
        while self._take():
            pass
        return self._count, self._hash.hexdigest()

    def stop(self) -> None:
        """End the thread, wherever it is."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        with contextlib.suppress(OSError):
            # Of this thread alone: setpriority(2), under C library/kernel differences.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELDING)
        try:
            while not self._ended.is_set() and (self._take() or self._grows):
                pass
        except Exception as error:  # noqa: BLE001  # raised by end(): half a hash is none
            self._failed = error

    def _take(self) -> int:
        """Hash the next piece, and return its size; 0 if there is none yet."""
        size = os.preadv(self.descriptor, [self._piece], self._count)
        self._hash.update(memoryview(self._piece)[:size])
        self._count += size
        if size:
            self._progress(self._count)
        elif not self._ended.is_set():
            time.sleep(_REST)
        if self._grows and self._count - self._sent >= _WRITE_BEHIND:
            begin_writing_out(self.descriptor, self._sent, self._count - self._sent)
            self._sent = self._count
        return size


def _told(progress: Report | None, size: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda count: progress(0, count, min(1.0, count / size) if size else None)


def _is_plain(file: Ahead) -> bool:
    """Tell whether gpg can open a file that we have open."""
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and Path("/proc/self/fd").is_dir()
