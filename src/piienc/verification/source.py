"""The file that is verified: a table, or an OpenPGP message that is unwrapped on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.openpgp.preflight import Ask
    from piienc.report.receipt import FileFacts
    from piienc.tables import CsvSource
    from piienc.tables.parquet.source import ParquetSource


class UnwrapKeys(Struct, frozen=True):
    """What unwraps a message.

    Attributes:
        keys: the key folder's OpenPGP keys.
        passphrase: asked, with a key's name, if the key that decrypts is locked.
    """

    keys: PgpFolder
    passphrase: Ask


class VerifiedFile(Protocol):
    """An open file."""

    table: CsvSource | ParquetSource
    wrapped: bool

    def facts(self) -> FileFacts:
        """Read to the end, and tell the file's size and hash.

        Raises:
            AuthenticationError: the message was tampered with, or cut off.
            PgpError: gpg failed.
        """

    def share(self) -> float | None:
        """Return how much of the file was read; None where that cannot be known."""
