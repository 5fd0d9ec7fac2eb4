"""An SFTP server as a destination."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import IncompleteError, OutOfOrderError
from piienc.remote.names import OURS, aside_of, is_safe, safe_name, shown_name
from piienc.remote.remote import (
    FOLDER,
    FREELY,
    UNKNOWN,
    UNSEEN,
    DirectoryEntry,
    FileAttributes,
    Remote,
    unless_refused,
)
from piienc.remote.sftp import calls
from piienc.remote.sftp.listing import listing
from piienc.remote.sftp.pool import SessionPool
from piienc.remote.sftp.refusals import hidden_refusal
from piienc.remote.sftp.transfer import BlockSender, Span, fetch
from piienc.remote.sources import reader_of
from piienc.remote.ssh.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from piienc.errors import PiiencError
    from piienc.remote.options import ConnectOptions
    from piienc.remote.remote import WriteMode
    from piienc.remote.sftp.calls import OpenFile
    from piienc.remote.sftp.session import Answer, Session
    from piienc.remote.url import RemoteUrl

# What any server takes, by the draft; one with limits@openssh.com says how much more.
_BLOCK = 32 << 10
_LARGEST_BLOCK = 255 << 10  # OpenSSH's own limit
_SMALLEST_BLOCK = 4 << 10  # or millions of requests would be under way at once
_BLOCKS_A_SESSION = 4  # a session that gets fewer is not worth opening the file in it
_NO_END = 1 << 62
_SLOW_DISK = 10_000_000  # bytes in a second: so long may a server take to empty its cache


def _block(limit: int) -> int:
    """Return the size of a request by the server's limits; 0 if it does not send them."""
    return max(_SMALLEST_BLOCK, min(limit or _BLOCK, _LARGEST_BLOCK))


class SftpRemote(Remote):
    """A `Remote` on an SFTP server."""

    def __init__(
        self, connection: Connection, pool: SessionPool, folder: str, options: ConnectOptions
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._folder = folder
        self._limiter = options.limiter
        self._mode = options.file_mode
        self._reading = self._writing = _BLOCK

    @classmethod
    def connect(cls, url: RemoteUrl, options: ConnectOptions) -> SftpRemote:
        """Connect to a server, and check that the folder is there: see `open_remote`."""
        connection = Connection.open(url, options)
        try:
            pool = SessionPool(connection, connection.first_session(), most=options.sessions)
            remote = cls(connection, pool, url.folder, options)
            remote._look_around()
        except BaseException:
            connection.close()
            raise
        return remote

    def _look_around(self) -> None:
        with self._session("enter the folder") as session:
            began = time.monotonic()
            limits = calls.limits(session)
            # Some servers do not say whether it exists: then it may.
            facts = unless_refused(lambda: calls.stat(session, self._folder), UNSEEN)
            self._pool.round_trip = time.monotonic() - began
            reading, writing = limits()
            self._reading, self._writing = map(_block, (reading, writing))
        if facts is None or facts.kind not in {FOLDER, UNKNOWN}:
            raise IncompleteError(
                f"the destination has no folder {self._folder}",
                hint="correct the path in the URL, or have the folder made by the server's owner",
            )

    @property
    def concurrency(self) -> int:
        """How many files may usefully be on their way at the same time."""
        return self._pool.concurrency

    @property
    def alive(self) -> bool:
        """Whether the server has ended neither the connection nor its first session."""
        return self._connection.transport.is_active() and self._pool.first.alive

    def stat(self, name: str) -> FileAttributes | None:
        """Return what is told of a file; None if there is none."""
        with self._session(f"look for {name}") as session:
            return calls.stat(session, self._path(name))

    def entries(self, refused: Callable[[str], object] | None = None) -> Iterator[DirectoryEntry]:
        """List the folder; names that are not plain are left out, and told to `refused`."""
        with self._session("list the folder") as session:
            for name, facts in listing(session, self._folder):
                if is_safe(name, ours=True):
                    yield DirectoryEntry(name, facts)
                elif refused and name not in {".", ".."}:
                    refused(shown_name(name))

    def upload(
        self,
        name: str,
        source: BinaryIO,
        *,
        size: int,
        manner: WriteMode = FREELY,
        progress: Callable[[int], object] | None = None,
    ) -> FileAttributes | None:
        """Write a local file's bytes up to `size`: see `Remote.upload`."""
        doing = f"write {name}"
        span = Span(manner.offset, size, self._writing, self._limiter, progress)
        count = size - manner.offset
        useful = min(count // (_BLOCKS_A_SESSION * span.block), self._pool.worthwhile)
        with (
            self._session(doing) as session,
            self._open_for_writing(session, name, manner) as file,
        ):
            manner.on_created()
            if self._mode is not None and not file.set_mode(self._mode):
                manner.on_warning("its mode could not be set: the server does not allow it")
            self._write(file, name, source, span, sessions=1 if manner.once else useful)
            try:
                facts = file.finish(doing, patience=count / _SLOW_DISK)
            except IncompleteError as error:
                if name.startswith(OURS):  # it may be taken away when it is closed
                    hidden_refusal(error)
                raise
            if facts is None or facts.size is None:
                facts = self._look_behind(session, name)
        if facts and facts.size not in {None, size}:
            raise IncompleteError(
                f"{name} has {facts.size} bytes at the destination, not {size}",
                hint="another program changes it there, or the server has lost bytes",
            )
        return facts

    def _look_behind(self, session: Session, name: str) -> FileAttributes | None:
        """Return the attributes of a closed file; the receiver may have taken it at once."""
        facts = unless_refused(lambda: calls.stat(session, self._path(name)), UNSEEN)
        if facts is None and name.startswith(OURS):
            raise IncompleteError(
                f"{name} is not at the destination, though it was written",
                hint="if its receiver takes hidden files, too, say rename = false in piienc.toml",
            )
        return facts

    def _write(
        self, file: OpenFile, name: str, source: BinaryIO, span: Span, *, sessions: int
    ) -> None:
        """Write blocks in so many sessions."""
        path, doing = self._path(name), f"write {name}"
        used = {file.session}

        @contextlib.contextmanager
        def again() -> Iterator[OpenFile | None]:
            with self._pool.another(used) as other, contextlib.ExitStack() as stack:
                again = None
                # A server that opens a file only once has its way.
                with contextlib.suppress(IncompleteError):
                    if other:
                        opened = calls.opened(other, path, doing, write=True)
                        again = stack.enter_context(opened)
                yield again

        def refused(answer: Answer) -> PiiencError:
            once = sessions <= 1 and not span.begin
            return calls.write_refusal(file.session, path, answer, doing, once=once)

        BlockSender(span, reader_of(source), refused).run(file, max(0, sessions - 1), again)

    def is_missing(self, name: str) -> bool:
        """Tell whether a file is known not to be there; some servers do not tell."""
        with self._session(f"look for {name}") as session:
            return calls.is_missing(session, self._path(name))

    def blocks(self, name: str, begin: int, end: int | None) -> Generator[memoryview]:
        """Read a file's bytes: see `Remote.blocks`."""
        span = Span(begin, _NO_END if end is None else end, self._reading, self._limiter)
        doing = f"read {name}"
        with (
            self._session(doing) as session,
            calls.opened(session, self._path(name), doing, write=False) as file,
        ):
            yield from fetch(file, span, doing)

    def publish(self, temporary: str, final: str, *, replace: bool) -> None:
        """Give a finished file its final name: see `Remote.publish`."""
        old, new = self._path(temporary), self._path(final)
        with self._session(f"rename a file to {final}") as session:
            if replace:
                calls.replace(session, old, new, final, self._path(aside_of(temporary)))
            else:
                calls.rename(session, old, new, final)

    def remove(self, name: str) -> bool:
        """Remove a file; tell whether there was one."""
        with self._session(f"remove {name}") as session:
            return calls.remove(session, self._path(name), name)

    def free_space(self) -> int | None:
        """Return how many bytes there is room for, if the server tells."""
        with self._session("ask for free space") as session:
            return calls.room(session, self._folder)

    def can_write(self, *, make: bool = True) -> bool:
        """Make and remove an empty file: see `Remote.can_write`."""
        name = f"{OURS}{os.urandom(8).hex()}.probe"
        path = self._path(name)
        with self._session("write into the folder") as session:
            if not (make and calls.may_remove(session, path)):
                calls.require_writing(session, path)
                return False
            with calls.created(session, path, "into the folder"):
                pass
            calls.remove(session, path, name)
        return True

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{safe_name(name, ours=True)}"

    @contextlib.contextmanager
    def _session(self, doing: str) -> Iterator[Session]:
        with self._connection.broken(doing), self._pool.taken() as session:
            yield session

    @contextlib.contextmanager
    def _open_for_writing(
        self, session: Session, name: str, manner: WriteMode
    ) -> Iterator[OpenFile]:
        path, doing = self._path(name), f"write {name}"
        with contextlib.ExitStack() as stack:
            if not manner.offset:
                created = calls.created(session, path, name, mode=self._mode, over=manner.over)
                yield stack.enter_context(created)
                return
            try:
                file = stack.enter_context(calls.opened(session, path, doing, write=True))
            except IncompleteError as error:
                if error.transient:
                    raise
                raise OutOfOrderError(str(error), hint=error.hint) from error
            facts = file.attributes()
            if ((facts and facts.size) or 0) < manner.offset:
                raise OutOfOrderError(
                    f"cannot {doing}: the server empties a file that is opened again",
                    hint="say rename = false for the destination in piienc.toml",
                )
            yield file
