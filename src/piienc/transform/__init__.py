"""A table rewritten column by column: marked columns are encrypted, or decrypted.

crypt.py        encrypt_file and decrypt_file; start reading here
passes.py       what one pass does: encryption by a schema, or decryption
folder.py       the same for each file of a folder
memory.py       a pass over a table in memory
marks.py        which columns get which treatment, under which key and context
mark_policy.py  marks that earlier files were encrypted with, and that no schema may undo
treatments/     TREATMENTS: what can be done to a column
plan.py         what is done to each column of a table: a function of record batches
place.py        a column of a table, as far as a treatment needs to know it
run.py          one pass: read, change columns, write, all at once
batches.py      the units of a table, as columns
pipeline.py     work side by side, results in order
proof.py        a sample of each block, read back before it is written
metadata.py     what a Parquet file says of its own encryption
"""
