"""The plain engine: what is right, in Python that anybody can check by reading.

records.py  the fields of CSV, by a state machine
fields.py   one field: its value, and a value as a field
cells.py    cells under OpenSSL's AEADs, one at a time

It is what the native engine is held against, what a run proves itself by, and what runs where no
native one could be built. It is slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.core.plain.cells import (
    CellDecryptor,
    beginning,
    decoded,
    not_text,
    open_cells,
    seal_cells,
)
from piienc.core.plain.records import PlainRecords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.core.interface import Buffer, ColumnKey, Dialect, Opened, Strings


class PlainEngine:
    """See `Engine`."""

    name = "plain"

    def find(self, data: Buffer, dialect: Dialect, columns: int, *, final: bool) -> PlainRecords:
        """Find the records that some data begins with."""
        return PlainRecords(bytes(data), dialect, columns, final=final)

    def seal(self, cells: Strings, key: ColumnKey, *, text: bool) -> Strings:
        """Encrypt cells."""
        return seal_cells(cells, key, text=text)

    def open(self, cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Opened:
        """Decrypt cells."""
        return open_cells(cells, keys, text=text)

    def beginning(self, cells: Strings, begins: Sequence[bytes]) -> list[int]:
        """Return the rows whose cells begin with one of some bytes."""
        return beginning(cells, begins)

    def decoded(self, cells: Strings) -> Strings:
        """Decode base64."""
        return decoded(cells)

    def not_text(self, strings: Strings) -> list[int]:
        """Return the rows that are not UTF-8."""
        return not_text(strings)


__all__ = ["CellDecryptor", "PlainEngine", "PlainRecords"]
