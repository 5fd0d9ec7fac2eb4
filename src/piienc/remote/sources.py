"""Local files, read at any place by several threads."""

from __future__ import annotations

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
    try:
        descriptor = source.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return _by_seeking(source)

    def read(offset: int, count: int) -> bytes:
        data = b""
        try:
            while more := os.pread(descriptor, count - len(data), offset + len(data)):
                data = data + more if data else more
                if len(data) == count:
                    break
        except OSError as error:
            raise _unreadable(error) from error
        return _whole(data, count)

    return read


def _by_seeking(source: BinaryIO) -> Callable[[int, int], bytes]:
    lock = threading.Lock()

    def read(offset: int, count: int) -> bytes:
        with lock:
            try:
                source.seek(offset)
                data = source.read(count)
            except OSError as error:
                raise _unreadable(error) from error
        return _whole(data, count)

    return read


def _unreadable(error: OSError) -> InputError:
    return InputError(
        f"cannot read the file that is sent: {os.strerror(error.errno or 0)}",
        hint="check the disk, and run the same command again",
    )


def _whole(data: bytes, count: int) -> bytes:
    if len(data) < count:
        raise InputError(
            "the file that is sent has become shorter while it was read",
            hint="wait until it is no longer written, and run the same command again",
        )
    return data


def equal_bytes(one: bytes, other: bytes) -> int:
    """Return how many bytes at the beginning of both are the same."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    low, high = 0, shorter
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
