"""OpenPGP around a whole file.

wrap.py       wrap_file; start reading here
unwrap.py     unwrap_file: the way back
preflight.py  keys and names against what the receiver demands, before anything is written
encryptor.py  how files are to be wrapped, and a gpg made ready once for many
routes.py     how the bytes get through gpg: as streams, or from file to file
pipes.py      a pipe with a thread at its other end
gpg/          what gpg is asked to do, and what it answers
packets/      what the packets of a file tell, read without gpg and without a key
"""
