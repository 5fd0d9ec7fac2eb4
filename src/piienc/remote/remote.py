"""The seam: what any destination can do, and the plain values that it deals in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from msgspec import Struct

from piienc.errors import IncompleteError
from piienc.remote.sources import equal_bytes, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from piienc.storage.hashing import Writable

FILE, FOLDER, OTHER, UNKNOWN = "file", "folder", "other", "unknown"


class FileAttributes(Struct, frozen=True):
    """What a destination tells of a file.

    Attributes:
        size: in bytes, if it is told.
        modified: in seconds since 1970, if it is told.
        kind: `FILE`, `FOLDER` or `OTHER`; `UNKNOWN` if it is not told.
        mode: its permissions, if they are told.
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
        name: a plain name, as `names.safe_name` lets it pass; one of our own, too.
        facts: what is told of it. Of a link, this is the link itself.
    """

    name: str
    facts: FileAttributes


class WriteMode(Struct, frozen=True):
    """How a file is written.

    Attributes:
        offset: where to begin. With 0 the file is made; else it must be there.
        once: open it once, write it in order, and close it once.
        over: with `offset` 0, put it in the place of a file of that name.
        on_created: called when the file was made, before anything is written.
        on_warning: called with what could not be done with the file, in words.
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
            refused: told of each name that is not plain, and is therefore left out; escaped, as
                a message may show it.
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

        When it returns, all bytes were acknowledged, and are on the disk where the destination
        can see to that. Blocks are sent about in order, but a broken-off file may have holes:
        `same_prefix` tells how far it is good.

        Args:
            name: of the file; it gets the destination's mode, if the options have one.
            source: read by `os.pread` if it is a file, else by `seek` and `read`.
            size: where to stop: the size of the whole file.
            manner: where to begin, and what the destination bears.
            progress: told of the bytes that were acknowledged.

        Returns:
            What the destination tells of the file; its size is as it should be, if it is told.
            None if nothing is told, or a file with a name of its own was taken away at once.

        Raises:
            NameTakenError: the name is taken, and is not to be written over.
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
        """Read a file back, and return how many of its first bytes are those of a local file.

        Args:
            name: a file; if there is none, nothing is the same.
            source: read as `upload` does.
            size: how many bytes are compared at the most.
            progress: told of the bytes that were found equal.
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
            temporary: its name up to now.
            final: its name from now on.
            replace: put it in the place of a file of that name, in one step where the
                destination can do that.

        Raises:
            NameTakenError: `replace` is false, and the name is taken.
        """

    def remove(self, name: str) -> bool:
        """Remove a file; tell whether there was one."""

    def free_space(self) -> int | None:
        """Return how many bytes there is room for, if the destination tells."""

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


def find(remote: Remote, name: str) -> FileAttributes | None:
    """Return what is told of a file; None if there is none, `UNSEEN` if that is not told.

    Some servers deny the question, or answer that a file is not there by a failure.

    Raises:
        IncompleteError: the connection fails.
    """
    try:
        return remote.stat(name)
    except IncompleteError as error:
        if error.transient:
            raise
        return UNSEEN
