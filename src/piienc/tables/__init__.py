"""Tables: CSV and Parquet files as streams of units that can be worked on side by side.

    streams.py   bytes, compressed or not
    text.py      text in whatever encoding, as UTF-8 and back
    csv.py       blocks of whole records, header
    blocks.py    where a file is cut into blocks
    records.py   where each field of a block stands
    plain_path.py  a record read by Python alone, to prove the above
    quoting.py   quotes taken off and put on
    oddities.py  what is odd about a file that is nearly CSV
    parquet.py   row groups <-> record batches, with types, metadata and layout kept
    output.py    the columns of a table that is written
    footer.py    what a Parquet footer says, before Arrow is asked; thrift.py reads its bytes
    layout.py    how a Parquet file is laid out: codecs, encodings, indexes, kept or named
    categories.py what the values of a dictionary column are taken from
    int96.py     Parquet's older timestamps, read exactly
    arrow_schema.py Arrow's own schema in its footer
    described.py what other keys of its footer tell of columns
    metadata.py  where a Parquet file tells what was encrypted
    ends.py      a table opened for reading, and one opened for writing
    parts.py     a table cut by rows
    names.py     the names of columns
    limits.py    how large units are, and what is too large

A source cuts its file into units in order, which is cheap: blocks of CSV, slices of Parquet's
row groups. It decodes each unit by itself, in any thread, into CSV records or an Arrow record
batch. A sink writes the changed units in order.
"""

from piienc.tables.arrow_schema import ARROW_SCHEMA, arrow_schema
from piienc.tables.csv import CsvFormat, CsvSink, CsvSource
from piienc.tables.described import described
from piienc.tables.ends import (
    check_ends,
    opened_source,
    sink_for,
)
from piienc.tables.limits import UnitSize
from piienc.tables.metadata import record_of, with_record
from piienc.tables.names import repeated
from piienc.tables.output import Output
from piienc.tables.parts import Part, parts
from piienc.tables.plain_path import Record, count_records, read_record
from piienc.tables.records import Block, ColumnChange, Records, Rewritten

__all__ = [
    "ARROW_SCHEMA",
    "Block",
    "ColumnChange",
    "CsvFormat",
    "CsvSink",
    "CsvSource",
    "Output",
    "Part",
    "Record",
    "Records",
    "Rewritten",
    "UnitSize",
    "arrow_schema",
    "check_ends",
    "count_records",
    "described",
    "opened_source",
    "parts",
    "read_record",
    "record_of",
    "repeated",
    "sink_for",
    "with_record",
]
