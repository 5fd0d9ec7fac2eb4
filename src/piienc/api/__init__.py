"""What a command does, composed once: the command line and Python both call these functions.

    common.py        what all functions take
    tables.py        encrypt_file, decrypt_file
    verification.py  verify
    openpgp.py       wrap_file, unwrap_file
    delivery.py      push, pull
    jobs.py          send, check

Paths and names in, receipts out; `docs/python.md` shows them. Each is recorded in the audit log.
Nothing is printed, and nobody is asked but by a callback that the caller gives; what fails raises
an error of `piienc.errors`.
"""
