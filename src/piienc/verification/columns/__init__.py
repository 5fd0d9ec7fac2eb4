"""What is checked in a column.

verifier.py      ColumnVerifier, and the rules of a column's values
unmarked.py      a column that stays plain
plaintext.py     a column that is to be encrypted
decrypted.py     an encrypted column whose key is available
ciphertext.py    an encrypted column whose key is not available
round_trip.py    a plain column encrypted and decrypted in memory
fingerprints.py  which values of a column are equal, in flat memory
buckets.py       records cut by fingerprints
leaks.py         what a searchable column gives away
"""
