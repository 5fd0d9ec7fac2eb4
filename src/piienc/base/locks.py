"""Locks on open files and folders: flock(2)."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from piienc.errors import ConfigError, LockError

if TYPE_CHECKING:
    from pathlib import Path

_PAUSE = 0.02  # seconds


def lock(descriptor: int, path: Path, *, wait: bool = True, shared: bool = False) -> bool:
    """Take the lock on an open file or folder; it ends when that is closed.

    Args:
        descriptor: of the file.
        path: what messages call it.
        wait: for as long as another process holds it.
        shared: with others who share it.

    Returns:
        Whether it was taken: false only without `wait`, where another process holds it.

    Raises:
        ConfigError: the file system gives no locks, or the disk fails.
    """
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigError(
            f"cannot lock {path}: {os.strerror(error.errno or 0)}",
            hint="use a folder on a disk of this machine; network file systems may give no locks",
        ) from error
    return True


def lock_within(seconds: float, descriptor: int, path: Path, *, shared: bool = False) -> None:
    """Take a lock, as `lock` does, for which another process may keep us waiting so long.

    Raises:
        LockError: it has taken longer; whoever may open a file or a folder can lock it.
        ConfigError: the file system gives no locks, or the disk fails.
    """
    give_up = time.monotonic() + seconds
    while not lock(descriptor, path, wait=False, shared=shared):
        if time.monotonic() > give_up:
            raise LockError(
                f"another process has held the lock on {path} for {seconds:.0f} seconds",
                hint="wait for it; lslocks tells which one it is",
            )
        time.sleep(_PAUSE)
