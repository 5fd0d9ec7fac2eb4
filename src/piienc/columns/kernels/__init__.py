"""AES over all cells of a column at once.

kernel.py     a kernel for each mode, held against OpenSSL before its first use
siv.py        AES-256-SIV, for `searchable`
gcm.py        AES-256-GCM, for `sealed`
aes.py        bulk AES, the one primitive
groups.py     cells of any length <-> groups of 16-byte blocks
bound_key.py  one key of a set, bound to a context
"""
