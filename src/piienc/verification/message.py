"""A table in an OpenPGP message, which gpg unwraps while it is read."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import PurePath
from typing import TYPE_CHECKING

from piienc.errors import InputError, UsageError
from piienc.keys.openpgp.folder import opened as opened_keys
from piienc.openpgp.gpg.routes import GpgFiles
from piienc.openpgp.gpg.unwrap import unwrap
from piienc.openpgp.packets import HEAD, read_message
from piienc.openpgp.unwrap import require_encrypted, secret_for
from piienc.report.receipt import FileFacts
from piienc.storage import StreamSource
from piienc.tables import opened_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.gpg import Gpg
    from piienc.storage import OpenedSource
    from piienc.tables import CsvFormat, OpenedTable

_ENDINGS = {".asc", ".gpg", ".pgp"}
_PIECE = 256 << 10  # bytes copied at a time


class _MessageReader:
    """A message that gpg unwraps in a thread of its own, while the table is read."""

    def __init__(
        self, source: OpenedSource, descriptor: int, session: Gpg, secret: SecretBytes | None
    ) -> None:
        self._source, self._message = source, descriptor
        self._session, self._secret = session, secret
        read_end, self.descriptor = os.pipe()
        self.stream = io.BufferedReader(io.FileIO(read_end), _PIECE)
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="piienc-unwrap", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Let the reader know that nothing more comes."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes of the message's content; nothing at its end.

        Raises:
            PiiencError: gpg's failure, at the end. So Parquet, which is inspected before it is
                read, always comes from a complete message.
        """
        data = self.stream.read(size)
        if not data:
            self.require_whole()
        return data

    def require_whole(self) -> None:
        """Wait for gpg, and raise what it failed with."""
        while self.stream.read(_PIECE):
            pass
        self._thread.join()
        if self._failed:
            raise self._failed

    def facts(self) -> FileFacts:
        """Read to the end, and return the file's size and hash."""
        self.require_whole()
        return FileFacts(self._source.name, *self._source.finish())

    def close(self) -> None:
        """End gpg, if it still runs."""
        self.stream.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            unwrap(
                GpgFiles(self._message, self),
                session=self._session,
                passphrase=self._secret,
            )
        except Exception as error:  # noqa: BLE001  # raised by require_whole()
            self._failed = error
        finally:
            self.finish()


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
        reader = _MessageReader(source, file.descriptor, session, secret)
        stack.callback(reader.close)
        try:
            inner = StreamSource(reader, _inner(source.name))
            content = stack.enter_context(inner.opened())
            table = stack.enter_context(opened_table(content, form))
            yield table, reader.facts
        except InputError:
            reader.require_whole()  # which tells more, if the message is broken
            raise


def _inner(name: str) -> str:
    path = PurePath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else name
