"""Folders made with care: whole or not at all, and never inside of what they are made from.

A new folder grows under a hidden name beside its own, which is locked. What a killed run has left
there is removed by the next run for the same folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.cleanup import cleaned_up
from piienc.base.files import keep_names, sweep, translated
from piienc.base.locks import lock
from piienc.base.trust import held_name
from piienc.base.walk import by_descriptor
from piienc.errors import InputError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".piienc-new"
_OTHERS_OPEN = 256  # files that a process needs beside


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Make a folder that gets its name only when the block ends without an error.

    Args:
        path: the final name, which must not be taken.

    Yields:
        The folder, under another name.

    Raises:
        PolicyError: the name is taken, or a link on the way is a stranger's.
        IncompleteError: the folder could not be made.
        ConfigError: its file system gives no locks.
    """
    with contextlib.ExitStack() as stack:
        with translated(path, whole=True):
            final = stack.enter_context(held_name(path))
        _refuse_taken(final, path)
        with translated(path, whole=True):
            pattern = re.escape(f".{final.name}.") + "(?s:.*)" + re.escape(_SUFFIX)
            sweep(final.parent, pattern, partial(shutil.rmtree, ignore_errors=True))
            temporary, descriptor = _made(final, path)
        stack.callback(os.close, descriptor)
        stack.enter_context(cleaned_up(partial(shutil.rmtree, temporary, ignore_errors=True)))
        yield by_descriptor(descriptor)
        _refuse_taken(final, path)
        with translated(path, whole=True):
            for folder, _, _ in os.walk(temporary):
                keep_names(Path(folder))
            temporary.rename(final)
            keep_names(final.parent)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder at any depth, relative to it, in order; hidden ones are left out.

    Hidden is what begins with `_` or `.`, as Spark and Hive have it; not so a folder `_a=1`.

    Raises:
        InputError: a symbolic link, or something else that is neither file nor folder.
    """
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        path = Path(entry.name)
        if entry.name.startswith((".", "_")) and not (entry.is_dir() and "=" in entry.name):
            continue
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise InputError(
                f"{folder}: a symbolic link or a special file is in it",
                hint="put the files themselves into the folder",
            )
        if entry.is_dir():
            yield from (path / below for below in files_below(folder / path))
        else:
            yield path


def refuse_nested(source: Path, target: Path) -> None:
    """Refuse a folder that is made inside of the one that it is made from, or around it.

    Raises:
        PolicyError: they are one, or one is in the other.
    """
    one, other = (Path(os.path.realpath(path)) for path in (source, target))
    if one == other or one in other.parents or other in one.parents:
        raise PolicyError(
            f"{target} is {source}, or one of them is inside of the other",
            hint="choose an output beside the input",
        )


def _made(final: Path, shown: Path) -> tuple[Path, int]:
    """Make a folder beside the final name, and lock it, so that nobody sweeps it."""
    while True:
        temporary = Path(tempfile.mkdtemp(_SUFFIX, f".{final.name}.", final.parent))
        with contextlib.suppress(FileNotFoundError):  # it was swept before it was locked
            descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                lock(descriptor, shown)
                if os.fstat(descriptor).st_nlink:
                    return temporary, descriptor
            except BaseException:
                os.close(descriptor)
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            os.close(descriptor)


def _refuse_taken(final: Path, path: Path) -> None:
    if os.path.lexists(final):
        raise PolicyError(
            f"{path} is there already, and a folder is never replaced",
            hint="choose another name, or remove it before",
        )


def allow_open(files: int, name: str) -> None:
    """Raise this process's limit of open files, if so many need it.

    Raises:
        InputError: the system does not allow so many.
    """
    needed = files + _OTHERS_OPEN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise InputError(
            f"{name} has {files:,} files, and no more than {hard:,} can be open at once here",
            hint=f"raise the limit (ulimit -Hn {needed}), or take the folders below one by one",
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
