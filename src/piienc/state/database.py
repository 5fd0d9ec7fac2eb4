"""The SQLite file of the state folder, opened for one transaction at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from piienc.errors import ConfigError
from piienc.files import PRIVATE_FILE, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from sqlite3 import Connection

FILE = "state.db"

_PATIENCE = 60.0  # seconds that another run's transaction may take
_PAUSE = 0.02  # seconds


@contextlib.contextmanager
def transaction(folder: Path, table: str, doing: str) -> Iterator[Connection]:
    """Open the database for one transaction, which waits for those of other processes.

    Args:
        folder: the state folder; it is made if it is not there.
        table: the statement that makes the table if it is not there.
        doing: what this is for, as an error tells it.

    Raises:
        ConfigError: the database cannot be used; nothing of the transaction is kept.
    """
    import sqlite3  # noqa: PLC0415  # start-up

    file = folder / FILE
    try:
        make_private_folder(folder)
        _make(file)
        file.chmod(PRIVATE_FILE)
        with contextlib.closing(
            sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)
        ) as database:
            _write_ahead(database, folder)
            database.execute("BEGIN IMMEDIATE")
            database.execute(table)
            yield database
            database.execute("COMMIT")
    except (sqlite3.Error, OSError, ConfigError) as error:
        raise ConfigError(
            f"cannot {doing} in {file}: {error}",
            hint="name a folder that may be written to: --state DIR or PIIENC_STATE",
        ) from error


def _make(file: Path) -> None:
    """Make the file, private from its first moment; one that is there is not opened.

    To close it once would give up all locks that other threads of this process hold on it, and
    another process could take its log away: https://www.sqlite.org/howtocorrupt.html, 2.2.
    """
    with contextlib.suppress(FileExistsError):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(file, flags, PRIVATE_FILE))


def _write_ahead(database: Connection, folder: Path) -> None:
    """See to it that the file has a write-ahead log; a file system without one does without."""
    import sqlite3  # noqa: PLC0415  # start-up

    if _journal(database, "") == "wal":
        return
    # SQLite does not wait when the mode is switched. So one run at a time does it, and waits for
    # those that still work in the old mode.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                _journal(database, " = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                return
    finally:
        os.close(descriptor)


def _journal(database: Connection, change: str) -> str:
    (mode,) = database.execute(f"PRAGMA journal_mode{change}").fetchone()
    return str(mode)
