"""Records of CSV, read by Python's `csv` module: nothing is shared with `records.py`.

It is slow and short: a run proves itself by it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from piienc.tables.csv.form import CsvFormat

# The module's limit of 128 KiB a field is for the whole process. It guards against quotes that are
# never closed, and here a record has been found already.
csv.field_size_limit(max(csv.field_size_limit(), 1 << 30))


class Field(Struct, frozen=True):
    """A field of a record.

    Attributes:
        raw: its text in the file, with quotes.
        value: its value; None for null, which is empty without quotes.
    """

    raw: str
    value: str | None


class Record(Struct, frozen=True):
    """A record: its fields, and the line ends behind it."""

    fields: list[Field]
    end: str


def read_record(data: bytes, form: CsvFormat) -> Record | None:
    """Read one record, with the line ends behind it; None if it is not exactly one.

    Args:
        data: as UTF-8.
        form: the dialect.
    """
    try:
        whole = data.decode()
        text = whole.rstrip("\r\n")
        values: list[str] = next(_reader([text], form)) or [""]
    except (UnicodeDecodeError, csv.Error):
        return None
    delimiter, quote = form.delimiter, form.quote
    fields, at = [], 0
    for value in values:
        # The module does not tell null from the empty string: what stands there does.
        quoted = text.startswith(quote, at)
        raw = quote + value.replace(quote, 2 * quote) + quote if quoted else value
        fields.append(Field(raw, value if value or quoted else None))
        at += len(raw) + len(delimiter)
    if delimiter.join(field.raw for field in fields) != text:
        return None
    return Record(fields, whole[len(text) :])


def count_records(data: bytes, form: CsvFormat, columns: int) -> int | None:
    """Count records, without the blank lines between them; None if they are no CSV.

    Args:
        data: whole records, as UTF-8.
        form: the dialect.
        columns: how many fields a record has; a blank line is a record of one, which is null.
    """
    try:
        records = _reader(io.StringIO(data.decode(), newline=""), form)
        return sum(1 for record in records if record or columns == 1)
    except (UnicodeDecodeError, csv.Error):
        return None


def _reader(lines: Iterable[str], form: CsvFormat) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, strict=True)
