"""Verification: one pass that finds where a file differs from its schema.

verify.py          the pass: checks units side by side, and reports; start reading here
request.py         what is to be verified
opening.py         the file opened, wrapped or not
message.py         the table in a message, read while gpg unwraps it
plan.py            what is checked in the file, by its columns, its schema and the keys
columns/           what is checked in a column
available_keys.py  the available keys, and the recorded marks
findings.py        violations of units, which become findings of the file
against.py         two files compared, row by row
by_key.py          two files compared by a column that names their rows
message_trip.py    the file wrapped and unwrapped again
"""
