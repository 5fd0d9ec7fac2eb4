"""The files that the lines of a log are in: where they are, and how they are opened.

    .piienc/audit/
    ├── lock
    ├── 1f0c…/           the log of a key: the first 16 digits of its fingerprint
    │   ├── 000001.jsonl
    │   ├── 000002.jsonl
    │   └── head.json
    └── unsigned/        what was written without a key
        └── 000001.jsonl

Other programs may put anything in the place of a file. So only regular files are read, no link is
followed, and opening never blocks.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from piienc.audit.access import unreadable
from piienc.base.files import adopt
from piienc.base.locks import lock_within
from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

FOLDER = "audit"
UNSIGNED = "unsigned"
LIMIT = 16 << 20
"""Bytes of a segment, after which the next line begins a new one."""

LONGEST = 64 << 20
"""Bytes of a line, its line break counted: some hundred thousand files that one run has taken."""

_LOCK = "lock"
_PATIENCE = 60.0  # seconds: to append takes a moment, and many may wait for each other
_NAME = re.compile(r"([0-9]{6}|[1-9][0-9]{6,})\.jsonl", re.ASCII)
_LIKE = re.compile(r"[0-9]+\.jsonl", re.ASCII)
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


def folder_of(state: Path, fingerprint: str | None) -> Path:
    """Return the folder of a key's log, or of what is unsigned."""
    return state / FOLDER / (fingerprint[:16] if fingerprint else UNSIGNED)


def folders(state: Path) -> list[Path]:
    """Return the folders of all logs that are there, what is unsigned first."""
    names = [path.name for path in _listed(state / FOLDER)]
    ids = sorted(name for name in names if _ID.fullmatch(name))
    return [state / FOLDER / name for name in [UNSIGNED] * (UNSIGNED in names) + ids]


def numbers_of(folder: Path) -> list[int]:
    """Return the numbers of a log's segments, in order."""
    names = (_NAME.fullmatch(path.name) for path in _listed(folder))
    return sorted({int(name[1]) for name in names if name} - {0})


def misnamed(folder: Path) -> list[str]:
    """Return the names that look like those of segments, and are none that a command gives."""
    names = sorted(path.name for path in _listed(folder) if _LIKE.fullmatch(path.name))
    return [name for name in names if not _NAME.fullmatch(name) or name == path_of(folder, 0).name]


def path_of(folder: Path, number: int) -> Path:
    """Return where a segment is."""
    return folder / f"{number:06d}.jsonl"


def opened(path: Path, flags: int) -> int:
    """Open a regular file and nothing else, without waiting.

    Raises:
        NotRegularError: there is something else, a link among others.
        OSError: it cannot be opened.
    """
    more = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | more, 0o600)
    except OSError:
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise NotRegularError(f"{path} is not a regular file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError(f"{path} is not a regular file")
    if flags & os.O_CREAT:
        adopt(descriptor, path.parent)
    return descriptor


class NotRegularError(OSError):
    """A folder, a link, a pipe or a device is where a file of the log should be."""


UNSOUND = (FileNotFoundError, NotADirectoryError, NotRegularError)
"""What is wrong with the log itself; all other errors of the system are no forger's work."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """Open a file of the log for reading; nothing else is done in the block.

    Raises:
        OSError: one of `UNSOUND`: it is missing, or something else is in its place.
        ConfigError: it is there, and the system does not let it be read.
    """
    try:
        with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
            yield file
    except UNSOUND:
        raise
    except OSError as error:
        raise unreadable(path, error) from error


def lines_of(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file, with their line breaks; the last may have none.

    Of one that is too long, the pieces are yielded: see `is_too_long`.

    Args:
        file: at its beginning.
        size: how much of it counts; None for all.
    """
    left = LONGEST if size is None else size
    while left > 0 and (raw := file.readline(min(left, LONGEST))):
        left -= 0 if size is None else len(raw)
        yield raw


def is_too_long(raw: bytes) -> bool:
    """Tell whether what `lines_of` has yielded is a piece of a line that none of ours can be."""
    return len(raw) >= LONGEST and not raw.endswith(b"\n")


def reason_of(error: OSError) -> str:
    """Return one of `UNSOUND` in words."""
    return os.strerror(error.errno) if error.errno else "it is not a regular file"


@contextlib.contextmanager
def held(state: Path) -> Iterator[None]:
    """Hold the lock for appending, and wait for it if another process holds it.

    Raises:
        LockError: another process has held it for too long.
        OSError: the lock cannot be opened.
        ConfigError: the file system gives no locks.
    """
    path = state / FOLDER / _LOCK
    descriptor = opened(path, os.O_RDWR | os.O_CREAT)
    try:
        lock_within(_PATIENCE, descriptor, path)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def still(state: Path) -> Iterator[None]:
    """Keep other processes from appending while the block reads; skip that without permission.

    Raises:
        LockError: another process has held the lock for too long.
    """
    path = state / FOLDER / _LOCK
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ConfigError):
            descriptor = opened(path, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            lock_within(_PATIENCE, descriptor, path, shared=True)
        yield


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise unreadable(folder, error) from error
