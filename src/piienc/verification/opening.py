"""Open the file that is verified, wrapped or not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from piienc.openpgp.packets import is_openpgp
from piienc.report.receipt import FileFacts
from piienc.tables import UnitSize, opened_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.storage import Source
    from piienc.tables import CsvFormat, OpenedTable
    from piienc.tables.memory import MemoryTable

_MAGIC = 64  # bytes that tell an OpenPGP message


class VerifiedFile(Struct, frozen=True):
    """An open file.

    Attributes:
        table: the table, which may be in an OpenPGP message.
        facts: reads to the end, and returns the file's size and hash. For a message, it raises an
            AuthenticationError if it was altered or truncated, and a PgpError if gpg failed.
        share: returns the share of the file that was read; None if that is unknown.
        wrapped: it is an OpenPGP message.
    """

    table: OpenedTable
    facts: Callable[[], FileFacts]
    share: Callable[[], float | None]
    wrapped: bool = False

    @classmethod
    def of_memory(cls, table: MemoryTable) -> Self:
        """Take a table in memory; its size and hash are those of an Arrow IPC stream."""
        hashing = table.hashed()
        return cls(table, lambda: FileFacts(table.name, *hashing()), lambda: None)


@contextlib.contextmanager
def opened(
    source: Source | VerifiedFile, form: CsvFormat, pgp: PgpFolder, units: UnitSize = UnitSize()
) -> Iterator[VerifiedFile]:
    """Open CSV or Parquet, or one of them in an OpenPGP message; what is open stays as it is.

    A table of Parquet cannot be read from a stream: what a message or a pipe holds of it goes to a
    file without a name in the folder for temporary files, which is gone with this process.

    Raises:
        PiiencError: it cannot be opened.
    """
    if isinstance(source, VerifiedFile):
        yield source
        return
    with source.opened() as file:
        if not is_openpgp(file.head[:_MAGIC]):
            with opened_table(file, form, units) as table:
                yield VerifiedFile(
                    table,
                    lambda: FileFacts(file.name, *file.finish()),
                    lambda: file.reader.count / file.size if file.size else None,
                )
            return
        from piienc.verification.message import wrapped  # noqa: PLC0415  # start-up

        with wrapped(file, form, pgp) as (table, facts):
            # How much was read, gpg does not tell.
            yield VerifiedFile(table, facts, lambda: None, wrapped=True)
