"""CSV files as blocks of whole records, and back.

source.py      CsvSource and CsvSink: header, blocks
form.py        delimiter, quote, encoding
text.py        text in whatever encoding, as UTF-8 and back
blocks.py      where a file is cut into blocks
records.py     where each field of a block stands
quoting.py     quotes taken off and put on
plain_path.py  a record read by Python alone, to prove the above
oddities.py    what is odd about a file that is nearly CSV
parts.py       a table cut by rows
"""
