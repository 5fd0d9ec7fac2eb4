"""Tables: CSV and Parquet files as streams of Arrow record batches, and back.

    streams.py   bytes: hashed on their way, gzip and zstd by suffix
    csv.py       blocks of whole records <-> record batches, all columns text
    parquet.py   row groups <-> record batches, with types, metadata and layout kept
    metadata.py  where a Parquet file tells what was encrypted
    ends.py      a table opened for reading, and one opened for writing

A source cuts its file into units in order, which is cheap, and decodes each unit by itself;
a sink encodes each batch by itself and writes them in order. What is done "by itself" may
run in any thread.
"""

from piienc.tables.csv import CsvFormat, CsvSink, CsvSource
from piienc.tables.ends import (
    Place,
    check_ends,
    is_parquet,
    name_of,
    opened_source,
    opened_target,
    sink_for,
)
from piienc.tables.metadata import record_of, with_record
from piienc.tables.streams import HashingReader, HashingWriter

__all__ = [
    "CsvFormat",
    "CsvSink",
    "CsvSource",
    "HashingReader",
    "HashingWriter",
    "Place",
    "check_ends",
    "is_parquet",
    "name_of",
    "opened_source",
    "opened_target",
    "record_of",
    "sink_for",
    "with_record",
]
