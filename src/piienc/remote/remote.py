"""The seam: what any destination can do, and the plain values that it deals in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, TypeVar

from msgspec import Struct

from piienc.errors import IncompleteError
from piienc.remote.sources import equal_bytes, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from piienc.storage.hashing import Writable

T = TypeVar("T")
Other = TypeVar("Other")

FILE, FOLDER, OTHER, UNKNOWN = "file", "folder", "other", "unknown"


class FileAttributes(Struct, frozen=True):
    """The attributes of a file at a destination.

    Attributes:
        size: in bytes, if known.
        modified: in seconds since 1970, if known.
        kind: `FILE`, `FOLDER` or `OTHER`; `UNKNOWN` if not known.
        mode: its permissions, if known.
    """

    size: int | None
    modified: float | None = None
    kind: str = FILE
    mode: int | None = None


UNSEEN = FileAttributes(None, None, UNKNOWN)
"""What is known of a file where the destination does not tell whether there is one."""


class DirectoryEntry(Struct, frozen=True):
    """A file in the folder.

    Attributes:
        name: a plain name, as `names.safe_name` accepts it, our temporary names included.
        facts: its attributes; those of a link are the link's own.
    """

    name: str
    facts: FileAttributes


class WriteMode(Struct, frozen=True):
    """How a file is written.

    Attributes:
        offset: the first byte to write. 0 creates the file; else it must exist.
        once: open the file once, write it in order, and close it once.
        over: with `offset` 0, replace a file of that name.
        on_created: called when the file was created, before anything is written.
        on_warning: called with a sentence about what could not be done.
    """

    offset: int = 0
    once: bool = False
    over: bool = False
    on_created: Callable[[], object] = lambda: None
    on_warning: Callable[[str], object] = lambda _: None


FREELY = WriteMode()
"""A new file, in whatever way is fastest."""


class Remote(Protocol):
    """A folder to which files are delivered.

    Names are plain names of files in this folder; any other raises `PolicyError`. Methods may
    be called by several threads at the same time, but for one name by one thread only.

    All methods raise `IncompleteError` when the destination fails or refuses, `transient` where
    trying again may help, and `ConnectError` when it cannot be reached again.
    """

    @property
    def concurrency(self) -> int:
        """How many files may usefully be on their way at the same time."""

    @property
    def alive(self) -> bool:
        """Whether it is connected, as far as that is known without asking."""

    def stat(self, name: str) -> FileAttributes | None:
        """Return what is told of a file; None if there is none.

        Raises:
            IncompleteError: that cannot be told; some servers allow no such question.
        """

    def entries(self, refused: Callable[[str], object] | None = None) -> Iterator[DirectoryEntry]:
        """List the folder.

        Args:
            refused: called with each name that is not plain and therefore skipped, escaped for
                messages.
        """

    def upload(
        self,
        name: str,
        source: BinaryIO,
        *,
        size: int,
        manner: WriteMode = FREELY,
        progress: Callable[[int], object] | None = None,
    ) -> FileAttributes | None:
        """Write a local file's bytes up to `size` into a file of the destination.

        On return, all bytes are acknowledged, and flushed to disk if the destination supports it.
        Blocks are sent roughly in order, so an interrupted file may have holes: `same_prefix`
        returns how much of it is good.

        Args:
            name: the file's name; the file gets the mode of the options, if they have one.
            source: read by `os.pread` if it is a file, else by `seek` and `read`.
            size: the size of the whole file.
            manner: where to begin, and how to write.
            progress: called with numbers of acknowledged bytes.

        Returns:
            The file's attributes; a known size is the right one. None if they are unknown, or if
            the receiver took a file with its final name at once.

        Raises:
            NameTakenError: the name is taken, and must not be replaced.
            OutOfOrderError: the file must be written in one go, and was not.
            InputError: the source ends before `size`.
        """

    def blocks(self, name: str, begin: int, end: int | None) -> Generator[bytes | memoryview]:
        """Read a file's bytes from `begin` to `end`, or to its end, in order.

        Yields:
            The bytes, a bounded number at a time. It ends early where the file ends.
        """

    def is_missing(self, name: str) -> bool:
        """Tell whether a file is known not to be there."""
        return self.stat(name) is None

    def download(
        self,
        name: str,
        sink: Writable,
        *,
        size: int | None,
        offset: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Write a file's bytes from `offset` to `size`, or to its end, in order, to a local sink.

        Raises:
            IncompleteError: it is not there, or ends before `size`.
        """
        at = offset
        with closing(self.blocks(name, offset, size)) as blocks:
            for data in blocks:
                sink.write(data)
                at += len(data)
                if progress:
                    progress(len(data))
        if size is not None and at < size:
            raise IncompleteError(
                f"{name} ends at {at} bytes, before {size}",
                hint="it has changed while it was fetched: run the same command again",
            )

    def same_prefix(
        self,
        name: str,
        source: BinaryIO,
        size: int,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Read a file back, and return how many of its first bytes equal those of a local file.

        Args:
            name: the file; 0 is returned if it is missing.
            source: read as by `upload`.
            size: the largest number of bytes to compare.
            progress: called with numbers of equal bytes.
        """
        if self.is_missing(name):
            return 0
        read, same = reader_of(source), 0
        with closing(self.blocks(name, 0, size)) as blocks:
            for data in blocks:
                equal = equal_bytes(bytes(data), read(same, len(data)))
                same += equal
                if progress and equal:
                    progress(equal)
                if equal < len(data):
                    break
        return same

    def publish(self, temporary: str, final: str, *, replace: bool) -> None:
        """Give a finished file its final name.

        Args:
            temporary: its current name.
            final: its new name.
            replace: replace a file of that name, in one step if the destination supports it.

        Raises:
            NameTakenError: `replace` is false, and the name is taken.
        """

    def remove(self, name: str) -> bool:
        """Remove a file; tell whether there was one."""

    def free_space(self) -> int | None:
        """Return the free space in bytes, if the destination reports it."""

    def can_write(self, *, make: bool = True) -> bool:
        """Make sure that files can be made here, by making and removing an empty one.

        Args:
            make: false where even an empty file is too much; then only what shows without it does.

        Returns:
            Whether it was tried: nothing is made that may not be removed again.
        """

    def close(self) -> None:
        """End the connection; it may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def unless_refused(action: Callable[[], T], otherwise: Other) -> T | Other:
    """Return what an action returns, or something else where the destination refuses it for good.

    Raises:
        IncompleteError: the connection fails, or trying again may help.
    """
    try:
        return action()
    except IncompleteError as error:
        if error.transient:
            raise
        return otherwise


def find(remote: Remote, name: str) -> FileAttributes | None:
    """Return the attributes of a file; None if it is missing, `UNSEEN` if that is unknown.

    Some servers deny the request, or report a missing file as a general failure.

    Raises:
        IncompleteError: the connection fails.
    """
    return unless_refused(lambda: remote.stat(name), UNSEEN)
