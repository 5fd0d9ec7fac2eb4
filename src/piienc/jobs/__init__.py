"""A job: each new source is verified, encrypted, wrapped, delivered and told of, exactly once.

send.py        the job, in its steps; start reading here
chosen.py      which job is meant
making.py      all that it takes, made of the settings
sending.py     all that a job takes
sources.py     which files are new, and which are still being written
naming.py      what a file is called at the destination
spool.py       one pass from a plain source to a wrapped file; what is left of earlier passes
watching.py    the verification within that pass
deliver.py     what is in the spool goes to the destination
delivering.py  the same in a thread, while the next source is spooled
after.py       what becomes of a source afterwards
outcome.py     what became of each source, and of all
papers.py      receipts and reports, kept in the state folder
check.py       all that a job needs, looked at before its time
notify.py      the hook that is told of what has failed

A source is in the ledger (`piienc.state.sendings`) at each step, so a run may die anywhere.
"""
