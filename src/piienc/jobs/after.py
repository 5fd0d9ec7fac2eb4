"""Keeps, moves or deletes a source after its delivery, or moves it into quarantine."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.trust import held_folder
from piienc.errors import ConfigError, IncompleteError, MovedError
from piienc.jobs.spooling.sources import SourceFile, held_source, is_ours

if TYPE_CHECKING:
    from piienc.settings.job import Job
    from piienc.state import JobEntry


def apply_after(job: Job, entry: JobEntry) -> None:
    """Apply the job's `after` to a delivered source; a file that was replaced stays.

    Raises:
        IncompleteError: it cannot be moved or deleted.
        ConfigError: the folder is on another file system.
        InputError: a link of another user now leads to its folder.
    """
    path = Path(entry.source)
    current = SourceFile.at(path)
    if job.after == "keep" or current is None or not current.is_source_of(entry):
        return
    if job.after == "delete":
        try:
            with held_source(path) as name:
                if current.is_at(name):
                    name.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("delete", path, error) from error
        return
    assert job.move_to is not None  # noqa: S101  # the settings see to it
    with suppress(MovedError):
        move(path, job.move_to, current)


def move(path: Path, folder: Path, expected: SourceFile | None = None) -> Path:
    """Move a source into a folder, under a name that is free, and return its new path.

    It is renamed and never copied, so no plaintext is written. A symbolic link is moved itself; its
    target stays. A source that a killed run has already linked to its new name only loses the old
    one.

    Args:
        path: the path of the source.
        folder: created if missing.
        expected: the source as it was found; another file is not moved. None moves any file.

    Raises:
        MovedError: the file no longer has its name.
        InputError: a link of another user leads to it.
        IncompleteError: it cannot be moved.
        ConfigError: the folder is on another file system.
        PolicyError: a link on the way to the folder is a stranger's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held_folder(folder) as target, held_source(path) as old:
            _require_same(expected, old)
            number = 1
            while True:
                name = path.name if number == 1 else f"{path.name}.{number}"
                try:
                    _link(old, target / name)  # fails where the name is taken, as rename does not
                except FileExistsError:
                    if not _is_same(old, target / name):
                        number += 1
                        continue
                try:
                    _require_same(expected, target / name)
                except MovedError:
                    (target / name).unlink()
                    raise
                if _is_same(old, target / name):
                    old.unlink(missing_ok=True)
                return folder / name
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise ConfigError(
                f"{folder} is on another file system than {path}, and plaintext is not copied",
                hint="name a folder beside the sources",
            ) from error
        raise _cannot("move", path, error) from error


def _require_same(expected: SourceFile | None, name: Path) -> None:
    if expected and not expected.is_at(name):
        raise MovedError(f"{expected.path} is another file by now")


def _link(path: Path, name: Path) -> None:
    facts = path.lstat()
    if not stat.S_ISLNK(facts.st_mode):
        os.link(path, name, follow_symlinks=False)
    elif is_ours(facts):
        name.symlink_to(path.resolve())  # by its whole path: it may have been relative
    else:
        name.touch(exist_ok=False)
        try:
            path.rename(name)  # it stays its owner's: a link of ours would be believed
        except OSError:
            name.unlink()
            raise


def _is_same(path: Path, name: Path) -> bool:
    """Return whether a source has both names, linked by this run or by a killed one."""
    if path.is_symlink():
        return name.is_symlink() and name.resolve() == path.resolve()
    return path.exists() and os.path.samestat(path.lstat(), name.lstat())


def _cannot(do: str, path: Path, error: OSError) -> IncompleteError:
    return IncompleteError(
        f"cannot {do} {path}: {os.strerror(error.errno or 0)}",
        hint="check the permissions of its folder; it was delivered, and is not sent again",
    )
