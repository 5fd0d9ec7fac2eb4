"""Files on their way over SFTP sessions, block by block, with many blocks under way at once."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import IncompleteError
from piienc.remote.sftp import protocol
from piienc.remote.sftp.protocol import string, u32, u64
from piienc.remote.sftp.refusals import require_ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from piienc.remote.limit import Limiter
    from piienc.remote.sftp.calls import OpenFile
    from piienc.remote.sftp.session import Answer, Session

    Refused = Callable[[Answer], Exception]
    """Makes an error of an answer that is a refusal."""

_WAITING = 16 << 20  # bytes that a session has sent and that are not yet acknowledged
_AHEAD = 8 << 20  # bytes asked for and not yet used
_MOST_SHORT = 256  # answers in a row that give less than they should


class Span(Struct, frozen=True):
    """A range of bytes to send or fetch.

    Attributes:
        begin: the offset of the first byte.
        end: the offset behind the last byte.
        block: the size of a request in bytes.
        limiter: limits bytes per second.
        progress: called with numbers of arrived bytes.
    """

    begin: int
    end: int
    block: int
    limiter: Limiter | None = None
    progress: Callable[[int], object] | None = None

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Give offset and size of each block."""
        piece = min(self.block, self.limiter.piece) if self.limiter else self.block
        for at in range(self.begin, self.end, piece):
            yield at, min(piece, self.end - at)

    def take(self, count: int) -> None:
        """Wait until the limit allows so many bytes more."""
        if self.limiter:
            self.limiter.take(count)


class BlockSender:
    """Sends the blocks of one file by several sessions in turn, so that the file grows evenly."""

    def __init__(self, span: Span, read: Callable[[int, int], bytes], refused: Refused) -> None:
        self._span = span
        self._read = read
        self._refused = refused
        self._blocks = span.blocks()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self,
        file: OpenFile,
        others: int,
        opened: Callable[[], AbstractContextManager[OpenFile | None]],
    ) -> None:
        """Send all blocks, and wait until all of them are acknowledged.

        Args:
            file: open in the first session.
            others: how many more sessions to use.
            opened: opens the file in another session; None if that fails.

        Raises:
            Exception: the error of one session; all sessions have stopped.
        """
        if not others:
            self._send(file)
            return

        ready, begin = threading.Semaphore(0), threading.Event()

        def other() -> None:
            with contextlib.ExitStack() as stack:
                try:
                    again = stack.enter_context(opened())
                finally:
                    ready.release()
                begin.wait()
                if again:
                    self._send(again)

        with ThreadPoolExecutor(others) as threads:
            futures = [threads.submit(other) for _ in range(others)]
            try:
                # Some servers empty a file that is opened for writing: nothing may be in it yet.
                for _ in futures:
                    ready.acquire()
            except BaseException:
                self._stopped = True
                raise
            finally:
                begin.set()
            self._send(file)
        for future in futures:
            future.result()

    def _send(self, file: OpenFile) -> None:
        session, handle = file.session, string(file.handle)
        pending: deque[tuple[int, Answer]] = deque()
        most = max(2, min(_WAITING, 2 * session.window) // self._span.block)
        try:
            while block := self._next():
                at, count = block
                data = self._read(at, count)
                self._span.take(count)
                fields = (handle, u64(at), u32(count), data)
                pending.append((count, session.ask(protocol.WRITE, *fields)))
                if len(pending) > most:
                    self._settle(session, *pending.popleft())
            while pending:
                self._settle(session, *pending.popleft())
        except BaseException:
            self._stopped = True
            raise

    def _next(self) -> tuple[int, int] | None:
        with self._lock:
            return None if self._stopped else next(self._blocks, None)

    def _settle(self, session: Session, count: int, answer: Answer) -> None:
        if session.wait(answer).code != protocol.OK:
            raise self._refused(answer)
        if self._span.progress:
            with self._lock:
                self._span.progress(count)


def fetch(file: OpenFile, span: Span, doing: str) -> Iterator[memoryview]:
    """Fetch blocks in their order; a bounded number of bytes is asked for ahead.

    Yields:
        The bytes. It ends early where the file ends.
    """
    session, handle = file.session, string(file.handle)
    pending: deque[tuple[int, int, Answer]] = deque()
    blocks, ahead, short = span.blocks(), 0, 0

    def ask(at: int, count: int) -> tuple[int, int, Answer]:
        return at, count, session.ask(protocol.READ, handle, u64(at), u32(count))

    while True:
        while ahead < _AHEAD and (block := next(blocks, None)):
            span.take(block[1])
            pending.append(ask(*block))
            ahead += block[1]
        if not pending:
            return
        at, count, answer = pending.popleft()
        data = _data(session.wait(answer), count, doing)
        if not data:
            return
        yield data
        ahead -= len(data)
        short = 0 if len(data) == count else short + 1
        if short > _MOST_SHORT:
            raise IncompleteError(
                f"cannot {doing}: the server gives it in pieces that are too small",
                hint="ask the server's owner",
            )
        if short:  # a server may give less than it was asked for
            pending.appendleft(ask(at + len(data), count - len(data)))


def _data(answer: Answer, count: int, doing: str) -> memoryview:
    if answer.code == protocol.EOF:
        return memoryview(b"")
    require_ok(answer, doing)
    return answer.fields(protocol.DATA).string()[:count]
