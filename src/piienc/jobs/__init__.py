"""A job: each new source is verified, encrypted, wrapped and delivered, exactly once.

send.py             the job, in its steps; start reading here
context.py          everything a job needs, made from the settings
spooling/           from a plain source to a wrapped file in the spool
deliver.py          delivers the spool to the destination
delivery_thread.py  the same in a thread, while the next source is spooled
after.py            what becomes of a source afterwards
outcome.py          what became of each source, and of all
documents.py        receipts and reports, kept in the state folder
check.py            all that a job needs, checked ahead
notify.py           the hook that is run when a job has failed

A source is in the ledger (`piienc.state.jobs`) at each step, so a run may die anywhere.
"""
