"""Which log a key has begun in which state folder, so that one that is gone is missed.

A file for each state folder, named by its path. Through a link or a bind mount, it is the same one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from piienc.base.files import make_private_folder, new_file
from piienc.errors import ConfigError, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_STATE = "state"


class BegunLogs:
    """What the key folder knows of logs that were begun."""

    def __init__(self, folder: Path, read: Callable[[Path], bytes]) -> None:
        """Say where the files are, and what reads one that can be trusted."""
        self._folder = folder
        self._read = read

    def log_of(self, state: Path, fingerprint: str) -> str | None:
        """Return the id of the log that a key has begun in a state folder, if that is known."""
        # By the path first: a folder or a link in its place must not lead to another log.
        for entry in (self._at(state), *self._same(state)):
            if fingerprint in entry:
                return str(entry[fingerprint])
        return None

    def keep(self, state: Path, fingerprint: str, log: str) -> None:
        """Keep the id of the first log at this path, if the key folder takes it."""
        writable = os.access(self._folder.parent, os.W_OK | os.X_OK)
        if not writable or fingerprint in self._at(state):
            return
        entry = {_STATE: _absolute(state), fingerprint: log}
        with contextlib.suppress(ConfigError, IncompleteError):
            make_private_folder(self._folder)
            with new_file(self._file(state), overwrite=True, kept=True) as file:
                file.write(json.dumps(entry, indent=2).encode() + b"\n")

    def _at(self, state: Path) -> dict[str, Any]:
        path = self._file(state)
        return self._entry(path) if os.access(path, os.F_OK) else {}

    def _same(self, state: Path) -> Iterator[dict[str, Any]]:
        """Yield what is known of the folder under other paths."""
        for path in sorted(self._folder.glob("*.json")):
            entry = self._entry(path)
            # An older piienc kept paths from a folder that is not known.
            if os.path.isabs(name := str(entry.get(_STATE))) and _is_same(name, state):  # noqa: PTH117  # text
                yield entry

    def _entry(self, path: Path) -> dict[str, Any]:
        try:
            entry = json.loads(self._read(path))
        except (ValueError, RecursionError):
            return {}
        return entry if isinstance(entry, dict) else {}

    def _file(self, state: Path) -> Path:
        name = hashlib.sha256(os.fsencode(_absolute(state))).hexdigest()
        return self._folder / f"{name[:16]}.json"


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # links are not followed


def _is_same(path: str, folder: Path) -> bool:
    """Tell whether two paths lead to one folder, or to one place where it has been."""
    with contextlib.suppress(OSError):
        if os.path.samefile(path, folder):  # noqa: PTH121  # text
            return True
    return os.path.realpath(path) == os.path.realpath(folder)
