"""Open the file that is verified, wrapped or not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from piienc.openpgp.packets import is_openpgp
from piienc.report.receipt import FileFacts
from piienc.tables import UnitSize, opened_table
from piienc.verification.source import VerifiedFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.storage import Source
    from piienc.tables import CsvFormat

_MAGIC = 64  # bytes that tell an OpenPGP message


@contextlib.contextmanager
def opened(
    source: Source, form: CsvFormat, pgp: PgpFolder, units: UnitSize = UnitSize()
) -> Iterator[VerifiedFile]:
    """Open a file, wrapped or not.

    A table of Parquet cannot be read from a stream: what a message or a pipe holds of it goes to a
    file without a name in the folder for temporary files, which is gone with this process.

    Args:
        source: CSV, Parquet, or one of them in an OpenPGP message.
        form: how its CSV is written.
        pgp: the OpenPGP keys, which unwrap it.
        units: how large its units are, where it is not wrapped.

    Raises:
        PiiencError: it cannot be opened.
    """
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

        with wrapped(file, form, pgp) as message:
            yield message
