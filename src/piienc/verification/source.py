"""The file that is verified: a table, or an OpenPGP message that is unwrapped on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from piienc.report.receipt import FileFacts
    from piienc.tables import OpenedTable


class VerifiedFile(Protocol):
    """An open file."""

    table: OpenedTable
    wrapped: bool

    def facts(self) -> FileFacts:
        """Read to the end, and tell the file's size and hash.

        Raises:
            AuthenticationError: the message was tampered with, or cut off.
            PgpError: gpg failed.
        """

    def share(self) -> float | None:
        """Return how much of the file was read; None where that cannot be known."""
