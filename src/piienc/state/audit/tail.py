"""The end of the log, as a crash may have left it."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

ZEROS = "0" * 64
"""What stands for the hash of the line before the first."""

_PIECE = 16 << 10  # bytes read at a time, from the end


class Tail(Struct, frozen=True):
    """Where the log ends.

    Attributes:
        number: of the last whole line; 0 if there is none.
        head: the SHA-256 of that line, in hex.
        end: where it ends, its line break not counted.
        signer: the key whose head was to follow it.
        torn: the SHA-256 of each line behind it that a crash has cut off, in order.
        closed: whether the file ends with a line break, or is empty.
    """

    number: int = 0
    head: str = ZEROS
    end: int = 0
    signer: str | None = None
    torn: tuple[str, ...] = ()
    closed: bool = True


def tail_of(descriptor: int) -> Tail:
    """Return the end of an open log: it is read backwards, to the last whole line."""
    size = os.fstat(descriptor).st_size
    closed = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
    torn: list[str] = []
    for line, end in lines_before(descriptor, size - (closed and size > 0)):
        digest = hashlib.sha256(line).hexdigest()
        if fields := _fields(line):
            number, signer = fields
            return Tail(number, digest, end, signer, tuple(reversed(torn)), closed)
        torn.append(digest)
    return Tail(torn=tuple(reversed(torn)), closed=closed)


def lines_before(descriptor: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield the lines that end at a place or before it, backwards, each with its own end."""
    held, begin = b"", end
    while begin > 0:
        piece = min(begin, max(_PIECE, len(held)))
        begin -= piece
        held = os.pread(descriptor, piece, begin) + held
        while (at := held.rfind(b"\n")) >= 0:
            yield held[at + 1 :], begin + len(held)
            held = held[:at]
    if end > 0:
        yield held, len(held)


def _fields(line: bytes) -> tuple[int, str | None] | None:
    """Return number and signer of a line; None if it is not whole."""
    try:
        found = json.loads(line)
        number, _, signer = int(found["line"]), str(found["prev"]), found["signer"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return number, signer
