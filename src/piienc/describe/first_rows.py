"""What the first rows of a table tell of its columns, and what its record does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.columns import LEAST, forms_of, strings_of
from piienc.describe.inspection import ColumnInspection, TableInspection
from piienc.storage.content import compression_of
from piienc.tables import opened_table
from piienc.transform.batches import decoded
from piienc.transform.crypt import csv_format
from piienc.transform.marks import record_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.keys import KeyInfo
    from piienc.schema import Schema
    from piienc.storage import OpenedSource
    from piienc.transform.batches import StoredColumn
    from piienc.transform.metadata import EncryptedColumn

_ROWS = 1000
# What bears more ids than a keyset has keys is no ciphertext, and its bytes are nobody's business.
_MOST_KEYS = 16


def look(
    source: OpenedSource, keys: Mapping[int, KeyInfo], schema: Schema | None
) -> TableInspection:
    """Tell which columns of a table are encrypted, and under which key.

    Raises:
        InputError: it cannot be read.
    """
    with opened_table(source, csv_format(schema)) as table:
        table.require_columns(schema.columns if schema else ())
        record = record_in(table, schema)
        recorded = record.columns if record else {}
        unit = next(table.units(), None)
        columns: Sequence[StoredColumn | None] = [None] * len(table.columns)
        if unit is not None:
            columns = decoded(table, unit)
        rows = min(_ROWS, next((column.count for column in columns if column), 0))
        judged = [
            _judged(name, column, recorded.get(name), keys)
            for name, column in zip(table.columns, columns, strict=True)
        ]
        return TableInspection(table.kind, source.name, compression_of(source.head), rows, judged)


def _judged(
    name: str,
    column: StoredColumn | None,
    recorded: EncryptedColumn | None,
    keys: Mapping[int, KeyInfo],
) -> ColumnInspection:
    count, ids = _ids(column) if column else (0, {})
    key_ids = {key_id for ids_found in ids.values() for key_id in ids_found}
    if len(key_ids) > _MOST_KEYS:
        ids, key_ids = {}, set()
    if recorded:
        key_ids.update(recorded.key_ids)
    info = next((keys[key_id] for key_id in sorted(key_ids) if key_id in keys), None)
    return ColumnInspection(
        name,
        recorded is not None,
        count,
        sum(map(len, ids.values())),
        " and ".join(encoding for encoding, ids_found in ids.items() if ids_found) or None,
        tuple(sorted(key_ids)),
        info.name if info else recorded.key if recorded else None,
        str(info.mode) if info else recorded.mode if recorded else None,
    )


def _ids(column: StoredColumn) -> tuple[int, dict[str, list[int]]]:
    """Return how many cells the first rows have, and the key ids that they bear, by encoding."""
    values, rows = column.dense
    values = values[: int(rows.searchsorted(_ROWS))]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    try:
        cells = strings_of(values.cast(pa.large_binary()))
    except pa.ArrowException:  # neither text nor bytes
        return len(values), {}
    least = min(LEAST.values())
    forms = {e: forms_of(cells, text=e == "base64", least=least) for e in ("base64", "binary")}
    return len(values), {encoding: each.key_ids.tolist() for encoding, each in forms.items()}
