"""A table rewritten column by column: marked columns are encrypted, or decrypted.

crypt.py        encrypt_file and decrypt_file; start reading here
folder.py       the same for each file of a folder
marks.py        which columns, under which key and context
mark_policy.py  marks that earlier files were encrypted with, and that no schema may undo
steps.py        what is done to one column
run.py          one pass: read, change columns, write, all at once
batches.py      the units of a table, as columns
pipeline.py     work side by side, results in order
proof.py        a sample of each block, read back before it is written
metadata.py     what a Parquet file says of its own encryption
"""
