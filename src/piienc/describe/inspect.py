"""What is this file? OpenPGP by its head, a table by its record and its first rows."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, cast

from piienc.describe.inspection import PgpInspection
from piienc.openpgp.packets import is_openpgp, read_message
from piienc.storage.content import compression_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from piienc.describe.inspection import TableInspection
    from piienc.keys import KeyInfo
    from piienc.schema import Schema
    from piienc.storage import Source


_OPENPGP = {".asc", ".gpg", ".pgp", ".sig"}


def inspect(
    source: Source,
    *,
    known: Callable[[], Mapping[str, str]],
    keys: Callable[[], Mapping[int, KeyInfo]],
    schema: Schema | None = None,
) -> PgpInspection | TableInspection:
    """Tell what a file is: by its content, and where that says nothing, by its name.

    Args:
        source: any file.
        known: asked for the names of OpenPGP keys and subkeys, by key id.
        keys: asked for the AES keysets, by the ids of their keys.
        schema: tells how a CSV file is written.

    Raises:
        PgpError: it is OpenPGP that cannot be read, or is none though its name says so.
        InputError: it is a table that cannot be read, or no table; the message tells what it is.
    """
    with source.opened() as file:
        start = file.head
        if is_openpgp(start) or _is_by_name(file.name, start):
            stream = cast("BinaryIO", file.reader)
            return PgpInspection(file.name, read_message(stream, file.name), known())
        from piienc.describe import first_rows  # noqa: PLC0415  # start-up

        return first_rows.look(file, keys(), schema)


def _is_by_name(name: str, start: bytes) -> bool:
    """Tell whether a name promises OpenPGP, and the content tells nothing else."""
    if PurePath(name).suffix.lower() not in _OPENPGP or compression_of(start):
        return False
    from piienc.tables import format_of  # noqa: PLC0415  # start-up

    return format_of(start).begins is None
