"""What is read: a local file or an open stream; another kind is one class more."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from msgspec import Struct

from piienc.base.files import open_input, reading, translated
from piienc.storage.content import HEAD, is_parquet
from piienc.storage.hashing import FollowedFile, HashingReader, Readable, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from typing_extensions import TypeIs

_PIECE = 256 << 10  # bytes copied at a time
_DISK = "check the disk that it is on"


class Source(Protocol):
    """What can be read, wherever it is."""

    @property
    def name(self) -> str:
        """What messages and receipts call it."""

    @property
    def folder(self) -> Path | None:
        """The folder that it is, if it has files in place of bytes."""

    @property
    def path(self) -> Path | None:
        """Where it is on this machine; None for a stream."""

    def opened(self, *, ahead: bool = False) -> AbstractContextManager[OpenedSource]:
        """Begin to read; what was opened already gives itself.

        Args:
            ahead: read a file in a thread of its own, while what works on it is still imported.

        Raises:
            InputError: it is missing, a folder, or may not be read.
        """


class OpenedSource:
    """A source that is being read: opened once, and looked at before it is read.

    Attributes:
        name: what messages and receipts call it.
        path: where it is on this machine; None for a stream.
        reader: at its beginning; counts and hashes what is read.
        head: what it begins with: enough to tell what it is.
        file: the file below, if it can be opened once more; a pipe cannot.
        facts: what the system told of that file when it was opened.
    """

    folder = None

    def __init__(
        self,
        file: Readable,
        name: str,
        path: Path | None,
        stack: contextlib.ExitStack,
        *,
        ahead: bool = False,
    ) -> None:
        self.name, self.path, self._stack = name, path, stack
        self.file = file if _opens_again(file) else None
        self.facts = os.fstat(self.file.fileno()) if self.file else None
        stream = _NamedStream(file, name)
        self.reader = HashingReader(stream)
        self.head = self.peek(HEAD)
        # Nothing is gained for what is read from its end, and memory is lost.
        if ahead and self.file and not is_parquet(self.head):
            self.reader = stack.enter_context(ReadAhead(stream))
        self._followed: FollowedFile | None = None

    @property
    def size(self) -> int:
        """The file's size in bytes; 0 where that cannot be known."""
        return self.facts.st_size if self.facts else 0

    @contextlib.contextmanager
    def opened(self, *, ahead: bool = False) -> Iterator[OpenedSource]:  # noqa: ARG002  # it is read
        """Give itself."""
        yield self

    def peek(self, size: int) -> bytes:
        """Look at up to `size` bytes of its beginning, before it is read.

        Raises:
            InputError: it cannot be read.
        """
        if not self.file:
            return self.reader.peek(size)
        with reading(self.name, _DISK):
            return os.pread(self.file.fileno(), size, 0)

    def followed(self) -> FollowedFile | None:
        """Hash it in a thread of its own, from the first call on, while another program reads it.

        Returns:
            What hashes it; None for a pipe, of which each byte is read once.
        """
        if self.file and not self._followed:
            self.reader.close()  # which may have a thread that reads ahead
            following = contextlib.closing(FollowedFile(self.file.fileno()))
            self._followed = self._stack.enter_context(following)
        return self._followed

    def finish(self) -> tuple[int, str]:
        """Read what nobody has read; return the number of bytes, and the hash.

        Raises:
            InputError: it cannot be read.
        """
        if self._followed:
            with reading(self.name, _DISK):
                return self._followed.end()
        digest = self.reader.sha256()
        return self.reader.count, digest

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
            with open_input(_again(self.file)) as again:
                yield again
            return
        folder = "the folder for temporary files"
        with contextlib.ExitStack() as stack:
            with translated(folder):  # in writing; what goes wrong in reading is told as such
                copy = stack.enter_context(TemporaryFile())
                shutil.copyfileobj(self.reader, copy, _PIECE)
                copy.seek(0)
            yield copy


class FileSource(Struct, frozen=True):
    """A local file, or a folder of files."""

    path: Path

    @property
    def name(self) -> str:
        """What messages and receipts call it."""
        return str(self.path)

    @property
    def folder(self) -> Path | None:
        """The folder that it is, if it is one."""
        return self.path if self.path.is_dir() else None

    @contextlib.contextmanager
    def opened(self, *, ahead: bool = False) -> Iterator[OpenedSource]:
        """Begin to read."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_input(self.path))
            yield OpenedSource(file, self.name, self.path, stack, ahead=ahead)


class StreamSource(Struct, frozen=True):
    """An open stream, at its beginning: standard input, or what comes from a pipe."""

    stream: Readable
    name: str = "-"

    folder = path = None

    @contextlib.contextmanager
    def opened(self, *, ahead: bool = False) -> Iterator[OpenedSource]:  # noqa: ARG002  # who writes is ahead
        """Begin to read."""
        with contextlib.ExitStack() as stack:
            file = self.stream
            if _opens_again(file):
                # Other programs that we start have a standard input of their own.
                file = stack.enter_context(open_input(_again(file)))
            yield OpenedSource(file, self.name, None, stack)


class _NamedStream(Struct, frozen=True):
    """What is read, with a name for what goes wrong."""

    file: Readable
    name: str

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        with reading(self.name, _DISK):
            return self.file.read(size)


def _again(file: BinaryIO) -> Path:
    """Return a path of an open file that leads to no other one: proc(5)."""
    return Path(f"/proc/self/fd/{file.fileno()}")


def _opens_again(file: Readable) -> TypeIs[BinaryIO]:
    """Tell whether a file's descriptor is one of a regular file that is read from its beginning."""
    raw = getattr(file, "raw", file)
    if not isinstance(raw, io.FileIO):
        return False  # what decompresses, say, has the descriptor of other bytes
    regular = stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
    return (
        regular
        and not cast("BinaryIO", file).tell()
        and os.access(f"/proc/self/fd/{raw.fileno()}", os.R_OK)
    )
