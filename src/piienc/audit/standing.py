"""The state of a log, as far as a command can check it before it appends: its head and its end.

`check.py` finds faults in the middle of the log, which further lines never cover up. A faulty log
stays unchanged and continues in a new segment, whose first line names the fault.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.audit import head as heads
from piienc.audit import segments
from piienc.audit.line import (
    ZEROS,
    LineLink,
    LogBreak,
    TornLine,
    hash_of,
    is_signed_by,
    link_of,
)
from piienc.audit.segments import LIMIT, UNSOUND, numbers_of, path_of, reading, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from piienc.audit.head import SignedHead
    from piienc.audit.keys import AuditPublicKey

_PIECE = 16 << 10  # bytes read at a time, from the end
_LARGEST = LIMIT + segments.LONGEST


class LogState(Struct, frozen=True):
    """The state of a log.

    Attributes:
        log: its id.
        line: the number of the last valid line; 0 if there is none.
        head: the hash of that line, in hex.
        place: the segment of that line, and where it ends there, its line break included.
        segment: the segment of the next line, from 1.
        end: the size of that segment.
        headed: the head covers the last line.
        torn: incomplete lines that crashes have left behind the last line.
        broken: the fault of the log, if any.
    """

    log: str
    line: int = 0
    head: str = ZEROS
    place: tuple[int, int] = (0, 0)
    segment: int = 1
    end: int = 0
    headed: bool = False
    torn: tuple[TornLine, ...] = ()
    broken: LogBreak | None = None


def standing(folder: Path, key: AuditPublicKey | None, begun: str | None) -> LogState:
    """Return the state of a log; the caller holds its lock.

    Args:
        folder: the log's folder.
        key: the key that signs it; None for an unsigned log.
        begun: the id of the log that the key is known to have begun here.

    Raises:
        ConfigError: the log cannot be read, so its state is unknown.
    """
    try:
        head = _head(folder, key, begun)
        return _sound(folder, key, head)
    except _UnsoundError as error:
        return _broken(folder, key, begun, error)


class _UnsoundError(Exception):
    """What is there is not what was written."""

    def __init__(self, reason: str, file: str = heads.FILE) -> None:
        super().__init__(reason)
        self.file = file


class _LogEnd(Struct):
    """The end of a log.

    Attributes:
        line: the last line that has a line break, without it; None if there is none.
        segment: where that is.
        end: where that ends there, its line break counted.
        torn: what is behind it, in its segment and in those that follow.
        last: the number of the last segment; 0 if there is none.
        size: of that, in bytes.
    """

    line: bytes | None = None
    segment: int = 0
    end: int = 0
    torn: tuple[TornLine, ...] = ()
    last: int = 0
    size: int = 0


def _head(folder: Path, key: AuditPublicKey | None, begun: str | None) -> SignedHead | None:
    """Return the head of a log that is signed, once it has begun."""
    if key is None:
        return None
    try:
        head = heads.read(folder)
    except ValueError as error:
        raise _UnsoundError(str(error)) from error
    if head is None:
        if numbers_of(folder):
            raise _UnsoundError("the head is gone")
        if begun is not None:
            raise _UnsoundError("the log that the key has begun here is gone", "")
        return None
    if not head.is_signed_by(key):
        raise _UnsoundError("the signature of the head is not good")
    if begun not in {None, head.log}:
        raise _UnsoundError("it is not the log that the key has begun here")
    return head


def _sound(folder: Path, key: AuditPublicKey | None, head: SignedHead | None) -> LogState:
    """Return the state of a log whose end is as it was written."""
    log_end = _end(folder)
    log = head.log if head else os.urandom(8).hex()
    line, digest = 0, ZEROS
    if log_end.line is not None:
        link, name = link_of(log_end.line), path_of(folder, log_end.segment).name
        if link is None:
            raise _UnsoundError("the last line is not whole", name)
        if reason := reason_against(
            log_end.line, link, key, log_end.segment, head.log if head else None
        ):
            raise _UnsoundError(f"the last line {reason}", name)
        line, digest, log = link.line, hash_of(log_end.line), link.log
        if head and (reason := misfit(head, link, digest, log_end.end)):
            raise _UnsoundError(reason, name)
    elif head and head.lines:
        raise _UnsoundError(f"the log was cut off: its head tells of line {head.lines}")
    headed = head is not None and head.lines == line
    segment, size = max(log_end.last, 1), log_end.size
    if size and (log_end.torn or size >= LIMIT):
        segment, size = segment + 1, 0
    place = (log_end.segment, log_end.end)
    return LogState(log, line, digest, place, segment, size, headed, log_end.torn)


def reason_against(
    line: bytes, link: LineLink, key: AuditPublicKey | None, segment: int, log: str | None
) -> str | None:
    """Return what is wrong with a line by itself; None if it is good.

    Args:
        line: without its line break.
        link: what it says of its place.
        key: that which must have signed it; None if it must be unsigned.
        segment: where it was found.
        log: the id of the log that it must be of, if that is known.
    """
    if key is None and link.signer is not None:
        return "names a key, among lines that are unsigned"
    if key is not None:
        if link.signer is None:
            return "is unsigned"
        if link.signer != key.fingerprint:
            return "names another key"
        if not is_signed_by(line, key):
            return "does not carry a good signature"
    if log not in {None, link.log}:
        return "is of another log"
    return None if link.segment == segment else f"is of segment {link.segment}"


def misfit(head: SignedHead, last: LineLink, digest: str, end: int) -> str | None:
    """Return how a head does not fit a log; None if it does.

    A crash can come between a line and its head: so a head may be one line behind, and no more.
    """
    if last.line == head.lines:
        same = (head.head, head.segment, head.end) == (digest, last.segment, end)
        return None if same else f"line {head.lines} is not the one that the head tells of"
    if last.line < head.lines:
        return f"the log was cut off behind line {last.line}: its head tells of line {head.lines}"
    if last.line == head.lines + 1 and last.prev == head.head:
        return None
    return f"the head is an old one: it tells of line {head.lines}, and line {last.line} is there"


def _end(folder: Path) -> _LogEnd:
    """Return the end of a log: the last line, and what crashes have left behind it."""
    log_end = _LogEnd()
    for number in reversed(numbers_of(folder)):
        path = path_of(folder, number)
        try:
            with reading(path) as file:
                size = os.fstat(file.fileno()).st_size
                if not log_end.last:
                    log_end.last, log_end.size = number, size
                log_end.line, torn = _tail(file.fileno(), size, path.name)
        except UNSOUND as error:
            reason = f"the segment cannot be read: {reason_of(error)}"
            raise _UnsoundError(reason, path.name) from error
        if torn:
            log_end.torn = (TornLine(len(torn), hash_of(torn)), *log_end.torn)
        if log_end.line is not None:
            log_end.segment, log_end.end = number, size - len(torn)
            break
    return log_end


def _tail(descriptor: int, size: int, name: str) -> tuple[bytes | None, bytes]:
    """Return the last line of an open segment, and what is behind it; it is read backwards."""
    buffer = b""
    for buffer in _backwards(descriptor, size):
        end = buffer.rfind(b"\n") + 1
        begin = buffer.rfind(b"\n", 0, end - 1) + 1 if end else 0
        if end - begin > segments.LONGEST or len(buffer) - end >= segments.LONGEST:
            raise _UnsoundError("the last line is longer than a line can be", name)
        if end and (begin or len(buffer) == size):
            return buffer[begin : end - 1], buffer[end:]
    return None, buffer


def _backwards(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield the last bytes of a file, each time twice as many, as far as a line can be long."""
    length = _PIECE
    while True:
        yield os.pread(descriptor, min(length, size), size - min(length, size))
        if length >= min(size, 2 * segments.LONGEST):
            return
        length *= 2


def _broken(
    folder: Path, key: AuditPublicKey | None, begun: str | None, error: _UnsoundError
) -> LogState:
    """Return where a faulty log continues, by those of its parts that are authentic."""
    numbers = [0, *numbers_of(folder)]
    places = [(0, ZEROS, begun or os.urandom(8).hex())]
    try:
        head = heads.read(folder) if key else None
    except ValueError:
        head = None
    if head and key and head.is_signed_by(key) and begun in {None, head.log}:
        places.append((head.lines, head.head, head.log))
        numbers.append(head.segment)
    try:
        log_end = _end(folder)
    except _UnsoundError:
        log_end = _LogEnd()
    if log_end.line is not None:
        link = link_of(log_end.line)
        if link and not reason_against(log_end.line, link, key, log_end.segment, begun):
            places.append((link.line, hash_of(log_end.line), link.log))
    line, digest, log = max(places, key=lambda place: place[0])
    size, sha256 = _found(folder / error.file)
    log_break = LogBreak(error.file, line, str(error), size, sha256)
    return LogState(log, line, digest, segment=max(numbers) + 1, broken=log_break)


def _found(path: Path) -> tuple[int | None, str | None]:
    """Return size and hash of what is there, as far as it is a file of a log's size."""
    try:
        with reading(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _LARGEST:
                return size, None
            return size, hashlib.file_digest(file, "sha256").hexdigest()
    except UNSOUND:
        return None, None
