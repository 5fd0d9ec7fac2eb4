"""Where a step reads and writes: a file by its path, or an open stream."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from piienc.files import new_file, translated
from piienc.hashing import HashingWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = Path | BinaryIO
"""A file by its path, or an open binary stream: standard input or output."""


def name_of(place: Place) -> str:
    """Return what messages and receipts call a place."""
    return str(place) if isinstance(place, PurePath) else "-"


@contextlib.contextmanager
def opened_target(place: Place, *, overwrite: bool) -> Iterator[HashingWriter]:
    """Open a place for writing; a file appears when the block ends without an error.

    Yields:
        The writer that counts and hashes.

    Raises:
        PolicyError: the file is there already and `overwrite` is false.
        IncompleteError: it could not be written, a full disk among the causes.
    """
    opened = (
        new_file(place, overwrite=overwrite) if isinstance(place, Path) else _open_stream(place)
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
