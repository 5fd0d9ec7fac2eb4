"""What a command does, composed once: the command line and Python both call these functions.

    common.py        what all functions take
    tables.py        encrypt_file, decrypt_file
    verification.py  verify
    openpgp.py       wrap_file, unwrap_file
    delivery.py      push, pull
    jobs.py          send, check

They take paths and names and return receipts; see `docs/python.md`. Each call is recorded in the
audit log. Nothing is printed, and prompts come only from the caller's callbacks; failures raise an
error of `piienc.errors`.
"""
