"""What only one run at a time may do."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from typing import TYPE_CHECKING

from piienc.errors import ConfigError, LockError
from piienc.files import PRIVATE_FILE, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock on something while the block runs; a run that dies gives it back.

    Args:
        folder: the state folder.
        what: as an error tells it, "the transfer of NAME to URL", say.

    Raises:
        LockError: another run holds it.
        ConfigError: the state folder cannot be used.
    """
    locks = folder / "locks"
    file = locks / f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.lock"
    try:
        make_private_folder(folder)
        make_private_folder(locks)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise ConfigError(
            f"cannot make a lock in {locks}: {os.strerror(error.errno or 0)}",
            hint="name a folder that may be written to: --state DIR or PIIENC_STATE",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockError(f"another run is at work on {what}") from None
        yield
    finally:
        os.close(descriptor)
