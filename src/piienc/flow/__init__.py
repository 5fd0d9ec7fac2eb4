"""The path of the data: the steps in order, written once.

crypt.py     encrypt_file and decrypt_file
marks.py     which columns, under which key and context
steps.py     what is done to one column
run.py       one pass: read, change columns, write, all at once
pipeline.py  work side by side, results in order
record.py    what a Parquet file says of its own encryption
receipt.py   the record of a finished step
"""

from piienc.flow.crypt import Options, decrypt_file, encrypt_file
from piienc.flow.receipt import ColumnFacts, FileFacts, Receipt

__all__ = ["ColumnFacts", "FileFacts", "Options", "Receipt", "decrypt_file", "encrypt_file"]
