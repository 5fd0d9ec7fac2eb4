"""What a file is, and what of it is encrypted.

inspect.py     OpenPGP by its head, a table by its first rows; start reading here
first_rows.py  what the first rows of a table tell
inspection.py  what a file was found to be
"""
