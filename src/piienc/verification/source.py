"""The file that is verified: a table, or an OpenPGP message that is unwrapped on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.report.receipt import FileFacts
    from piienc.tables import OpenedTable


class VerifiedFile(Struct, frozen=True):
    """An open file.

    Attributes:
        table: that it is, or that is in it.
        facts: reads to the end, and tells the file's size and hash. Of a message, it raises an
            AuthenticationError if that was tampered with or cut off, and a PgpError if gpg failed.
        share: tells how much of the file was read; None where that cannot be known.
        wrapped: it is an OpenPGP message.
    """

    table: OpenedTable
    facts: Callable[[], FileFacts]
    share: Callable[[], float | None]
    wrapped: bool = False
