"""Where a step reads and writes: a file by its path, or an open stream."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from piienc.files import new_file, open_input, translated
from piienc.hashing import Followed, HashingWriter, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARQUET = {".parquet", ".pq"}

Place = Path | BinaryIO
"""A file by its path, or an open binary stream: standard input or output."""


class Begun(Struct, frozen=True):
    """A file that is being read already, while what works on it is still imported.

    Attributes:
        path: where it is.
        reader: at its beginning.
    """

    path: Path
    reader: ReadAhead


class Named(Struct, frozen=True):
    """An open stream for a file of a name, whose ending tells the format.

    Attributes:
        path: the name.
        stream: open for writing; a pipe, say.
    """

    path: PurePath
    stream: BinaryIO


@contextlib.contextmanager
def begun(path: Path) -> Iterator[Begun]:
    """Begin to read a file.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    with open_input(path) as file, ReadAhead(file) as reader:
        yield Begun(path, reader)


class Hashed(Struct, frozen=True):
    """A file that is being hashed already, while what works on it is still imported.

    Attributes:
        path: where it is.
        file: at its beginning.
        digest: what hashes it.
    """

    path: Path
    file: BinaryIO
    digest: Followed


@contextlib.contextmanager
def hashed(path: Path) -> Iterator[Hashed]:
    """Begin to hash a file.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    with open_input(path) as file, contextlib.closing(Followed(file.fileno())) as digest:
        yield Hashed(path, file, digest)


def name_of(place: Place | Begun | Hashed | Named) -> str:
    """Return what messages and receipts call a place."""
    if isinstance(place, Begun | Hashed | Named):
        return str(place.path)
    return str(place) if isinstance(place, PurePath) else "-"


def is_parquet(place: Place | Begun | Named) -> bool:
    """Tell whether a place holds Parquet, by its name."""
    return PurePath(name_of(place)).suffix.lower() in _PARQUET


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
