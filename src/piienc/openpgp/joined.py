"""Encryption and wrapping joined: what the one writes, the other reads, and no file is between."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from typing import TYPE_CHECKING, Self

from piienc.errors import PiiencError
from piienc.openpgp.gpg.routes import GpgFiles
from piienc.report.receipt import FileFacts
from piienc.storage.streams import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from piienc.openpgp.routes import Poured
    from piienc.report.receipt import Receipt

_PIPE = 1 << 20  # bytes: what a user may have without asking, by pipe(7)
_BUFFER = 256 << 10  # bytes; a pipe takes parts of what is written, and the buffer sees to the rest


class Fed:
    """A pipe that a thread of its own writes a table into; use it as a context.

    At the context's end nobody reads any more, so a thread that still writes ends, too.

    Attributes:
        descriptor: the end that is read.
    """

    def __init__(self, write: Callable[[BinaryIO], Receipt]) -> None:
        """Begin to write.

        Args:
            write: called in the thread, with the other end; it need not close it.
        """
        self.descriptor, end = os.pipe()
        with contextlib.suppress(OSError, AttributeError):  # Linux, and within a user's limit
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE)
        self._write = write
        self._receipt: Receipt | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, args=(end,), name="piienc-encrypt", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def receipt(self) -> Receipt:
        """Return what was written, when nobody reads any more.

        Raises:
            PiiencError: what ended the writing.
        """
        self._close()
        if self._failed:
            raise self._failed
        assert self._receipt is not None  # noqa: S101  # the thread has ended, and well
        return self._receipt

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Let an error of who writes come before those that it makes who reads stumble over.

        Raises:
            PiiencError: what ended the writing, unless that was the end of the reading.
        """
        try:
            yield
        except PiiencError as error:
            self._close()
            if isinstance(self._failed, PiiencError) and self._failed is not error:
                raise self._failed from None
            raise

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._thread.join()

    def _run(self, end: int) -> None:
        try:
            with os.fdopen(end, "wb", buffering=_BUFFER) as file:
                self._receipt = self._write(file)
        except BaseException as error:  # noqa: BLE001  # raised by receipt()
            self._failed = error


class JoinedRoute:
    """A pass from a table that is being encrypted, through gpg, to a file."""

    def __init__(self, fed: Fed, target: Path, written: Poured) -> None:
        self._fed, self._target, self._written = fed, target, written
        self.route = GpgFiles(fed.descriptor, written, steady=False)

    @property
    def head(self) -> bytes:
        """The beginning of what was written."""
        return os.pread(self._written.file, HEAD, 0)

    def read(self) -> FileFacts:
        """Tell what gpg has read: the encrypted table.

        Raises:
            PiiencError: the table could not be encrypted.
        """
        return self._fed.receipt().output

    def written(self) -> FileFacts:
        """Tell what was written."""
        written = self._written
        return FileFacts(str(self._target), written.count, written.sha256())
