"""The steps as Python functions: paths and names in, receipts out. `docs/python.md` shows them.

    common.py     what all functions take
    tables.py     encrypt_file, decrypt_file, verify
    openpgp/packets.py   wrap_file, unwrap_file
    delivery.py   push, pull
    jobs.py       send

Each does what the command of its name does, and is recorded in the audit log like it. Nothing is
printed and nobody is asked; what fails raises an error of `piienc.errors`.
"""

from piienc.api.delivery import pull, push
from piienc.api.jobs import send
from piienc.api.openpgp import unwrap_file, wrap_file
from piienc.api.tables import decrypt_file, encrypt_file, verify

__all__ = [
    "decrypt_file",
    "encrypt_file",
    "pull",
    "push",
    "send",
    "unwrap_file",
    "verify",
    "wrap_file",
]
