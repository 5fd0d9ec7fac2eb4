"""From a plain source to a wrapped file in the spool.

spool.py      one pass, in which a source is verified, encrypted and wrapped
sources.py    which files are new, and which are still being written
naming.py     what a file is called at the destination
verifying.py  the verification within that pass
"""
