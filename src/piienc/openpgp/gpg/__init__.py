"""What gpg is asked to do with a stream, and what it answers.

wrap.py    encrypt and sign
unwrap.py  decrypt, and judge signatures
routes.py  the ways of bytes through gpg
"""
