"""The rows of a sample, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.checks.text import is_text
from piienc.columns import plain_type
from piienc.errors import InputError
from piienc.setup.infer.profile import ColumnProfile, count_personal, finders
from piienc.storage import FileSource
from piienc.tables import opened_table
from piienc.tables.csv.oddities import unnamed
from piienc.transform.batches import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.tables import CsvFormat, OpenedTable
    from piienc.transform.batches import StoredColumn

_NO_HEADER = "; or say in the schema that no line names them: [csv] header = false"


def profiled(path: Path, most: int, form: CsvFormat) -> tuple[list[ColumnProfile], int, bool]:
    """Look at the rows of a sample; `most`: rows to read, 0 for all.

    Returns:
        What was seen of each column, how many rows were read, and whether these are all.

    Raises:
        InputError: it cannot be read, a column has no name or another's, or the first line
            is no header.
    """
    with FileSource(path).opened() as file, opened_table(file, form) as table:
        _check_names(str(path), table)
        types = [plain_type(kind) if table.typed else None for kind in table.schema.types]
        profiles = [ColumnProfile(*column) for column in zip(table.columns, types, strict=True)]
        row_count = 0
        for unit in table.units():
            if most and row_count == most:
                return profiles, row_count, False
            columns = decoded(table, unit)
            available = next((column.count for column in columns), 0)
            count = min(most - row_count, available) if most else available
            for profile, column in zip(profiles, columns, strict=True):
                profile.add(count, _values(column, count))
            row_count += count
            if count < available:
                return profiles, row_count, False
    return profiles, row_count, True


def _check_names(path: str, table: OpenedTable) -> None:
    names, no_header = table.columns, "" if table.typed else _NO_HEADER
    if "" in names[1:]:  # in a title, say; the first one may be the index that pandas writes
        odd = unnamed(names)
        hint = "name every column; if line 1 is a title: [csv] skip_rows = 1" + no_header
        raise InputError(f"{path}: {odd.what}", hint=hint)
    data = count_personal("", pa.array(names, pa.large_string()))
    if any(not finders()[name].share for name in data):
        raise InputError(
            f"{path}: the first line looks like a row of data, and not like a header",
            hint="the first line must name the columns" + no_header,
        )


def _values(column: StoredColumn, count: int) -> pa.Array:
    """Return the values of the first rows that are not null; text as large_string."""
    values, rows = column.dense
    values = values[: int(rows.searchsorted(count))]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.large_string()) if is_text(values.type) else values
