"""The sources of a job: which exist, which are quiet, and which were already sent.

Their folder may belong to another user, who could link one of our files there to have it encrypted
for himself. So links of other users are not followed, and only the file that was found is read,
moved or deleted, even if another file has taken its name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import time
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.files import open_input
from piienc.base.trust import require_trusted
from piienc.base.walk import walked
from piienc.errors import ConfigError, InputError, PolicyError
from piienc.remote import safe_name
from piienc.storage.hashing import HashingReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from piienc.base.walk import PathStep
    from piienc.settings.job import Job
    from piienc.state import JobEntry

_LOOK_AGAIN = 2.0  # seconds at the most, where the time of the last write lies in the future


class SourceFile(Struct, frozen=True):
    """A source as it was found.

    Attributes:
        path: absolute.
        size: in bytes.
        modified: the time of the last write, in nanoseconds.
        inode: the inode of the file.
        device: the device of the inode.
    """

    path: Path
    size: int
    modified: int
    inode: int
    device: int

    @classmethod
    def found(cls, path: Path) -> SourceFile | None:
        """Look at a path; None if no regular file is there.

        Raises:
            InputError: a link of another user leads to it.
        """
        try:
            with walked(path, from_here=True) as walk:
                _refuse_links(walk.steps, path)
                facts = walk.end.stat()
        except OSError:
            return None
        return cls.of(path, facts) if stat.S_ISREG(facts.st_mode) else None

    @classmethod
    def at(cls, path: Path) -> SourceFile | None:
        """Look at a path; None if no regular file is there that could be a source."""
        with contextlib.suppress(InputError):
            return cls.found(path)
        return None

    @classmethod
    def of(cls, path: Path, facts: os.stat_result) -> SourceFile:
        """Return a file with the facts of the system."""
        return cls(path, facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev)

    def is_at(self, name: Path) -> bool:
        """Tell whether a name in a folder that is held is that of this file, as it was found."""
        with contextlib.suppress(OSError):
            return SourceFile.of(self.path, name.stat()) == self
        return False

    def is_source_of(self, entry: JobEntry) -> bool:
        """Tell whether an entry of the ledger is of this file, as it is now."""
        recorded = (entry.source, entry.size, entry.modified, entry.inode)
        return recorded == (str(self.path), self.size, self.modified, self.inode)

    def has_content_of(self, entries: Iterable[JobEntry]) -> JobEntry | None:
        """Return the entry of a source of the same name and content; reads the file if need be.

        Raises:
            InputError: it cannot be read.
        """
        candidates = [each for each in entries if Path(each.source).name == self.path.name]
        if not candidates:
            return None
        with open_input(self.path) as file:
            if SourceFile.of(self.path, os.fstat(file.fileno())) != self:
                return None
            digest = HashingReader(file).sha256()
        return next((each for each in candidates if each.sha256 == digest), None)


class JobSources(Struct, frozen=True):
    """The sources of a job, sorted by name.

    Attributes:
        ready: sources that can be sent.
        moving: files that may still be written to.
        refused: files whose name is not allowed at a destination or that another user has linked,
            each with its error.
    """

    ready: list[SourceFile]
    moving: list[Path]
    refused: list[tuple[Path, InputError]]


def sources(job: Job) -> JobSources:
    """Look for a job's sources.

    Raises:
        ConfigError: their folder cannot be read.
    """
    files: list[SourceFile] = []
    refused: list[tuple[Path, InputError]] = []
    for path in _paths(job):
        try:
            each = SourceFile.found(path)
        except InputError as error:
            refused.append((path, error))
        else:
            files += [each] if each else []
    now = time.time_ns()
    quiet = [each for each in files if (now - each.modified) / 1e9 >= job.quiet_for]
    odd = [each for each in files if each.modified > now]
    if odd:
        # A clock was set back: when they were written to cannot be told, but whether they are.
        time.sleep(min(job.quiet_for, _LOOK_AGAIN))
        quiet += [each for each in odd if each not in quiet and SourceFile.at(each.path) == each]
    moving = [each.path for each in files if each not in quiet]
    quiet.sort(key=lambda each: each.path)
    misnamed = {each.path: why for each in quiet if (why := _misnamed(each.path))}
    ready = [each for each in quiet if each.path not in misnamed]
    return JobSources(ready, moving, sorted([*refused, *misnamed.items()], key=itemgetter(0)))


@contextlib.contextmanager
def held_source(path: Path) -> Iterator[Path]:
    """Open the folder of a source, so that its path stays valid even if the folder is renamed.

    Yields:
        The name of the source in it.

    Raises:
        InputError: a link of another user leads to the folder.
        OSError: it is missing, or may not be read.
    """
    with walked(path.parent, from_here=True) as walk:
        _refuse_links(walk.steps, path)
        yield walk.end / path.name


def is_ours(facts: os.stat_result) -> bool:
    """Return whether a file belongs to the current user or to root."""
    return facts.st_uid in {os.geteuid(), 0}


def _refuse_links(steps: list[PathStep], path: Path) -> None:
    link = next((step for step in steps if step.is_link and not is_ours(step.facts)), None)
    if link is None:
        return
    try:
        require_trusted(path)
    except PolicyError:
        raise InputError(
            f"{_shown(path)}: {_shown(Path(link.path))} is a symbolic link of another user, uid "
            f"{link.facts.st_uid}, and what it leads to may not be theirs",
            hint="have the file itself put there in place of the link",
        ) from None


def _misnamed(path: Path) -> InputError | None:
    try:
        str(path).encode()
        safe_name(path.name)
    except (UnicodeEncodeError, PolicyError):
        return InputError(
            f"{_shown(path)}: the name is not UTF-8, or holds control characters",
            hint="rename the file",
        )
    return None


def _shown(path: Path) -> str:
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _require_folder(pattern: Path) -> None:
    """Refuse a folder that is not there: nothing new in it would look like a quiet night."""
    names = list(itertools.takewhile(lambda part: not set(part) & set("*?["), pattern.parts[:-1]))
    folder = Path(*names)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        raise ConfigError(
            f"the folder of the sources cannot be read: {folder}",
            hint="see that it is there and mounted, and that this user may read it",
        )


def _paths(job: Job) -> list[Path]:
    if job.source.exists():
        paths = [job.source]
    else:
        pattern = job.source.absolute()
        _require_folder(pattern)
        paths = list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    set_aside = {folder.absolute() for folder in (job.move_to, job.quarantine) if folder}
    paths = [path.absolute() for path in paths]
    return [path for path in paths if set_aside.isdisjoint(path.parents)]
