"""From one end to the other, counted and hashed: by a stream, or beside gpg's own work on files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.openpgp.gpg.routes import GpgFiles, GpgStreams
from piienc.openpgp.packets import HEAD
from piienc.openpgp.pipes import PipeThread
from piienc.report.receipt import FileFacts
from piienc.storage import FileTarget
from piienc.storage.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from typing_extensions import Buffer

    from piienc.openpgp.gpg.routes import GpgRoute
    from piienc.report.receipt import Receipt
    from piienc.storage import OpenedSource, Target
    from piienc.storage.hashing import HashingReader, HashingWriter
    from piienc.storage.progress import OnProgress

_PIECE = 256 << 10  # bytes hashed at a time
_UNMETERED = Meter(None, 0)


class GpgOutput:
    """What gpg writes, on its way to the target; its beginning is kept."""

    def __init__(self, writer: HashingWriter, name: str) -> None:
        self._writer, self._name = writer, name
        self.head = b""

    def write(self, data: Buffer) -> None:
        """Write all of `data`."""
        if len(self.head) < HEAD:
            self.head += bytes(memoryview(data)[: HEAD - len(self.head)])
        self._writer.write(data)

    def facts(self) -> FileFacts:
        """Return what was written so far."""
        return FileFacts(self._name, self._writer.count, self._writer.sha256())


class ByteRoute(Struct, frozen=True):
    """A pass of data through gpg.

    Attributes:
        route: how the bytes go through gpg.
        read: returns what was read, once the route was run.
        output: what was written.
    """

    route: GpgRoute
    read: Callable[[], FileFacts]
    output: GpgOutput


class _MeteredReader(Struct, frozen=True):
    reader: HashingReader
    meter: Meter

    def read(self, size: int = -1, /) -> bytes:
        data = self.reader.read(size)
        self.meter.add(len(data))
        return data


def crossing(
    source: OpenedSource, target: Target, *, overwrite: bool, progress: OnProgress | None
) -> AbstractContextManager[ByteRoute]:
    """Open the route from a source to a target; a file appears when the block succeeds.

    Args:
        source: at its beginning.
        target: where to.
        overwrite: replace an existing file.
        progress: called with 0, the bytes that were done, and the share of the source's size.
    """
    meter = Meter(progress, source.size)
    followed = source.followed() if target.path and Path("/proc/self/fd").is_dir() else None
    if followed is None:
        return streamed(source.reader, source.name, target, overwrite=overwrite, meter=meter)
    return _by_files(
        followed.descriptor,
        lambda: FileFacts(source.name, *source.finish()),
        target,
        meter,
        overwrite=overwrite,
    )


@contextlib.contextmanager
def streamed(
    reader: HashingReader,
    source: str,
    target: Target,
    *,
    overwrite: bool,
    meter: Meter = _UNMETERED,
) -> Iterator[ByteRoute]:
    """Open the way from a stream to a target; a file appears when the block ends well."""
    with target.opened(overwrite=overwrite) as writer:
        output = GpgOutput(writer, target.name)
        yield ByteRoute(
            GpgStreams(_MeteredReader(reader, meter), output.write),
            lambda: FileFacts(source, reader.count, reader.sha256()),
            output,
        )


def joined(table: PipeThread[Receipt], target: Path) -> AbstractContextManager[ByteRoute]:
    """Open the route from a table being encrypted to a new file, without a file in between."""
    end = FileTarget(target)
    return _by_files(table.descriptor, lambda: table.finish().output, end, steady=False)


@contextlib.contextmanager
def _by_files(
    source: int,
    read: Callable[[], FileFacts],
    target: Target,
    meter: Meter = _UNMETERED,
    *,
    overwrite: bool = False,
    steady: bool = True,
) -> Iterator[ByteRoute]:
    # gpg's work is one thread's. Of 0.7 s for 500 MB, it spends 0.25 s in the system's page cache
    # if it writes the file itself. So it writes to a pipe, and a thread of ours to the file.
    def write(end: int) -> None:
        piece = bytearray(_PIECE)
        while size := os.readv(end, [piece]):
            output.write(memoryview(piece)[:size])
            meter.add(size)

    with target.opened(overwrite=overwrite) as writer:
        output = GpgOutput(writer, target.name)
        with PipeThread("piienc-write", write, reads=True) as pipe:
            yield ByteRoute(GpgFiles(source, pipe, steady=steady), read, output)
