"""A local folder as a destination: for dry runs, for tests, and for shares that are mounted."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import weakref
from typing import TYPE_CHECKING, BinaryIO

from piienc.base.files import PRIVATE_FILE, keep_names
from piienc.base.trust import held_folder
from piienc.base.walk import by_descriptor
from piienc.errors import IncompleteError
from piienc.remote.names import OURS, is_safe, safe_name, shown_name, taken
from piienc.remote.remote import FILE, FOLDER, FREELY, OTHER, DirectoryEntry, FileAttributes, Remote
from piienc.remote.sources import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from piienc.remote.limit import Limiter
    from piienc.remote.remote import WriteMode

_PIECE = 256 << 10  # bytes
_BY_UMASK = 0o666
# renameat2(2): relative to the current directory, and fail if the name is taken.
_HERE, _NOREPLACE = -100, 1
_NO_RENAMEAT2 = frozenset({errno.ENOSYS, errno.EINVAL})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FolderRemote(Remote):
    """A `Remote` in a folder of this machine."""

    concurrency = 2

    def __init__(
        self, folder: Path, *, limiter: Limiter | None = None, mode: int | None = None
    ) -> None:
        """Open the folder, so that it stays the same even if it is moved.

        Raises:
            IncompleteError: it is missing, or not a folder.
            PolicyError: the path has a link of another user: see `piienc.base.trust`.
        """
        self._shown, self._mode = folder, mode
        self._limiter = limiter
        self._closed = False
        try:
            with held_folder(folder) as end:
                descriptor = os.open(end, os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise IncompleteError(
                f"the destination {folder} is no folder", hint="make it, or correct the path"
            ) from error
        # Not by `close`, which may come while another thread still uses it.
        weakref.finalize(self, os.close, descriptor)
        self._folder = by_descriptor(descriptor)

    @property
    def alive(self) -> bool:
        """Whether it may still be used."""
        return not self._closed

    def stat(self, name: str) -> FileAttributes | None:
        """Return what is told of a file; None if there is none."""
        with self._translated("look at", name):
            try:
                return _facts(self._path(name).stat())
            except FileNotFoundError:
                return None

    def entries(self, refused: Callable[[str], object] | None = None) -> Iterator[DirectoryEntry]:
        """List the folder; names that are not plain are left out, and told to `refused`."""
        with self._translated("list"):
            listed = list(os.scandir(self._folder))
        for entry in listed:
            if not is_safe(entry.name, ours=True):
                if refused:
                    refused(shown_name(entry.name))
                continue
            with contextlib.suppress(FileNotFoundError):  # it has gone meanwhile
                yield DirectoryEntry(entry.name, _facts(entry.stat(follow_symlinks=False)))

    def upload(
        self,
        name: str,
        source: BinaryIO,
        *,
        size: int,
        manner: WriteMode = FREELY,
        progress: Callable[[int], object] | None = None,
    ) -> FileAttributes:
        """Write a local file's bytes up to `size`: see `Remote.upload`."""
        read = reader_of(source)
        with self._translated("write", name), self._writable(name, manner) as descriptor:
            manner.on_created()
            for begin, count in self._pieces(manner.offset, size):
                at, data = begin, read(begin, count)
                while at < begin + count:
                    at += os.pwrite(descriptor, data[at - begin :], at)
                if progress:
                    progress(count)
            os.fsync(descriptor)
            facts = _facts(os.fstat(descriptor))
        if facts.size != size:
            raise IncompleteError(f"{name} has {facts.size} bytes at the destination, not {size}")
        return facts

    def blocks(self, name: str, begin: int, end: int | None) -> Generator[bytes]:
        """Read a file's bytes: see `Remote.blocks`."""
        with (
            self._translated("read", name),
            self._path(name).open("rb", buffering=0) as file,
        ):
            end = os.fstat(file.fileno()).st_size if end is None else end
            for at, count in self._pieces(begin, end):
                data = os.pread(file.fileno(), count, at)
                yield data
                if len(data) < count:
                    return

    def publish(self, temporary: str, final: str, *, replace: bool) -> None:
        """Give a finished file its final name: see `Remote.publish`."""
        old, new = self._path(temporary), self._path(final)
        self._require_open()
        with self._translated("rename", temporary):
            if replace:
                old.replace(new)
            else:
                try:
                    _rename_to_free(old, new)
                except FileExistsError:
                    raise taken(final) from None
            keep_names(self._folder)

    def remove(self, name: str) -> bool:
        """Remove a file; tell whether there was one."""
        with self._translated("remove", name):
            try:
                self._path(name).unlink()
            except FileNotFoundError:
                return False
        return True

    def free_space(self) -> int | None:
        """Return how many bytes there is room for."""
        with self._translated("look at"):
            room = os.statvfs(self._folder)
        return room.f_bavail * room.f_frsize

    def can_write(self, *, make: bool = True) -> bool:
        """Make and remove an empty file."""
        if not make:
            return False
        probe = self._folder / f"{OURS}{os.urandom(8).hex()}.probe"
        with self._translated("write into"):
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
            probe.unlink()
        return True

    def close(self) -> None:
        """Stop what is under way."""
        self._closed = True

    def _path(self, name: str) -> Path:
        return self._folder / safe_name(name, ours=True)

    @contextlib.contextmanager
    def _writable(self, name: str, manner: WriteMode) -> Iterator[int]:
        path, flags = self._path(name), os.O_WRONLY | os.O_NOFOLLOW
        if not manner.offset:
            flags |= os.O_CREAT | os.O_EXCL
        if manner.over and not manner.offset:
            path.unlink(missing_ok=True)
        try:
            descriptor = os.open(path, flags, _BY_UMASK)
        except FileExistsError:
            raise taken(name) from None
        try:
            if self._mode is not None:
                os.fchmod(descriptor, self._mode)
            yield descriptor
        finally:
            os.close(descriptor)

    def _pieces(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        piece = min(_PIECE, self._limiter.piece) if self._limiter else _PIECE
        for at in range(begin, end, piece):
            count = min(piece, end - at)
            self._require_open()
            if self._limiter:
                self._limiter.take(count)
            yield at, count

    def _require_open(self) -> None:
        if self._closed:
            raise IncompleteError("the transfer was stopped", transient=True)

    @contextlib.contextmanager
    def _translated(self, verb: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "check that the folder exists and may be written to"
            if error.errno in _NO_ROOM:
                hint = "make room at the destination, and run the same command again"
            raise IncompleteError(
                f"cannot {verb} {name or self._shown}: {os.strerror(error.errno or 0)}", hint=hint
            ) from error


def _rename_to_free(old: Path, new: Path) -> None:
    """Rename in one step that fails if the name is taken: renameat2(2), where the system has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        paths = os.fsencode(old), os.fsencode(new)
        if libc.renameat2(_HERE, paths[0], _HERE, paths[1], _NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NO_RENAMEAT2:
            raise OSError(code, os.strerror(code))
    os.link(old, new, follow_symlinks=False)
    old.unlink()


def _facts(status: os.stat_result) -> FileAttributes:
    kind = OTHER
    if stat.S_ISREG(status.st_mode):
        kind = FILE
    elif stat.S_ISDIR(status.st_mode):
        kind = FOLDER
    return FileAttributes(status.st_size, status.st_mtime, kind)
