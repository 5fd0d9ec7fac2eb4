"""CSV files as blocks of whole records, and back.

source.py      CsvSource and CsvSink: header, blocks
form.py        delimiter, quote, encoding
text.py        text in whatever encoding, as UTF-8 and back
block.py       whole records of a file, and what is wrong with one
oddities.py    what is odd about a file that is nearly CSV
parts.py       a table cut by rows

The core finds the fields and writes them anew.
"""
