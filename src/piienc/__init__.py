"""Encrypt the personal columns of CSV and Parquet files under your own keys.

The way of the data, and the way back:

    encrypt_file    tables: read    columns: encrypt    tables: write
    decrypt_file    tables: write   columns: decrypt    tables: read
    wrap_file       a file          openpgp: wrap       a file
    unwrap_file     a file          openpgp: unwrap     a file
    push            a file          remote: upload      a file at the destination
    pull            a file          remote: download    a file at the destination
    send            all of it, for each new file: verified, encrypted, wrapped, pushed, exactly once

Where things are, a floor above what it uses:

    cli/  api/  demo/             the command line, whose `ui.py` alone prints; the same for Python
    jobs/                         all steps for each new file, exactly once
    verification/  deliver/       a file held against its schema; files to a destination, and back
    describe/  setup/             what a file is; how a project begins
    engines/                      tables that others hold: in memory, in Spark
    openpgp/  transform/          OpenPGP around a whole file; a table rewritten column by column
    audit/  settings/             the log of what was done; where things are
    receivers/  report/           what receivers demand; receipts, and reports of what was found
    tables/  columns/             files as units of rows; the cells of a column
    checks/  remote/              the rules of columns; SFTP servers and local folders
    keys/  schema/  state/        the keys; which columns are marked; what earlier runs did
    core/  storage/  base/        fields and cells as bytes; files and streams; what all stand on
    spark.py  errors.py  lazy.py  version.py     for users of Spark; the tree of errors

The upper rooms are what a user does; the lower ones are the things it is done with.

Keys: a key is a named Tink keyset in a folder that only its owner may enter. Its mode belongs
to the key. `searchable` is AES-256-SIV, so equal values give equal cells; `sealed` is
AES-256-GCM, so every cell looks different. Cells are bound to their column's context, and
every cell is authenticated before it is given out. Secrets are `SecretBytes`; `reveal()` is
the only way to their bytes.

What stays: the encrypted cell is Tink's wire format and the keyset is Tink's JSON, so neither
depends on piienc. What any version has encrypted, later versions decrypt. The exit codes, the
JSON documents of a `schema_version` and the names in `__all__` keep their meaning within a
major version; what begins with an underscore, and all else, may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily
from piienc.version import __version__ as __version__

if TYPE_CHECKING:
    from piienc.api.delivery import pull, push
    from piienc.api.jobs import send
    from piienc.api.memory import decrypt_table, encrypt_table, encrypt_values, verify_table
    from piienc.api.openpgp import unwrap_file, wrap_file
    from piienc.api.plan import Plan
    from piienc.api.tables import decrypt_file, encrypt_file
    from piienc.api.verification import verify

__all__ = [
    "Plan",
    "decrypt_file",
    "decrypt_table",
    "encrypt_file",
    "encrypt_table",
    "encrypt_values",
    "pull",
    "push",
    "send",
    "unwrap_file",
    "verify",
    "verify_table",
    "wrap_file",
]

__getattr__ = lazily(
    __name__,
    api__delivery="pull push",
    api__jobs="send",
    api__memory="decrypt_table encrypt_table encrypt_values verify_table",
    api__openpgp="unwrap_file wrap_file",
    api__plan="Plan",
    api__tables="decrypt_file encrypt_file",
    api__verification="verify",
)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
