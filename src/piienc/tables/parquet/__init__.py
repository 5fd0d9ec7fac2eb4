"""Parquet files as record batches, with types, metadata and layout kept, and back.

source.py        ParquetSource and ParquetSink: row groups
slices.py        row groups cut into slices
footer.py        what a footer says, before Arrow is asked; thrift.py reads its bytes
layout.py        codecs, encodings, indexes: kept, or named
output.py        the columns of a table that is written
categories.py    what the values of a dictionary column are taken from
int96.py         the older timestamps, read exactly
arrow_schema.py  Arrow's own schema in the footer
described.py     what other keys of the footer tell of columns
metadata.py      where a file tells what was encrypted
"""
