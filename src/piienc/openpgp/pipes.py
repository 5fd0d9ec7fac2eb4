"""A pipe, and a thread that works at its other end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, BinaryIO, Generic, Self, TypeVar

from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_PIPE = 1 << 20  # bytes: what a user may have without asking, by pipe(7)
_BUFFER = 256 << 10  # bytes; a pipe takes parts of what is written, and the buffer sees to the rest


class PipeThread(Generic[T]):
    """A pipe, with a thread at its other end; use it as a context.

    When the context ends, our end is closed, so the thread ends, too.

    Attributes:
        descriptor: our end.
    """

    def __init__(self, name: str, work: Callable[[int], T], *, reads: bool = False) -> None:
        """Start the thread.

        Args:
            name: the thread's name.
            work: called in the thread with its end of the pipe, which is closed afterwards.
            reads: whether the thread reads, and we write.
        """
        reader, writer = os.pipe()
        with contextlib.suppress(OSError, AttributeError):  # Linux, and within a user's limit
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
        self.descriptor, end = (writer, reader) if reads else (reader, writer)
        self._result: Future[T] = Future()
        self._thread = threading.Thread(target=self._run, args=(work, end), name=name, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def finish(self) -> T:
        """Close our end, wait for the thread, and return what it returned.

        Raises:
            Exception: what the thread raised.
        """
        self._close()
        return self._result.result()

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Raise an error of the thread instead of those that it causes in the block.

        Raises:
            PiiencError: what the thread raised, or else the block.
        """
        try:
            yield
        except PiiencError as error:
            self._close()
            failed = self._result.exception()
            if isinstance(failed, PiiencError) and failed is not error:
                raise failed from None
            raise

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._thread.join()

    def _run(self, work: Callable[[int], T], end: int) -> None:
        try:
            self._result.set_result(work(end))
        except BaseException as error:  # noqa: BLE001  # raised by finish()
            self._result.set_exception(error)
        finally:
            os.close(end)  # a thread that reads gives the writer a broken pipe: it ends


def written_by(write: Callable[[BinaryIO], T]) -> PipeThread[T]:
    """Return a pipe that a thread writes an encrypted table to."""

    def work(end: int) -> T:
        with os.fdopen(end, "wb", buffering=_BUFFER, closefd=False) as file:
            return write(file)

    return PipeThread("piienc-encrypt", work)
