"""Local files, read at any place by several threads."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


def reader_of(source: BinaryIO) -> Callable[[int, int], bytes]:
    """Return a function of `offset` and `count`, which any thread may call.

    Raises:
        InputError: by the function: the file cannot be read, or ends before `offset + count`.
    """
    lock = threading.Lock()
    descriptor = None
    with contextlib.suppress(AttributeError, io.UnsupportedOperation):
        descriptor = source.fileno()

    def some(offset: int, count: int) -> bytes:
        if descriptor is not None:
            return os.pread(descriptor, count, offset)
        with lock:
            source.seek(offset)
            return source.read(count)

    def read(offset: int, count: int) -> bytes:
        data = b""
        try:
            while len(data) < count and (more := some(offset + len(data), count - len(data))):
                data = data + more if data else more
        except OSError as error:
            raise InputError(
                f"cannot read the file that is sent: {os.strerror(error.errno or 0)}",
                hint="check the disk, and run the same command again",
            ) from error
        if len(data) < count:
            raise InputError(
                "the file that is sent has become shorter while it was read",
                hint="wait until it is no longer written, and run the same command again",
            )
        return data

    return read


def equal_bytes(one: bytes, other: bytes) -> int:
    """Return how many bytes at the beginning of both are the same."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(at for at in range(shorter) if one[at] != other[at])
