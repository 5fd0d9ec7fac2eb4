"""The rows of a sample, column by column; how a CSV file is written is found out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec import Struct

from piienc.checks.text import is_text
from piienc.columns import plain_type
from piienc.errors import InputError
from piienc.setup.infer.encoding import find_encoding, told_by
from piienc.setup.infer.profile import ColumnProfile, count_personal, finders
from piienc.storage import FileSource
from piienc.tables import opened_table
from piienc.tables.csv.oddities import DELIMITERS, unnamed
from piienc.tables.streams import Decompressed
from piienc.transform.batches import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.setup.infer.encoding import DetectedEncoding
    from piienc.tables import CsvFormat
    from piienc.transform.batches import StoredColumn

_HEAD = 1 << 16  # bytes in which the header is looked for
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class DetectedDialect(Struct, frozen=True):
    """How a CSV file is written.

    Attributes:
        delimiter: stands most often in the header.
        times: how often.
        tied: whether another one stands there as often.
        encoding: what it is, or may be.
    """

    delimiter: str
    times: int
    tied: bool
    encoding: DetectedEncoding


def sniff(path: Path, rows: int) -> DetectedDialect:
    """Find out how a CSV file is written; `rows`: those to look at, 0 for all.

    Raises:
        InputError: it cannot be read.
    """
    with FileSource(path).opened() as file:
        stream = Decompressed(file.reader, file.name)
        start = stream.peek(_HEAD)
        encoding = find_encoding(stream, start, rows)
    text = start.decode(told_by(start) or "latin-1", "ignore")
    header = _QUOTED.sub("", text).partition("\n")[0]
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    delimiter = max(counts, key=lambda mark: counts[mark])
    times = counts[delimiter]
    tied = times > 0 and list(counts.values()).count(times) > 1
    return DetectedDialect(delimiter, times, tied, encoding)


def profiled(path: Path, most: int, form: CsvFormat) -> tuple[list[ColumnProfile], int, bool]:
    """Look at the rows of a sample; `most`: rows to read, 0 for all.

    Returns:
        What was seen of each column, how many rows were read, and whether these are all.

    Raises:
        InputError: it cannot be read, a column has no name or another's, or the first line
            is no header.
    """
    with FileSource(path).opened() as file, opened_table(file, form) as table:
        _check_names(str(path), table.columns)
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


def _check_names(path: str, names: list[str]) -> None:
    if "" in names:
        odd = unnamed(names)
        raise InputError(f"{path}: {odd.what}", hint=odd.remedy)
    data = count_personal("", pa.array(names, pa.large_string()))
    if any(not finders()[name].share for name in data):
        raise InputError(
            f"{path}: the first line looks like a row of data, and not like a header",
            hint="the first line must name the columns",
        )


def _values(column: StoredColumn, count: int) -> pa.Array:
    """Return the values of the first rows that are not null; text as large_string."""
    values, rows = column.dense
    values = values[: int(rows.searchsorted(count))]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.large_string()) if is_text(values.type) else values
