"""OpenPGP keys in the key folder, and gpg, which works with them.

folder.py       PgpFolder: partners' certificates, pinned, and key pairs of our own
key.py          a certificate, as gpg lists it
certificate.py  a certificate as somebody gives it
parameters.py   what gpg reads to generate a key pair
home.py         a GnuPG home: whose it is, and which secret keys it holds
gpg.py          gpg, in a home of its own for as long as one piece of work takes
armor.py        OpenPGP as text, decoded as it is read
"""
