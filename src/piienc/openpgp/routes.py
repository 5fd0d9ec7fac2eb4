"""From one end to the other, counted and hashed: by a stream, or beside gpg's own work on files."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from piienc.base.files import begin_writing_out, new_file
from piienc.openpgp.gpg.routes import GpgFiles, GpgStreams
from piienc.report.receipt import FileFacts
from piienc.storage.streams import HEAD, HeadWriter, ObservedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.openpgp.gpg.routes import GpgRoute
    from piienc.storage import OpenedSource, Target
    from piienc.storage.hashing import HashingReader, HashingWriter, ReadAhead
    from piienc.storage.streams import Report

_PIECE = 256 << 10  # bytes hashed at a time
_WRITE_BEHIND = 8 << 20  # bytes handed to the disk at a time, while the next are made
_PIPE = 1 << 20  # bytes: what a user may have without asking, by pipe(7)


class ByteRoute(Protocol):
    """A pass of data from one end to the other."""

    @property
    def route(self) -> GpgRoute:
        """How the bytes go through gpg."""

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""

    def read(self) -> FileFacts:
        """Tell, when the route was run, what was read."""

    def written(self) -> FileFacts:
        """Tell, when the route was run, what was written."""


class StreamRoute:
    """By streams, which are counted and hashed as they pass."""

    def __init__(
        self,
        reader: HashingReader | ReadAhead,
        source: str,
        writer: HashingWriter,
        target: str,
        told: Callable[[int], None],
    ) -> None:
        self._reader, self._source, self._writer, self._target = reader, source, writer, target
        self._head = HeadWriter(writer)
        self.route = GpgStreams(ObservedStream(reader, told), self._head.write)

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


class FileRoute:
    """By gpg itself: it reads the one file, and hands what is to be the other one to a thread."""

    def __init__(self, source: OpenedSource, target: str, descriptor: int, written: Poured) -> None:
        self._source, self._target, self._written = source, target, written
        self.route = GpgFiles(descriptor, written)

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""
        return os.pread(self._written.file, HEAD, 0)

    def read(self) -> FileFacts:
        """Tell what was read.

        Raises:
            InputError: it cannot be read.
        """
        return FileFacts(self._source.name, *self._source.finish())

    def written(self) -> FileFacts:
        """Tell what was written."""
        return FileFacts(self._target, self._written.count, self._written.sha256())


@contextlib.contextmanager
def crossing(
    source: OpenedSource, target: Target, *, overwrite: bool, progress: Report | None
) -> Iterator[ByteRoute]:
    """Open the way from a source to a target; a file appears when the block ends well.

    Args:
        source: at its beginning.
        target: where to.
        overwrite: replace an existing file.
        progress: called with 0, the bytes that were done, and the share of the source's size.
    """
    told = share_of(source.size, progress)
    followed = source.followed() if target.path and Path("/proc/self/fd").is_dir() else None
    if not (target.path and followed):
        with streamed(
            source.reader, source.name, target, overwrite=overwrite, told=told
        ) as through:
            yield through
        return
    with (
        new_file(target.path, overwrite=overwrite) as made,
        Poured(made.fileno(), told) as written,
    ):
        yield FileRoute(source, target.name, followed.descriptor, written)


@contextlib.contextmanager
def streamed(
    reader: HashingReader | ReadAhead,
    source: str,
    target: Target,
    *,
    overwrite: bool,
    told: Callable[[int], None] = lambda _: None,
) -> Iterator[ByteRoute]:
    """Open the way from a stream to a target; a file appears when the block ends well.

    Args:
        reader: counts and hashes what is read.
        source: the stream's name.
        target: where to.
        overwrite: replace an existing file.
        told: called with the bytes that were read.
    """
    with target.opened(overwrite=overwrite) as writer:
        yield StreamRoute(reader, source, writer, target.name, told)


class Poured:
    """A file that a thread writes and hashes: what it takes from a pipe.

    gpg's work is one thread's. Of 0.7 s for 500 MB, it spends 0.25 s in the system's page cache
    if it writes the file itself.

    Attributes:
        file: the file's descriptor.
        descriptor: the end of the pipe that is written to.
        count: the bytes written so far.
    """

    def __init__(self, file: int, progress: Callable[[int], None] = lambda _: None) -> None:
        self.file, self.count = file, 0
        self._progress = progress
        self._hash, self._sent = hashlib.sha256(), 0
        self._failed: Exception | None = None
        self._end, self.descriptor = os.pipe()
        with contextlib.suppress(OSError, AttributeError):  # Linux, and within a user's limit
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, _PIPE)
        self._thread = threading.Thread(target=self._run, name="piienc-write", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def finish(self) -> None:
        """Write all that the pipe holds; nobody may write to it any more.

        Raises:
            OSError: the file could not be written.
        """
        self._close()
        if self._failed:
            raise self._failed

    def sha256(self) -> str:
        """Return the hash of what was written."""
        return self._hash.hexdigest()

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._thread.join()

    def _run(self) -> None:
        piece = bytearray(_PIECE)
        try:
            while size := os.readv(self._end, [piece]):
                self._take(memoryview(piece)[:size])
        except Exception as error:  # noqa: BLE001  # raised by finish()
            self._failed = error
        finally:
            os.close(self._end)  # who writes gets a broken pipe, and ends

    def _take(self, data: memoryview) -> None:
        self._hash.update(data)
        self.count += len(data)
        while data:
            data = data[os.write(self.file, data) :]
        self._progress(self.count)
        if self.count - self._sent >= _WRITE_BEHIND:
            begin_writing_out(self.file, self._sent, self.count - self._sent)
            self._sent = self.count


def share_of(size: int, progress: Report | None) -> Callable[[int], None]:
    """Return what tells the share of a size that so many bytes are."""
    if progress is None:
        return lambda _: None
    return lambda count: progress(0, count, min(1.0, count / size) if size else None)
