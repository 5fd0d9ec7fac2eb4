"""Verification: one pass over a file, which tells what is not as its schema says.

verify.py      the pass: opens the file, looks at its units side by side, and reports
source.py      the file, unwrapped on its way if it is an OpenPGP message
message.py     the table in a message, read while gpg unwraps it
settle.py      what is looked for in the file, by its columns, its schema and the keys
at_hand.py     the keys, as far as they are there, and the marks that hold
watch.py       what is looked for in a column, and the rules of its values
unmarked.py    a column that stays plain
still_plain.py  a column that is to be encrypted
opened.py      an encrypted column whose key is there
closed.py      an encrypted column whose key is not there
found.py       breaches of units, which become findings of the file
buckets.py     records cut by fingerprints, in flat memory
prints.py      which values of a column are equal, in flat memory
leaks.py       what a searchable column gives away
against.py     two files compared, row by row
by_key.py      two files compared by a column that names their rows
round_trip.py  a plain file encrypted and decrypted in memory
message_trip.py  the file wrapped and unwrapped again
"""
