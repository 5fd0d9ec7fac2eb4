"""The seam: what any destination can do, and the plain values that it deals in."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.hashing import Writable

FILE, FOLDER, OTHER = "file", "folder", "other"


class Facts(Struct, frozen=True):
    """What a destination tells of a file.

    Attributes:
        size: in bytes.
        modified: in seconds since 1970, if it is told.
        kind: `FILE`, `FOLDER` or `OTHER`.
    """

    size: int
    modified: float | None = None
    kind: str = FILE


class Entry(Struct, frozen=True):
    """A file in the folder.

    Attributes:
        name: a plain name, as `names.safe_name` lets it pass; one of our own, too.
        facts: what is told of it. Of a link, this is the link itself.
    """

    name: str
    facts: Facts


class Remote(Protocol):
    """A folder to which files are delivered.

    Names are plain names of files in this folder; any other raises `PolicyError`. Methods may
    be called by several threads at the same time, but for one name by one thread only.

    All methods raise `IncompleteError` when the destination fails or refuses, `transient` where
    trying again may help, and `ConnectError` when it cannot be reached again.
    """

    @property
    def lanes(self) -> int:
        """How many files may usefully be on their way at the same time."""

    @property
    def alive(self) -> bool:
        """Whether it is connected, as far as that is known without asking."""

    def stat(self, name: str) -> Facts | None:
        """Return what is told of a file; None if there is none."""

    def entries(self, refused: Callable[[str], object] | None = None) -> Iterator[Entry]:
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
        offset: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> Facts:
        """Write a local file's bytes from `offset` to `size` into a file of the destination.

        When it returns, all bytes were acknowledged, and are on the disk where the destination
        can see to that. Blocks are sent about in order, but a broken-off file may have holes:
        `same_prefix` tells how far it is good.

        Args:
            name: with `offset` 0 the file is made, private (0600) where the destination heeds
                it; else it must be there.
            source: read by `os.pread` if it is a file, else by `seek` and `read`.
            size: where to stop: the size of the whole file.
            offset: where to begin.
            progress: told of the bytes that were acknowledged.

        Returns:
            What the destination tells of the file; its size is as it should be.

        Raises:
            NameTakenError: `offset` is 0 and the name is taken.
            InputError: the source ends before `size`.
        """

    def download(
        self,
        name: str,
        sink: Writable,
        *,
        size: int,
        offset: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Write a file's bytes from `offset` to `size`, in order, to a local sink.

        Raises:
            IncompleteError: it is not there, or ends before `size`.
        """

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

    def can_write(self) -> None:
        """Make sure that files can be made here, by making and removing an empty one."""

    def close(self) -> None:
        """End the connection; it may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
