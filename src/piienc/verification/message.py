"""A table in an OpenPGP message, which gpg unwraps while it is read."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import InputError, UsageError
from piienc.keys.openpgp.folder import opened as opened_keys
from piienc.openpgp.gpg.routes import GpgFiles
from piienc.openpgp.gpg.unwrap import unwrap
from piienc.openpgp.packets import HEAD, read_message
from piienc.openpgp.pipes import PipeThread
from piienc.openpgp.unwrap import require_encrypted, secret_for
from piienc.report.receipt import FileFacts
from piienc.storage import StreamSource
from piienc.tables import opened_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.storage import OpenedSource
    from piienc.tables import CsvFormat, OpenedTable

_ENDINGS = {".asc", ".gpg", ".pgp"}
_PIECE = 256 << 10  # bytes copied at a time


class _WriteEnd(Struct, frozen=True):
    """Our end of the pipe that gpg writes to."""

    descriptor: int

    def finish(self) -> None:
        """Leave it to the thread, which closes it."""


class _MessageContent:
    """A message's content, which gpg unwraps in a thread of its own, while the table is read."""

    def __init__(self, pipe: PipeThread[object]) -> None:
        self._pipe = pipe
        self._stream = os.fdopen(pipe.descriptor, "rb", _PIECE, closefd=False)

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end.

        Raises:
            PiiencError: gpg's failure, at the end. So Parquet, which is inspected before it is
                read, always comes from a complete message.
        """
        data = b"" if self._stream.closed else self._stream.read(size)
        if not data:
            self.require_whole()
        return data

    def require_whole(self) -> None:
        """Read to the end, wait for gpg, and raise what it failed with."""
        if not self._stream.closed:
            while self._stream.read(_PIECE):
                pass
            self._stream.close()
        self._pipe.finish()


@contextlib.contextmanager
def wrapped(
    source: OpenedSource, form: CsvFormat, pgp: PgpFolder
) -> Iterator[tuple[OpenedTable, Callable[[], FileFacts]]]:
    """Open the table in a message; yield it, and what reads the message to its end.

    A table of Parquet cannot be read from a stream: it goes to a file without a name in the folder
    for temporary files, which is gone with this process.

    Raises:
        PiiencError: it cannot be unwrapped, or what it holds cannot be read.
    """
    with contextlib.ExitStack() as stack:
        file = source.followed()
        if file is None:
            raise UsageError(
                "an OpenPGP message cannot be verified from a stream",
                hint="name the file, or unwrap it before: piienc unwrap-file - -",
            )
        message = read_message(io.BytesIO(source.peek(HEAD)), source.name)
        require_encrypted(message, source.name)
        session, pgp_keys = stack.enter_context(opened_keys(pgp, pgp.pinned_names()))
        secret = secret_for(message, pgp_keys, pgp)

        def run(end: int) -> object:
            route = GpgFiles(file.descriptor, _WriteEnd(end))
            return unwrap(route, session=session, passphrase=secret)

        content = _MessageContent(stack.enter_context(PipeThread("piienc-unwrap", run)))

        def facts() -> FileFacts:
            content.require_whole()
            return FileFacts(source.name, *source.finish())

        try:
            inner = StreamSource(content, _inner(source.name))
            opened = stack.enter_context(inner.opened())
            yield stack.enter_context(opened_table(opened, form)), facts
        except InputError:
            content.require_whole()  # which tells more, if the message is broken
            raise


def _inner(name: str) -> str:
    path = PurePath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else name
