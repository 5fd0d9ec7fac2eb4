"""Open the file that is verified, wrapped or not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import UsageError
from piienc.openpgp.packets import is_openpgp
from piienc.report.receipt import FileFacts
from piienc.storage.places import begun
from piienc.tables import UnitSize, opened_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.storage.places import Begun, Place
    from piienc.tables import CsvFormat, CsvSource
    from piienc.tables.parquet.source import ParquetSource
    from piienc.verification.source import VerifiedFile

_MAGIC = 64  # bytes that tell an OpenPGP message


class _PlainTable(Struct):
    """A table as it lies there."""

    table: CsvSource | ParquetSource
    name: str
    size: int
    count: Callable[[], int]
    sha256: Callable[[], str]
    wrapped: bool = False

    def facts(self) -> FileFacts:
        """Read to the end, and tell the file's size and hash."""
        digest = self.sha256()
        return FileFacts(self.name, self.count(), digest)

    def share(self) -> float | None:
        """Return how much of the file was read."""
        return self.count() / self.size if self.size else None


@contextlib.contextmanager
def opened(
    place: Place | Begun, form: CsvFormat, pgp: PgpFolder, units: UnitSize = UnitSize()
) -> Iterator[VerifiedFile]:
    """Open a file, wrapped or not.

    A table of Parquet cannot be read from a stream: what a message or a pipe holds of it goes to a
    file without a name in the folder for temporary files, which is gone with this process.

    Args:
        place: CSV, Parquet, or one of them in an OpenPGP message; or an open stream of one.
        form: how its CSV is written.
        pgp: the OpenPGP keys, which unwrap it.
        units: how large its units are, where it is not wrapped.

    Raises:
        PiiencError: it cannot be opened.
    """
    with begun(place) as file:
        if not is_openpgp(file.head[:_MAGIC]):
            with opened_source(file, form, units) as (table, reader):
                yield _PlainTable(table, file.name, file.size, lambda: reader.count, reader.sha256)
            return
        if not (file.path and file.file):
            raise UsageError(
                "an OpenPGP message cannot be verified from a stream",
                hint="name the file, or unwrap it before: piienc unwrap-file - -",
            )
        from piienc.verification.message import wrapped  # noqa: PLC0415  # start-up

        with wrapped(file.path, form, pgp) as source:
            yield source
