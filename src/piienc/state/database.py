"""The SQLite file of the state folder: opened for each transaction, or kept open for a run."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import threading
import time
from typing import TYPE_CHECKING, ClassVar

from piienc.base.files import PRIVATE_FILE, adopt, make_private_folder
from piienc.base.locks import lock
from piienc.errors import ConfigError
from piienc.state.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from sqlite3 import Connection

FILE = "state.db"
OTHER_FOLDER = "name a folder that may be written to: --state DIR or PIIENC_STATE"
"""The hint where the state folder cannot be used."""

_PATIENCE = 60.0  # seconds that another run's transaction may take
_PAUSE = 0.02  # seconds
_HANGING = 5.0  # seconds


@contextlib.contextmanager
def transaction(folder: Path, doing: str) -> Iterator[Connection]:
    """Open the database for one transaction, which waits for those of other processes.

    Args:
        folder: the state folder; it is made if it is not there.
        doing: what this is for, as an error tells it.

    Raises:
        ConfigError: the database cannot be used, or is a newer piienc's; nothing of the
            transaction is kept.
    """
    import sqlite3  # noqa: PLC0415  # start-up

    file = folder / FILE
    try:
        with _opened(folder) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                migrate(database, file)
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.rollback()
                raise
    except (sqlite3.Error, OSError) as error:
        raise ConfigError(
            f"cannot {doing} in {file}: {error}",
            hint=OTHER_FOLDER,
        ) from error


class StateRecords:
    """The records of one kind in a state folder; safe between threads and processes."""

    doing: ClassVar[str]
    """What a transaction is for, as an error tells it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def is_begun(self) -> bool:
        """Whether there is anything yet: to look makes nothing."""
        return (self.folder / FILE).exists()

    def database(self) -> AbstractContextManager[Connection]:
        """Open the database for one transaction: see `transaction`."""
        return transaction(self.folder, self.doing)


@contextlib.contextmanager
def kept_open(folder: Path) -> Iterator[None]:
    """Keep the database open while the block runs, for the transactions of all its threads.

    Opening and closing costs ten times as much as a transaction: the last close writes the
    write-ahead log back, and removes it.
    """
    with _CHANGING:
        kept = _KEPT.setdefault(folder, _KeptConnection(folder))
        kept.users += 1
    try:
        yield
    finally:
        with _CHANGING:
            kept.users -= 1
            if not kept.users:
                del _KEPT[folder]
                kept.close()


class _KeptConnection:
    """A connection that one thread at a time uses."""

    def __init__(self, folder: Path) -> None:
        self.users = 0
        self._folder = folder
        self._lock = threading.Lock()
        self._database: Connection | None = None
        self._file: os.stat_result | None = None

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give the connection; if the file is another one by now, one to that."""
        with self._lock:
            if self._database is None or not self._is_there():
                self._close()
                self._database = _connected(self._folder)
                self._file = (self._folder / FILE).stat()
            yield self._database

    def close(self) -> None:
        """End the connection, unless a thread is at it that hangs: then it is left alone."""
        if self._lock.acquire(timeout=_HANGING):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database:
            database.close()

    def _is_there(self) -> bool:
        try:
            return self._file is not None and os.path.samestat(
                self._file, (self._folder / FILE).stat()
            )
        except FileNotFoundError:
            return False


_KEPT: dict[Path, _KeptConnection] = {}
_CHANGING = threading.Lock()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[Connection]:
    if kept := _KEPT.get(folder):
        with kept.connection() as database:
            yield database
        return
    with contextlib.closing(_connected(folder)) as database:
        yield database


def _connected(folder: Path) -> Connection:
    import sqlite3  # noqa: PLC0415  # start-up

    file = folder / FILE
    make_private_folder(folder, OTHER_FOLDER)
    _make(file)
    _require_own(file)
    database = sqlite3.connect(
        file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _write_ahead(database, folder)
    except BaseException:
        database.close()
        raise
    return database


def _make(file: Path) -> None:
    """Make the file, private from its first moment; one that is there is not opened.

    To close it once would give up all locks that other threads of this process hold on it, and
    another process could take its log away: https://www.sqlite.org/howtocorrupt.html, 2.2.
    """
    with contextlib.suppress(FileExistsError):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(file, flags, PRIVATE_FILE)
        try:
            adopt(descriptor, file.parent)
        finally:
            os.close(descriptor)


def _require_own(file: Path) -> None:
    """Refuse a file that somebody has put there, while the folder was open to others.

    Whoever owns it could write into it, and a link would lead to another. It is not opened: see
    `_make`.
    """
    facts, folder = file.lstat(), file.parent.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigError(
            f"{file} is no regular file, and may have been planted",
            hint=f"move it away, or {OTHER_FOLDER}",
        )
    if facts.st_uid not in {os.geteuid(), folder.st_uid}:
        raise ConfigError(
            f"{file} belongs to another user than its folder",
            hint=f"if you trust what is in it: sudo chown {folder.st_uid} {shlex.quote(str(file))}",
        )
    if stat.S_IMODE(facts.st_mode) != PRIVATE_FILE:
        file.chmod(PRIVATE_FILE)  # nobody else can put a link there now


def _write_ahead(database: Connection, folder: Path) -> None:
    """See to it that the file has a write-ahead log; a file system without one does without."""
    import sqlite3  # noqa: PLC0415  # start-up

    if _journal(database, "") == "wal":
        return
    # SQLite does not wait when the mode is switched. So one run at a time does it, and waits for
    # those that still work in the old mode.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor, folder)
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
