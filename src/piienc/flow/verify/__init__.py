"""Verification: one pass over a file, which tells what is not as its schema says.

verify.py      the pass: opens the file, looks at its units side by side, and reports
source.py      the file, unwrapped on its way if it is an OpenPGP message
columns.py     what is looked for in each column
found.py       breaches of units, which become findings of the file
prints.py      which values of a column are equal, in flat memory
leaks.py       what a searchable column gives away
against.py     two files compared, row by row
by_key.py      two files compared by a column that names their rows
round_trip.py  a plain file encrypted and decrypted in memory
"""
