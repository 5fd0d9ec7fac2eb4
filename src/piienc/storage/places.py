"""Where a step reads and writes: a file by its path, or an open stream."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from piienc.base.files import new_file, open_input, translated
from piienc.errors import InputError
from piienc.storage.content import HEAD, is_parquet
from piienc.storage.hashing import FollowedFile, HashingReader, HashingWriter, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.storage.hashing import Readable

_PIECE = 256 << 10  # bytes copied at a time

Place = Path | BinaryIO
"""A file by its path, or an open binary stream: standard input or output."""


class Begun(Struct, frozen=True):
    """A file or stream that is being read: opened once, and looked at before it is read.

    Attributes:
        name: what messages and receipts call it.
        reader: at its beginning; counts and hashes what is read.
        head: what it begins with: enough to tell what it is.
        path: where it is; None for a stream.
        file: the file below, if it can be opened once more; a pipe cannot.
        facts: what the system tells of the file that was opened by its path.
    """

    name: str
    reader: ReadAhead | HashingReader
    head: bytes
    path: Path | None = None
    file: BinaryIO | None = None
    facts: os.stat_result | None = None

    @property
    def size(self) -> int:
        """The file's size in bytes; 0 where that cannot be known."""
        return os.fstat(self.file.fileno()).st_size if self.file else 0

    @contextlib.contextmanager
    def sought(self) -> Iterator[BinaryIO]:
        """Open it for reading at any place, which formats with a footer need.

        A stream is read to its end, into a file without a name in the folder for temporary files,
        which is gone with this process, however that ends.

        Raises:
            IncompleteError: that folder is full.
        """
        if self.file is not None:
            # The very file that is hashed, also where its name was given to another meanwhile.
            with open_input(Path(f"/proc/self/fd/{self.file.fileno()}")) as again:
                yield again
            return
        folder = "the folder for temporary files"
        with contextlib.ExitStack() as stack:
            with translated(folder):
                copy = stack.enter_context(TemporaryFile())
            while piece := self.reader.read(_PIECE):
                with translated(folder):
                    copy.write(piece)
            with translated(folder):
                copy.seek(0)
            yield copy


class Named(Struct, frozen=True):
    """An open stream for a file of a name, whose ending tells the format.

    Attributes:
        path: the name.
        stream: open for writing; a pipe, say.
    """

    path: PurePath
    stream: BinaryIO


@contextlib.contextmanager
def begun(place: Place | Begun, *, ahead: bool = False) -> Iterator[Begun]:
    """Begin to read.

    Args:
        place: a file or an open stream; what was begun already is given back.
        ahead: read a file in a thread of its own, while what works on it is still imported.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    if isinstance(place, Begun):
        yield place
        return
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_input(place)) if isinstance(place, Path) else place
        own = _opens_again(file)
        path = place if isinstance(place, Path) else None
        facts = os.fstat(file.fileno()) if path else None
        reader: ReadAhead | HashingReader = HashingReader(file)
        with _reading(name_of(place)):
            head = os.pread(file.fileno(), HEAD, 0) if own else reader.peek(HEAD)
        # Nothing is gained for a file that is read from its end.
        if ahead and own and not is_parquet(head):
            reader = stack.enter_context(ReadAhead(file))
        yield Begun(name_of(place), reader, head, path, file if own else None, facts)


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot read {name}: {os.strerror(error.errno or 0)}",
            hint="check the disk that it is on",
        ) from error


def _opens_again(file: BinaryIO) -> bool:
    """Tell whether a file's descriptor is one of a regular file that is read from its beginning."""
    if not isinstance(getattr(file, "raw", file), io.FileIO):
        return False  # what decompresses, say, has the descriptor of other bytes
    regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    return regular and not file.tell() and os.access(f"/proc/self/fd/{file.fileno()}", os.R_OK)


@contextlib.contextmanager
def streamed(stream: Readable, name: str) -> Iterator[Begun]:
    """Begin to read what comes from a pipe, under a name.

    Args:
        stream: at its beginning.
        name: what messages call it.
    """
    with contextlib.closing(HashingReader(stream)) as reader:
        yield Begun(name, reader, reader.peek(HEAD))


class Hashed(Struct, frozen=True):
    """A file that is being hashed already, while what works on it is still imported.

    Attributes:
        path: where it is.
        file: at its beginning.
        digest: what hashes it.
    """

    path: Path
    file: BinaryIO
    digest: FollowedFile


@contextlib.contextmanager
def hashed(path: Path) -> Iterator[Hashed]:
    """Begin to hash a file.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    with open_input(path) as file, contextlib.closing(FollowedFile(file.fileno())) as digest:
        yield Hashed(path, file, digest)


def name_of(place: Place | Begun | Hashed | Named) -> str:
    """Return what messages and receipts call a place."""
    if isinstance(place, Begun):
        return place.name
    if isinstance(place, Hashed | Named):
        return str(place.path)
    return str(place) if isinstance(place, PurePath) else "-"


@contextlib.contextmanager
def opened_target(place: Place | Named, *, overwrite: bool) -> Iterator[HashingWriter]:
    """Open a place for writing; a file appears when the block ends without an error.

    Yields:
        The writer that counts and hashes.

    Raises:
        PolicyError: the file is there already and `overwrite` is false.
        IncompleteError: it could not be written, a full disk among the causes.
    """
    stream = place.stream if isinstance(place, Named) else place
    opened = (
        new_file(stream, overwrite=overwrite) if isinstance(stream, Path) else _open_stream(stream)
    )
    with opened as file:
        writer = HashingWriter(file)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise


@contextlib.contextmanager
def _open_stream(stream: BinaryIO) -> Iterator[BinaryIO]:
    with translated(name_of(stream)):
        yield stream
        stream.flush()
