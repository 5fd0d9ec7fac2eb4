"""What the first rows of a table tell of its columns, and what its record does."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.columns import plain_values
from piienc.describe.inspection import ColumnInspection, TableInspection
from piienc.storage.content import compression_of
from piienc.tables import opened_table
from piienc.transform.crypt import csv_format
from piienc.transform.marks import record_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.keys import KeyInfo
    from piienc.schema import Schema
    from piienc.storage import OpenedSource
    from piienc.tables import BatchUnit, Block, ByteTable, OpenedTable
    from piienc.transform.metadata import EncryptedColumn

_ROWS = 1000
_PREFIX = 5  # octets: 0x01 and the key id
_SHORTEST = _PREFIX + 16  # octets: the prefix and a SIV, around an empty string
# What bears more ids than a keyset has keys is no ciphertext, and its bytes are nobody's business.
_MOST_KEYS = 16


def look(
    source: OpenedSource, keys: Mapping[int, KeyInfo], schema: Schema | None
) -> TableInspection:
    """Tell which columns of a table are encrypted, and under which key.

    Args:
        source: the file.
        keys: the keysets that are known, by the ids of their keys.
        schema: tells how a CSV file is written.

    Raises:
        InputError: it cannot be read.
    """
    with opened_table(source, csv_format(schema)) as table:
        table.require_columns(schema.columns if schema else ())
        record = record_in(table, schema)
        recorded = record.columns if record else {}
        unit = next(table.units(), None)
        rows, columns = 0, [list[bytes]() for _ in table.columns]
        if unit is not None:
            rows, columns = table.give(unit, _FirstRows())
        told = [
            _judged(name, cells, recorded.get(name), keys)
            for name, cells in zip(table.columns, columns, strict=True)
        ]
        return TableInspection(table.kind, source.name, compression_of(source.head), rows, told)


class _FirstRows:
    """Takes the first rows of a unit: their number, and each column's cells that are not null."""

    def of_block(self, table: ByteTable, unit: Block) -> tuple[int, list[list[bytes]]]:
        """Take them from a block of CSV."""
        records = table.decode(unit)
        columns = []
        for number in range(len(table.columns)):
            cells, rows = records.cells(number)
            count = int(rows.searchsorted(_ROWS))
            columns.append([cells.one(index) for index in range(count)])
        return min(records.count, _ROWS), columns

    def of_batch(self, _: OpenedTable, unit: BatchUnit) -> tuple[int, list[list[bytes]]]:
        """Take them from a batch."""
        batch = unit.batch.slice(0, _ROWS)
        return batch.num_rows, [_cells(array) for array in batch.columns]


def _cells(array: pa.Array) -> list[bytes]:
    """Return the bytes of text or binary cells; of other cells, as many empty ones."""
    array = plain_values(array).drop_null()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        cells: list[bytes] = array.cast(pa.large_binary()).to_pylist()
    except pa.ArrowException:
        cells = [b""] * len(array)
    return cells


def _judged(
    name: str,
    cells: Sequence[bytes],
    recorded: EncryptedColumn | None,
    keys: Mapping[int, KeyInfo],
) -> ColumnInspection:
    seen = [found for cell in cells if (found := _prefix(cell))]
    key_ids = {key_id for _, key_id in seen}
    if len(key_ids) > _MOST_KEYS:
        seen, key_ids = [], set()
    if recorded:
        key_ids.update(recorded.key_ids)
    info = next((keys[key_id] for key_id in sorted(key_ids) if key_id in keys), None)
    encodings = sorted({encoding for encoding, _ in seen})
    return ColumnInspection(
        name,
        recorded is not None,
        len(cells),
        len(seen),
        " and ".join(encodings) or None,
        tuple(sorted(key_ids)),
        info.name if info else recorded.key if recorded else None,
        str(info.mode) if info else recorded.mode if recorded else None,
    )


def _prefix(cell: bytes) -> tuple[str, int] | None:
    """Return the encoding and the key id of what looks like an encrypted cell."""
    encoding, raw = "binary", cell
    if cell.startswith(b"A"):  # base64 of 0x01 and more
        try:
            encoding, raw = "base64", base64.b64decode(cell, validate=True)
        except binascii.Error:
            return None
    if len(raw) < _SHORTEST or not raw.startswith(b"\x01"):
        return None
    return encoding, int.from_bytes(raw[1:_PREFIX], "big")
