"""Which log a key has begun in which state folder, so that one that is gone is missed.

A file for each state folder, named by its path. The folder itself is remembered, too: under another
path, through a link or a bind mount, or moved, it is the same one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piienc.base.files import make_private_folder, new_file
from piienc.errors import ConfigError, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STATE, _FOLDER = "state", "folder"
# FS_IOC_GETVERSION of linux/fs.h, where a long has 8 bytes. The number of an inode is given again
# at once when a folder is removed; its generation tells the new one from the old.
_GENERATION = 0x80087601


class BegunLogs:
    """What the key folder knows of logs that were begun."""

    def __init__(self, folder: Path, read: Callable[[Path], bytes]) -> None:
        """Say where the files are.

        Args:
            folder: where they are; it need not be there.
            read: returns the content of one that can be trusted.
        """
        self._folder = folder
        self._read = read

    def log_of(self, state: Path, fingerprint: str) -> str | None:
        """Return the id of the log that a key has begun in a state folder, if that is known."""
        # By the path first: a folder or a link in its place must not lead to another log.
        for told in (self._at(state), *self._same(state)):
            if fingerprint in told:
                return str(told[fingerprint])
        return None

    def knows(self, state: Path, fingerprint: str) -> bool:
        """Tell whether path and folder are known as they are now."""
        told = self._at(state)
        return fingerprint in told and told.get(_FOLDER) == _identity(state)

    def keep(self, state: Path, fingerprint: str, log: str) -> None:
        """Keep the id of a log that is begun in a state folder, if the key folder takes it."""
        if not os.access(self._folder.parent, os.W_OK | os.X_OK):
            return
        told = {_STATE: _absolute(state), _FOLDER: _identity(state), fingerprint: log}
        with contextlib.suppress(ConfigError, IncompleteError):
            make_private_folder(self._folder)
            with new_file(self._file(state), overwrite=True, kept=True) as file:
                file.write(json.dumps(told, indent=2).encode() + b"\n")

    def _at(self, state: Path) -> dict[str, Any]:
        path = self._file(state)
        return self._told(path) if os.access(path, os.F_OK) else {}

    def _same(self, state: Path) -> Iterator[dict[str, Any]]:
        """Yield what is known of the folder under other paths."""
        real, identity = os.path.realpath(state), _identity(state)
        for path in sorted(self._folder.glob("*.json")):
            told = self._told(path)
            name = told.get(_STATE)
            if not isinstance(name, str) or not os.path.isabs(name):  # noqa: PTH117  # text
                continue  # of an older piienc: a path from a folder that is not known
            there = _identity(Path(name))
            is_there = identity is not None and there == identity
            # Without a generation, the number may be that of a folder that is gone.
            was_there = identity is not None and identity[2] and told.get(_FOLDER) == identity
            if os.path.realpath(name) == real or is_there or was_there:
                yield told

    def _told(self, path: Path) -> dict[str, Any]:
        try:
            told = json.loads(self._read(path))
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    def _file(self, state: Path) -> Path:
        name = hashlib.sha256(os.fsencode(_absolute(state))).hexdigest()
        return self._folder / f"{name[:16]}.json"


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # links are not followed


def _identity(folder: Path) -> list[int] | None:
    """Return device, inode and generation of a folder; that is 0 where there is none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        facts, generation = os.fstat(descriptor), bytes(8)
        with contextlib.suppress(OSError):
            generation = fcntl.ioctl(descriptor, _GENERATION, generation)
        return [facts.st_dev, facts.st_ino, struct.unpack_from("=I", generation)[0]]
    finally:
        os.close(descriptor)
