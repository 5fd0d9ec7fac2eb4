"""What is written: a local file or an open stream; another kind is one class more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from msgspec import Struct

from piienc.base import files
from piienc.base.files import new_file, translated
from piienc.storage.hashing import HashingWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from piienc.storage.source import Source


class Target(Protocol):
    """Where something is written to."""

    @property
    def name(self) -> str:
        """What messages and receipts call it; its ending tells the format."""

    @property
    def path(self) -> Path | None:
        """Where its file appears, whole or not at all; None if what is written is seen at once."""

    def opened(self, *, overwrite: bool) -> AbstractContextManager[HashingWriter]:
        """Open it for writing; a file appears when the block ends without an error.

        Yields:
            The writer that counts and hashes.

        Raises:
            PolicyError: the file is there already and `overwrite` is false.
            IncompleteError: it could not be written, a full disk among the causes.
        """


class FileTarget(Struct, frozen=True):
    """A local file, or a folder of files that is to be made."""

    path: Path

    @property
    def name(self) -> str:
        """What messages and receipts call it."""
        return str(self.path)

    @contextlib.contextmanager
    def opened(self, *, overwrite: bool) -> Iterator[HashingWriter]:
        """Open it for writing."""
        with new_file(self.path, overwrite=overwrite) as file, _written(file) as writer:
            yield writer


class StreamTarget(Struct, frozen=True):
    """An open stream: standard output, or a file under a name that somebody else sees to."""

    stream: BinaryIO
    name: str = "-"

    path = None  # what is written can be seen at once

    @contextlib.contextmanager
    def opened(self, *, overwrite: bool) -> Iterator[HashingWriter]:  # noqa: ARG002  # nothing is there
        """Write to it."""
        with translated(self.name), _written(self.stream) as writer:
            yield writer
            self.stream.flush()


@contextlib.contextmanager
def _written(file: BinaryIO) -> Iterator[HashingWriter]:
    writer = HashingWriter(file)
    try:
        yield writer
    except BaseException:
        writer.abandon()
        raise


def refuse_same(source: Source, target: Target) -> None:
    """Refuse an output that is read, also through a symbolic or a hard link.

    Raises:
        PolicyError: both lead to one file.
    """
    if source.path and target.path:
        files.refuse_same(source.path, target.path)
