"""Files made with care: whole or not at all, private, and never the input.

A new file grows without a name where the system can do that (`O_TMPFILE`, Linux), so that
even SIGKILL or a power cut leaves nothing behind. Elsewhere it grows under a hidden
temporary name, and the next run for the same file sweeps what a killed run has left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from piienc.base.cleanup import cleaned_up
from piienc.base.locks import lock, lock_within
from piienc.base.trust import held_name, open_untrusted, require_private
from piienc.errors import ConfigError, IncompleteError, InputError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from piienc.errors import PiiencError

_ROOT = 0
T = TypeVar("T")

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_PATIENCE = 10.0  # seconds: to edit a file takes a moment
_NO_TMPFILE = frozenset({errno.EISDIR, errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL})
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The system's errors of a full disk, and of a quota that is used up."""


@contextlib.contextmanager
def new_file(
    path: Path, *, overwrite: bool = False, shown: Path | None = None, kept: bool = False
) -> Iterator[BinaryIO]:
    """Open a new private file that gets its name only when the block ends without an error.

    Args:
        path: the final name. A symbolic link is followed: what it points to is replaced.
        overwrite: replace an existing file, atomically. Without it, an existing file is an
            error, also one that appears while this one is being written.
        shown: what messages call it; by default the path.
        kept: it is one of the files of keys and state that piienc keeps: see `adopt`. An output
            that root makes in the folder of somebody stays root's.

    Yields:
        A binary file, readable, writable and seekable, mode 0600.

    Raises:
        PolicyError: the name is taken and `overwrite` is false, or it is no regular file; or a
            link on the way is a stranger's.
        IncompleteError: the file could not be written, a full disk among the causes.
    """
    shown = shown or path
    with contextlib.ExitStack() as stack:
        with translated(shown, whole=True):
            final = stack.enter_context(held_name(path))
        _refuse_taken(final, shown, overwrite=overwrite)
        ours = re.escape(_temporary_prefix(final)) + r"[0-9a-f]{8}\.piienc"
        sweep(final.parent, ours, Path.unlink)
        with translated(shown, whole=True):
            descriptor, temporary = _open_nameless(final, shown)
            if kept:
                adopt(descriptor, final.parent)
        if temporary is not None:
            stack.enter_context(cleaned_up(partial(temporary.unlink, missing_ok=True)))
        stack.enter_context(translated(shown, whole=True))
        file = stack.enter_context(os.fdopen(descriptor, "w+b", buffering=128 << 10))
        yield file
        file.flush()
        os.fsync(file.fileno())
        _publish(file.fileno(), temporary, final, shown, overwrite=overwrite)


def adopt(descriptor: int, folder: Path) -> None:
    """Give what root has made among the private files of a user to that user.

    In a container, say, root works in the project of somebody, who goes on with it outside.

    Args:
        descriptor: of a file in a private folder (0700), or of a folder that is private itself.
        folder: in which it was made.
    """
    if os.geteuid() != _ROOT:
        return
    made, around = os.fstat(descriptor), folder.stat()
    if stat.S_ISREG(made.st_mode) and made.st_nlink > 1:
        return  # somebody has linked it here, and it may be anything of root's
    private = stat.S_IMODE((made if stat.S_ISDIR(made.st_mode) else around).st_mode)
    if private == PRIVATE_FOLDER and made.st_uid == _ROOT and not around.st_mode & stat.S_IWOTH:
        os.fchown(descriptor, around.st_uid, around.st_gid)


def keep_names(folder: Path) -> None:
    """See to it that a power cut does not take the names of new files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def edited(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Hold off others who edit a file in this way, while the block reads it and changes it.

    Yields:
        A function that replaces the content at once; mode and owner stay.

    Raises:
        LockError: somebody has held the folder's lock for too long; whoever may read it can.
        IncompleteError: the file could not be written.
    """
    with contextlib.ExitStack() as stack:
        with translated(path, whole=True):
            folder = os.open(stack.enter_context(held_name(path)).parent, os.O_RDONLY)
        stack.callback(os.close, folder)
        # The folder and not the file, which is another one once it was replaced.
        lock_within(_PATIENCE, folder, path.parent)
        yield partial(_replace, path)


def _replace(path: Path, content: bytes) -> None:
    before = path.stat()
    with new_file(path, overwrite=True) as file:
        with contextlib.suppress(PermissionError):  # only root may give a file away
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
        file.write(content)


@contextlib.contextmanager
def together() -> Iterator[Callable[[AbstractContextManager[T], Path], T]]:
    """Have several new files appear in order at the end, or, after an error, none of them.

    Yields:
        A function that opens one: it takes its context, such as `new_file`'s, and its name.
    """
    opened: list[tuple[contextlib.ExitStack, Path]] = []

    def enter(context: AbstractContextManager[T], path: Path) -> T:
        stack = contextlib.ExitStack()
        entered = stack.enter_context(context)
        opened.append((stack, path))
        return entered

    appeared: list[Path] = []
    try:
        yield enter
        while opened:
            stack, path = opened[0]
            stack.close()
            opened.pop(0)
            appeared.append(path)
    except BaseException as error:
        for path in appeared:
            path.unlink(missing_ok=True)
        for stack, _ in reversed(opened):
            with contextlib.suppress(type(error)):
                stack.__exit__(type(error), error, error.__traceback__)
        raise


def _refuse_taken(final: Path, shown: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(final):
        return
    if not final.is_file():
        raise PolicyError(
            f"{shown} is there and is not a regular file",
            hint="name a file, or '-' for standard output where the command offers it",
        )
    if not overwrite:
        raise _taken(shown)


def _taken(shown: Path) -> PolicyError:
    return PolicyError(
        f"{shown} is there already",
        hint="choose another name, or say --force to replace it",
    )


def _open_nameless(final: Path, shown: Path) -> tuple[int, Path | None]:
    """Open a file in the final name's folder; its temporary name, where it must have one."""
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(final.parent, os.O_TMPFILE | os.O_RDWR, PRIVATE_FILE), None
        except OSError as error:
            if error.errno not in _NO_TMPFILE or not final.parent.is_dir():
                raise
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    while True:
        temporary = _temporary_name(final)
        descriptor = os.open(temporary, flags, PRIVATE_FILE)
        try:
            if lock(descriptor, shown, wait=False) and os.fstat(descriptor).st_nlink:
                return descriptor, temporary
        except ConfigError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        # Another run swept it in the moment before it was locked.
        os.close(descriptor)


def _temporary_name(final: Path) -> Path:
    return final.parent / f"{_temporary_prefix(final)}{os.urandom(4).hex()}.piienc"


def _temporary_prefix(final: Path) -> str:
    return f".{os.fsdecode(os.fsencode(final.name)[:64])}."


def sweep(folder: Path, name: str, remove: Callable[[Path], object]) -> None:
    """Remove what killed runs have left: what nobody locks; `name`: a regular expression."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if not re.fullmatch(name, entry.name):
                continue
            with contextlib.suppress(OSError, ConfigError):
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    if lock(descriptor, Path(entry.path), wait=False):
                        remove(Path(entry.path))
                finally:
                    os.close(descriptor)


def _publish(
    descriptor: int, temporary: Path | None, final: Path, shown: Path, *, overwrite: bool
) -> None:
    """Give the finished file its name."""
    if temporary is None and overwrite:
        # Linking cannot replace, so the file passes through a locked temporary name.
        lock(descriptor, shown, wait=False)
        passing = _temporary_name(final)
        try:
            _link_descriptor(descriptor, passing)
            passing.replace(final)
        except BaseException:
            passing.unlink(missing_ok=True)
            raise
    elif temporary is not None and overwrite:
        temporary.replace(final)
    else:
        try:
            if temporary is None:
                _link_descriptor(descriptor, final)
            else:
                os.link(temporary, final)
        except FileExistsError:
            raise _taken(shown) from None
    keep_names(final.parent)


def _link_descriptor(descriptor: int, name: Path) -> None:
    # With a directory descriptor Python calls linkat(AT_SYMLINK_FOLLOW), which alone can name
    # an O_TMPFILE file: see open(2).
    folder = os.open(name.parent, os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{descriptor}", name.name, dst_dir_fd=folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def translated(name: Path | str, *, whole: bool = False) -> Iterator[None]:
    """Turn the system's errors in writing into ours.

    Args:
        name: what messages call the file.
        whole: it appears whole or not at all, so nothing is left behind.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # who read our output has left: no failure of ours
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        left = "; nothing was left behind" if whole else ""
        if error.errno == errno.EFBIG:
            hint = "raise the limit of file sizes (ulimit -f) and run the same command again"
        elif error.errno in NO_ROOM:
            hint = "make room on the disk and run the same command again"
        else:
            hint, left = "check that the folder exists and may be written to", ""
        raise IncompleteError(f"cannot write {name}: {reason}{left}", hint=hint) from error


@contextlib.contextmanager
def reading(
    name: Path | str,
    hint: str = "check the path and its permissions",
    kind: type[PiiencError] = InputError,
) -> Iterator[None]:
    """Turn the system's errors in reading into one of ours."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise kind(f"cannot read {name}: {reason}", hint=hint) from error


def begin_writing_out(descriptor: int, begin: int, size: int) -> None:
    """Have the system write a part of a growing file to the disk, without waiting for it.

    Otherwise all of a large file waits in memory for the fsync at its end.
    """
    # posix_fadvise(2): DONTNEED starts the write-out of dirty pages; it keeps those in memory
    # that are not written yet, so what follows still reads them from there.
    with contextlib.suppress(OSError, AttributeError):
        os.posix_fadvise(descriptor, begin, size, os.POSIX_FADV_DONTNEED)


def open_input(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        InputError: it is missing, a folder, or may not be read.
        PolicyError: a link on the way is a stranger's.
    """
    with reading(path):
        return open_untrusted(path)


def refuse_same(source: Path, target: Path) -> None:
    """Refuse an output that is read, also through a symbolic or a hard link.

    Raises:
        PolicyError: both names lead to one file.
    """
    with contextlib.suppress(OSError):
        if source.samefile(target):
            raise PolicyError(
                f"the output {target} is the input {source}",
                hint="write to another name: the input is never changed in place",
            )


def make_folder(path: Path) -> None:
    """Create a folder that only its owner may enter, if there is none: see `adopt`.

    Raises:
        OSError: it cannot be made.
    """
    if not path.exists():
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            adopt(descriptor, path.parent)
        finally:
            os.close(descriptor)
    elif not path.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def make_private_folder(path: Path, hint: str = "choose a place that may be written to") -> None:
    """Create a folder that only its owner may enter (0700), or check the one that is there.

    Args:
        path: the folder; those above it are made, too.
        hint: what can be done where it cannot be made.

    Raises:
        KeyAccessError: it is there and others may enter it.
        PolicyError: it is somebody else's, or others may exchange it: see `piienc.base.trust`.
        ConfigError: it cannot be made.
    """
    try:
        make_folder(path)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {path}: {os.strerror(error.errno or 0)}",
            hint=hint,
        ) from error
    require_private(path)
