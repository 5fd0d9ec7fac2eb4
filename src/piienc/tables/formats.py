"""The formats of tables: how each is recognised, opened and written."""

from __future__ import annotations

import contextlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from piienc.errors import UsageError
from piienc.storage import refuse_same
from piienc.storage.content import COMPRESSED, is_parquet
from piienc.tables.csv.parts import parts
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed, not_parquet
from piienc.tables.table import UnitSize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from piienc.storage import OpenedSource, Target
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.parts import Part
    from piienc.tables.table import OpenedTable


class TableFormat(Struct, frozen=True):
    """A format of tables.

    Attributes:
        name: its name in receipts and reports.
        label: its name in messages.
        suffixes: the suffixes of its file names.
        opened: opens a table for reading; the table makes the sink for writing.
        begins: recognises the format by the first bytes of a file; None for text, the fallback.
        parts: cuts a table by rows into files of a largest size; None if not supported.
        in_folders: whether a folder of such files is one table, as Spark and Hive write it.
    """

    name: str
    label: str
    suffixes: frozenset[str]
    opened: Callable[[OpenedSource, CsvFormat, UnitSize], AbstractContextManager[OpenedTable]]
    begins: Callable[[bytes], bool] | None = None
    parts: Callable[[Any, str, int], Iterator[Part]] | None = None
    in_folders: bool = False


@contextlib.contextmanager
def _opened_csv(source: OpenedSource, form: CsvFormat, size: UnitSize) -> Iterator[OpenedTable]:
    stream = Decompressed(source.reader, source.name)
    if promised_format(source.name) == TABLE_FORMATS["parquet"]:
        # Nothing harmless makes another file of one of that name, as browsers do of `.gz`.
        raise not_parquet(source.name)
    yield open_csv(stream, source.name, form, size)


@contextlib.contextmanager
def _opened_parquet(source: OpenedSource, form: CsvFormat, size: UnitSize) -> Iterator[OpenedTable]:  # noqa: ARG001  # it has a form of its own
    from piienc.tables.parquet.source import ParquetSource  # noqa: PLC0415  # half of start-up

    source.followed()  # Arrow reads it in an order of its own
    with source.sought() as file:
        yield ParquetSource(file, source.name, size)


TABLE_FORMATS: dict[str, TableFormat] = {
    "csv": TableFormat(
        "csv",
        "CSV",
        frozenset({".csv", ".tsv", ".tab", ".txt"}) | COMPRESSED,
        _opened_csv,
        parts=parts,
    ),
    "parquet": TableFormat(
        "parquet",
        "Parquet",
        frozenset({".parquet", ".pq"}),
        _opened_parquet,
        begins=is_parquet,
        in_folders=True,
    ),
}
"""By name, how a format is recognised, opened and written."""


def format_of(start: bytes) -> TableFormat:
    """Return the format of a file by its first bytes; unknown content is text."""
    rows = TABLE_FORMATS.values()
    return next((row for row in rows if row.begins and row.begins(start)), TABLE_FORMATS["csv"])


def promised_format(name: str) -> TableFormat | None:
    """Return the format of a file's suffix; None for an unknown suffix."""
    suffix = PurePath(name).suffix.lower()
    return next((row for row in TABLE_FORMATS.values() if suffix in row.suffixes), None)


def check_ends(source: OpenedSource, target: Target) -> None:
    """Refuse an output that does not fit the input.

    Raises:
        PolicyError: the output is the input.
        UsageError: the suffix of the output is of another format than the input.
    """
    refuse_same(source, target)
    by_content, by_name = format_of(source.head), promised_format(target.name)
    if by_name and by_name != by_content:
        raise UsageError(
            f"{source.name} and {target.name} are of different formats: {source.name} is "
            f"{by_content.label} by its content, and {target.name} is {by_name.label} by its name",
            hint="nothing is converted: name the output as what the input is",
        )


def opened_table(
    source: OpenedSource, form: CsvFormat, size: UnitSize = UnitSize()
) -> AbstractContextManager[OpenedTable]:
    """Open a table for reading; its content determines the format.

    Raises:
        InputError: it cannot be read, or is not a table.
        IncompleteError: the folder for temporary files has no room for Parquet from a stream.
    """
    return format_of(source.head).opened(source, form, size)
