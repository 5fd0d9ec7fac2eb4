"""What only one run at a time may do."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING

from piienc.base.files import PRIVATE_FILE, adopt, make_private_folder
from piienc.base.locks import lock
from piienc.errors import ConfigError, LockError
from piienc.state.database import OTHER_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_PATIENCE = 0.3  # seconds: `is_held` takes hold of a lock for a moment
_PAUSE = 0.01  # seconds


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs; a killed run releases it.

    Args:
        folder: the state folder.
        what: the name of the lock, which errors show: "the transfer of NAME to URL", for example.

    Raises:
        LockError: another run holds it.
        ConfigError: the state folder cannot be used.
    """
    file = _file(folder, what)
    try:
        make_private_folder(folder, OTHER_FOLDER)
        make_private_folder(file.parent)
        descriptor = _taken(file)
    except OSError as error:
        raise ConfigError(
            f"cannot make a lock in {file.parent}: {os.strerror(error.errno or 0)}",
            hint=OTHER_FOLDER,
        ) from error
    if descriptor is None:
        raise LockError(f"another run is at work on {what}")
    try:
        yield
    finally:
        # While it is still held: so whoever waits for this file finds that it has lost its name.
        file.unlink(missing_ok=True)
        os.close(descriptor)


def is_held(folder: Path, what: str) -> bool:
    """Tell whether a run holds the lock on something now; see `held`.

    Raises:
        ConfigError: the file system gives no locks.
    """
    file = _file(folder, what)
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not lock(descriptor, file, wait=False, shared=True)
    finally:
        os.close(descriptor)


def _file(folder: Path, what: str) -> Path:
    return folder / "locks" / f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.lock"


def _taken(file: Path) -> int | None:
    """Take the lock on the file that has this name now; None if another run holds it."""
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.ExitStack() as closing:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
            closing.callback(os.close, descriptor)
            adopt(descriptor, file.parent)
            taken = lock(descriptor, file, wait=False)
            if taken and _has_name(descriptor, file):
                closing.pop_all()
                return descriptor
        if not taken:
            if time.monotonic() > end:
                return None
            time.sleep(_PAUSE)


def _has_name(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
