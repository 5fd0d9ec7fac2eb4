"""The sources of a job: which are there, which are quiet, and which were sent already."""

from __future__ import annotations

import itertools
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.files import open_input
from piienc.errors import ConfigError, InputError, PolicyError
from piienc.remote import safe_name
from piienc.storage.hashing import HashingReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from piienc.settings.job import Job
    from piienc.state import JobEntry

_LOOK_AGAIN = 2.0  # seconds at the most, where the time of the last write lies in the future


class SourceFile(Struct, frozen=True):
    """A source as it was found.

    Attributes:
        path: absolute.
        size: in bytes.
        modified: when it was last written to, in nanoseconds.
        inode: of the file.
    """

    path: Path
    size: int
    modified: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> SourceFile | None:
        """Look at a path; None if no regular file is there."""
        try:
            facts = path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        return cls(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)

    def is_source_of(self, sent: JobEntry) -> bool:
        """Tell whether an entry of the ledger is of this file, as it is now."""
        theirs = (sent.source, sent.size, sent.modified, sent.inode)
        return theirs == (str(self.path), self.size, self.modified, self.inode)

    def has_content_of(self, sent: Iterable[JobEntry]) -> JobEntry | None:
        """Return the entry of a source of the same name and content; reads the file if need be.

        Raises:
            InputError: it cannot be read.
        """
        named = [each for each in sent if Path(each.source).name == self.path.name]
        if not named:
            return None
        with open_input(self.path) as file:
            digest = HashingReader(file).sha256()
        return next((each for each in named if each.sha256 == digest), None)


class JobSources(Struct, frozen=True):
    """What is there for a job, by name.

    Attributes:
        ready: what can be taken up.
        moving: what somebody may still be writing.
        misnamed: what could not have its name at a destination, and why.
    """

    ready: list[SourceFile]
    moving: list[Path]
    misnamed: list[tuple[SourceFile, InputError]]


def sources(job: Job) -> JobSources:
    """Look for a job's sources.

    Raises:
        ConfigError: their folder cannot be read.
    """
    found = [each for path in _paths(job) if (each := SourceFile.at(path))]
    quiet = [each for each in found if _is_quiet(each, job.quiet_for)]
    odd = [each for each in found if each.modified > time.time_ns()]
    if odd:
        # A clock was set back: when they were written to cannot be told, but whether they are.
        time.sleep(min(job.quiet_for, _LOOK_AGAIN))
        quiet += [each for each in odd if each not in quiet and SourceFile.at(each.path) == each]
    moving = [each.path for each in found if each not in quiet]
    quiet.sort(key=lambda each: each.path)
    wrong = [(each, error) for each in quiet if (error := _misnamed(each.path))]
    ready = [each for each in quiet if all(each is not other for other, _ in wrong)]
    return JobSources(ready, moving, wrong)


def _misnamed(path: Path) -> InputError | None:
    try:
        str(path).encode()
        safe_name(path.name)
    except (UnicodeEncodeError, PolicyError):
        shown = os.fsencode(path).decode(errors="backslashreplace")
        shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in shown)
        return InputError(
            f"{shown}: the name is not UTF-8, or holds control characters", hint="rename the file"
        )
    return None


def _is_quiet(found: SourceFile, seconds: float) -> bool:
    age = (time.time_ns() - found.modified) / 1e9
    return age >= seconds


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
        found = [job.source]
    else:
        pattern = job.source.absolute()
        _require_folder(pattern)
        found = list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    set_aside = {folder.absolute() for folder in (job.move_to, job.quarantine) if folder}
    found = [path.absolute() for path in found]
    return [path for path in found if set_aside.isdisjoint(path.parents)]
