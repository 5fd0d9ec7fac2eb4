"""Encrypt the personal columns of CSV and Parquet files under your own keys.

The way of the data, and the way back:

    encrypt_file    tables: read    columns: encrypt    tables: write
    decrypt_file    tables: write   columns: decrypt    tables: read
    wrap_file       a file          envelope: wrap      a file
    unwrap_file     a file          envelope: unwrap    a file
    push            a file          remote: upload      a file at the destination
    pull            a file          remote: download    a file at the destination
    send            all of it, for each new file: verified, encrypted, wrapped, pushed, exactly once

Where things are, a floor above what it uses:

    cli/  api/                  the command line, whose `ui.py` alone prints; the same for Python
    flow/                       the steps in order; start reading at `transform/crypt.py`
    tables/  columns/           files as record batches; the cells and the AES kernels
    checks/                     the rules of columns and rows; what looks like personal data
    envelope/  remote/          OpenPGP around a whole file; SFTP servers and local folders
    schema/  keys/  profiles/   which columns are marked; AES and OpenPGP keys; the receivers
    settings/  state/           where things are; what earlier runs did
    document.py  lines.py       TOML documents, and the lines of what is wrong in them
    storage/places.py  hashing.py       files and streams, counted and hashed as they pass
    armor.py  cells.py          OpenPGP as text; cells of any length in one buffer
    content.py  charsets.py     what a file is by its content; the text encodings
    regex.py  printable.py      regular expressions, by RE2; foreign text for a terminal
    files.py  folders.py        files and folders made with care: whole or not at all
    walk.py  trust.py           where a path leads, and whose files count
    cleanup.py  secret.py  errors.py  version.py                               the ground

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

from piienc.version import __version__ as __version__

if TYPE_CHECKING:
    from piienc.api import (
        decrypt_file,
        encrypt_file,
        pull,
        push,
        send,
        unwrap_file,
        verify,
        wrap_file,
    )

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


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `import piienc` stays cheap."""
    if name in __all__:
        from piienc import api  # noqa: PLC0415  # start-up

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
