"""A path walked as the system walks it, name by name, each held open while the walk lasts.

What a path's text names may be another thing a moment later: whoever may rename a folder on the way
can exchange it for a link. What was walked stays what it was, for the descriptors are of the things
themselves: `O_PATH` in open(2).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINKS = 40
"""Links on one way: path_resolution(7)."""

# What the system jumps to without regard for a text: proc_pid_fd(5), proc_pid_root(5) and so on.
_JUMPS = re.compile(r"/proc/\d+(/task/\d+)?/(fd/\d+|cwd|root|exe)")


class PathStep(Struct, frozen=True):
    """A name that the system meets on the way to a path.

    Attributes:
        path: absolute, without links but for the name itself.
        facts: of what has the name; of a link itself, and not of its target.
        folder: of the folder that the name stands in.
    """

    path: str
    facts: os.stat_result
    folder: os.stat_result

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.facts.st_mode)


class PathWalk(Struct, frozen=True):
    """A path that was walked.

    Attributes:
        steps: each name, in the order in which the system meets them; the last is where it ends.
        end: a name for what the path led to, while the walk lasts, whatever becomes of its names.
    """

    steps: list[PathStep]
    end: Path


@contextlib.contextmanager
def walked(path: Path, *, from_here: bool = False) -> Iterator[PathWalk]:
    """Walk a path, and hold what it leads to.

    A step is a link that was followed by its text, or a name in `/proc` such as a descriptor's
    (`/dev/fd/63`), which leads to what a process has open. The last step is a link only if it is
    such a name, of no folder.

    Args:
        path: what is walked; a relative one counts from the current folder.
        from_here: begin in the current folder, and not at the root: those above it may forbid to
            search them. For what needs no judgement of these.

    Raises:
        OSError: something is missing, or may not be looked at.
    """
    with contextlib.ExitStack() as stack:

        def opened(name: str, flags: int, folder: int | None = None) -> int:
            descriptor = os.open(name, os.O_PATH | flags, dir_fd=folder)
            stack.callback(os.close, descriptor)
            return descriptor

        root = at = opened("/", os.O_DIRECTORY)
        text, left = "/", list(reversed((Path.cwd() / path).parts[1:]))
        if from_here and not path.is_absolute():
            text, at, left = os.getcwd(), opened(".", os.O_DIRECTORY), list(reversed(path.parts))  # noqa: PTH109  # text
        folder = os.fstat(at)
        steps = [PathStep(text, folder, folder)]
        links = 0
        while left:
            name = left.pop()
            found = opened(name, os.O_NOFOLLOW, at)
            if name == "..":
                if _JUMPS.fullmatch(text):  # what is above it, the text does not tell
                    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(path))
                text, at, folder = os.path.dirname(text), found, os.fstat(found)  # noqa: PTH120  # text: a Path each time would take longer
                around = next((step.folder for step in steps if step.path == text), folder)
                steps.append(PathStep(text, folder, around))
                continue
            step = PathStep(os.path.join(text, name), os.fstat(found), folder)  # noqa: PTH118  # likewise
            steps.append(step)
            if step.is_link and not _JUMPS.fullmatch(step.path):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
                target = Path(os.readlink("", dir_fd=found))
                left += reversed(target.parts[target.is_absolute() :])
                if target.is_absolute():
                    text, at, folder = "/", root, os.fstat(root)
                continue
            at = opened(name, 0, at) if step.is_link else found
            text, folder = step.path, os.fstat(at) if step.is_link else step.facts
            if step.is_link and stat.S_ISDIR(folder.st_mode):  # what it has led to is met as well
                steps.append(PathStep(text, folder, folder))
        yield PathWalk(steps, by_descriptor(at))


def by_descriptor(descriptor: int) -> Path:
    """Return the name by which this process opens what a descriptor is of once more: proc(5).

    Raises:
        ConfigError: there is no `/proc`.
    """
    path = Path(f"/proc/self/fd/{descriptor}")
    if not os.path.lexists(path):
        raise ConfigError(
            "there is no /proc here, by which files are opened safely",
            hint="mount it: mount -t proc proc /proc",
        )
    return path
