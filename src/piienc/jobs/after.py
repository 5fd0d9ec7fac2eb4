"""What becomes of a source afterwards: it is kept, moved or deleted, or put into quarantine."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.trust import held_folder
from piienc.errors import ConfigError, IncompleteError
from piienc.jobs.sources import SourceFile

if TYPE_CHECKING:
    from piienc.settings.job import Job
    from piienc.state import JobEntry


def apply_after(job: Job, sent: JobEntry) -> None:
    """Do with a delivered source what the job says; one that is another file by now stays.

    Raises:
        IncompleteError: it cannot be moved or deleted.
        ConfigError: the folder is on another file system.
    """
    path = Path(sent.source)
    there = SourceFile.at(path)
    if job.after == "keep" or there is None or not there.is_source_of(sent):
        return
    if job.after == "delete":
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("delete", path, error) from error
        return
    assert job.move_to is not None  # noqa: S101  # the settings see to it
    move(path, job.move_to)


def move(path: Path, folder: Path) -> Path:
    """Move a source into a folder, under a name that is free, and return its new path.

    It is renamed and never copied: plaintext is not written anywhere. Of a symbolic link, the link
    is moved, and what it points to stays. What a killed run has given its new name already only
    loses the old one.

    Raises:
        IncompleteError: it cannot be moved.
        ConfigError: the folder is on another file system.
        PolicyError: a link on the way to the folder is a stranger's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held_folder(folder) as there:
            number = 1
            while True:
                name = path.name if number == 1 else f"{path.name}.{number}"
                try:
                    _link(path, there / name)  # fails where the name is taken, as rename does not
                except FileExistsError:
                    if not _is_same(path, there / name):
                        number += 1
                        continue
                path.unlink()
                return folder / name
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise ConfigError(
                f"{folder} is on another file system than {path}, and plaintext is not copied",
                hint="name a folder beside the sources",
            ) from error
        raise _cannot("move", path, error) from error


def _link(path: Path, name: Path) -> None:
    if path.is_symlink():
        name.symlink_to(path.resolve())  # by its whole path: it may have been relative
    else:
        os.link(path, name)


def _is_same(path: Path, name: Path) -> bool:
    """Tell whether a killed run has given a source this name already."""
    if path.is_symlink():
        return name.is_symlink() and name.resolve() == path.resolve()
    return os.path.samestat(path.lstat(), name.lstat())


def _cannot(do: str, path: Path, error: OSError) -> IncompleteError:
    return IncompleteError(
        f"cannot {do} {path}: {os.strerror(error.errno or 0)}",
        hint="check the permissions of its folder; it was delivered, and is not sent again",
    )
