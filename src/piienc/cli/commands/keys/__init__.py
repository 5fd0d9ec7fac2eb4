"""`piienc keys`: AES keysets, OpenPGP keys, and the list of both."""
