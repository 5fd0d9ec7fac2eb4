"""The messages of SFTP version 3, as far as they are needed here.

draft-ietf-secsh-filexfer-02 is the protocol, OpenSSH's PROTOCOL, section 4, its extensions.
paramiko's own client knows neither the extensions nor more than two codes of failure, cannot be
shared by threads, and reads ahead without bound; so this speaks for itself, over its channels.
"""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING

from piienc.errors import IncompleteError
from piienc.remote.remote import FILE, FOLDER, OTHER, UNKNOWN, FileAttributes

if TYPE_CHECKING:
    from typing_extensions import Buffer

VERSION = 3

INIT, VERSION_REPLY = 1, 2
OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, FSETSTAT = 3, 4, 5, 6, 7, 8, 10
OPENDIR, READDIR, REMOVE, STAT, RENAME = 11, 12, 13, 17, 18
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
EXTENDED, EXTENDED_REPLY = 200, 201

FOR_READING, FOR_WRITING, MADE, EMPTIED, ONLY_NEW = 0x01, 0x02, 0x08, 0x10, 0x20

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE = 0, 1, 2, 3, 4, 5
NO_CONNECTION, CONNECTION_LOST, UNSUPPORTED = 6, 7, 8
# Of later versions, and yet given by some servers of version 3.
WRITE_PROTECT, TAKEN, NO_SPACE, QUOTA = 12, 11, 14, 15

FSYNC = "fsync@openssh.com"
LIMITS = "limits@openssh.com"
POSIX_RENAME = "posix-rename@openssh.com"
STATVFS = "statvfs@openssh.com"

_LARGEST = (1 << 63) - 1  # bytes: the off_t of POSIX, and what SQLite counts to
_SIZE, _OWNER, _MODE, _TIMES, _MORE = 0x01, 0x02, 0x04, 0x08, 0x8000_0000


def u32(number: int) -> bytes:
    """Return 32 bits."""
    return struct.pack(">I", number)


def u64(number: int) -> bytes:
    """Return 64 bits."""
    return struct.pack(">Q", number)


def string(data: bytes | str) -> bytes:
    """Return bytes or text behind their length."""
    raw = data.encode() if isinstance(data, str) else data
    return u32(len(raw)) + raw


def believed(size: int) -> int | None:
    """Return a number of bytes sent by a server; None if it is implausible."""
    return size if size <= _LARGEST else None


def attributes(mode: int | None) -> bytes:
    """Return attributes that hold nothing but permissions, if there are any."""
    return NO_ATTRIBUTES if mode is None else u32(_MODE) + u32(mode)


NO_ATTRIBUTES = u32(0)


class Fields:
    """The fields of an answer, one after the other; an answer that lacks one is an error."""

    def __init__(self, data: Buffer) -> None:
        self._data = memoryview(data)
        self._at = 0

    def u32(self) -> int:
        """Return the next 32 bits."""
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        """Return the next 64 bits."""
        return int.from_bytes(self.take(8), "big")

    def string(self) -> memoryview:
        """Return the next string, without copying it."""
        return self.take(self.u32())

    def text(self) -> str:
        """Return the next string as text; what is not UTF-8 becomes halves of surrogates."""
        return bytes(self.string()).decode("utf-8", "surrogateescape")

    def facts(self) -> FileAttributes:
        """Return what attributes tell of a file."""
        flags = self.u32()
        size = believed(self.u64()) if flags & _SIZE else None
        if flags & _OWNER:
            self.take(8)
        mode = self.u32() if flags & _MODE else None
        modified = None
        if flags & _TIMES:
            self.take(4)
            modified = float(self.u32())
        if flags & _MORE:
            for _ in range(2 * self.u32()):
                self.string()
        if mode is None:
            return FileAttributes(size, modified, UNKNOWN)
        return FileAttributes(size, modified, _kind(mode), stat.S_IMODE(mode))

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        data = self._data[self._at : self._at + count]
        if len(data) < count:
            raise IncompleteError(
                "the server's answer is malformed",
                hint="check that an SFTP server answers there, and nothing that prints a greeting",
            )
        self._at += count
        return data


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return FOLDER
    if not stat.S_IFMT(mode):
        return UNKNOWN
    return FILE if stat.S_ISREG(mode) else OTHER
