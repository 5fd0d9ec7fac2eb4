"""Parquet files as record batches, with types, metadata and layout kept, and back.

source.py      ParquetSource and ParquetSink: row groups
slices.py      row groups cut into slices
footer.py      what a footer says, before Arrow is asked; thrift.py reads its bytes
layout.py      codecs, encodings, indexes: kept, or named
int96.py       the older timestamps, read exactly
metadata.py    the footer's keys and values: what was encrypted, and what others tell of columns
"""
