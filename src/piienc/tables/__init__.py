"""Tables: CSV and Parquet files as streams of units that can be processed in parallel.

    csv/        blocks of whole records
    parquet/    row groups as record batches, with types, metadata and layout kept
    memory.py   tables in memory
    table.py    what all tables have in common
    formats.py  TABLE_FORMATS: how each format is recognised, opened and written
    streams.py  bytes, compressed or not

A source cuts its file into units in order, which is cheap: blocks of CSV, slices of Parquet's
row groups. It decodes each unit by itself, in any thread, into CSV records or an Arrow record
batch. A sink writes the changed units in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily

if TYPE_CHECKING:
    from piienc.tables.csv.block import Block
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.parts import Part
    from piienc.tables.formats import (
        TABLE_FORMATS,
        TableFormat,
        check_ends,
        format_of,
        opened_table,
        promised_format,
    )
    from piienc.tables.parquet.metadata import (
        ARROW_SCHEMA,
        arrow_schema,
        described,
        record_of,
        with_record,
        without_metadata,
    )
    from piienc.tables.table import (
        BatchTable,
        BatchUnit,
        ByteTable,
        OpenedTable,
        Output,
        Sink,
        UnitSize,
    )

__all__ = [
    "ARROW_SCHEMA",
    "TABLE_FORMATS",
    "BatchTable",
    "BatchUnit",
    "Block",
    "ByteTable",
    "CsvFormat",
    "OpenedTable",
    "Output",
    "Part",
    "Sink",
    "TableFormat",
    "UnitSize",
    "arrow_schema",
    "check_ends",
    "described",
    "format_of",
    "opened_table",
    "promised_format",
    "record_of",
    "with_record",
    "without_metadata",
]

__getattr__ = lazily(
    __name__,
    csv__block="Block",
    csv__form="CsvFormat",
    csv__parts="Part",
    formats="TABLE_FORMATS TableFormat check_ends format_of opened_table promised_format",
    parquet__metadata="ARROW_SCHEMA arrow_schema described record_of with_record without_metadata",
    table="BatchTable BatchUnit ByteTable OpenedTable Output Sink UnitSize",
)
