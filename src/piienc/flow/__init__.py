"""The path of the data: the steps in order, written once.

crypt.py      encrypt_file and decrypt_file
marks.py      which columns, under which key and context
pledge.py     marks that earlier files were encrypted with, and that no schema may undo
steps.py      what is done to one column
run.py        one pass: read, change columns, write, all at once; batches.py: its units
pipeline.py   work side by side, results in order
record.py     what a Parquet file says of its own encryption
wrap.py       wrap_file: OpenPGP for the receiver; work.py: who does it; crossing.py: its streams
joined.py     encryption and wrapping by a pipe, with no file between
unwrap.py     unwrap_file: the way back
push.py       files to a destination; delivery.py, source.py: one of them, in its steps
pull.py       files from a destination
send/         a job: all of these for each new file, exactly once
crew.py       several files at once, over several connections; line.py: one, made anew
orphans.py    hidden files at a destination that nobody knows any more
preflight.py  keys and names against what the receiver demands, before anything is written
streams.py    streams that are looked into on their way
inspect.py    what a file is, and what of it is encrypted
infer/        a schema proposed by a sample
project/      a new project, from a sample
addressed.py  a destination by its name or URL, and what is done with files that go there
keyring.py    the AES keys of one step
recorded.py   a step in the audit log, from its beginning to its end
schema_check.py  a schema against keys and marks
receipt.py    the record of a finished step
reports/      what a verification found, written for each reader

Nothing is imported here: what works on tables takes long to import, and wrapping does without.
"""
