"""AES keysets: made, brought along, kept and shown.

    keyset.py     the model: a keyset, its mode, its keys; and a fresh one
    tink.py       keyset <-> Tink's JSON keyset format, in clear
    wrapping.py   keyset <-> a JSON document under a passphrase
    material.py   keyset <-  what a customer brings: raw, hex, base64, Tink JSON
    folder.py     the key folder: keysets by name, private to their owner
    openpgp/      OpenPGP keys, and gpg
    argon2.py     what Argon2id costs, and what a file may ask of it
    text.py, protobuf.py   the two encodings underneath, read strictly

Everything that is wrong with a key raises `KeyAccessError`, and no error, repr or listing
shows key material. `dump` alone writes it in clear. `cryptography` is loaded when a
passphrase is first used, and the names below when they are first asked for, so importing this
package is cheap: who works with OpenPGP keys needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.keys.argon2 import Argon2Profile
    from piienc.keys.folder import KeyFolder, KeyInfo
    from piienc.keys.keyset import (
        Key,
        KeyFacts,
        Keyset,
        KeysetFacts,
        Mode,
        Prefix,
        Status,
        generate,
    )
    from piienc.keys.material import read_material
    from piienc.keys.tink import dump, parse
    from piienc.keys.wrapping import is_wrapped, unwrap, wrap, wrapped_info

__all__ = [
    "Argon2Profile",
    "Key",
    "KeyFacts",
    "KeyFolder",
    "KeyInfo",
    "Keyset",
    "KeysetFacts",
    "Mode",
    "Prefix",
    "Status",
    "dump",
    "generate",
    "is_wrapped",
    "parse",
    "read_material",
    "unwrap",
    "wrap",
    "wrapped_info",
]

_HOMES = {
    "Argon2Profile": "argon2",
    "KeyFolder": "folder",
    "KeyInfo": "folder",
    "dump": "tink",
    "is_wrapped": "wrapping",
    "parse": "tink",
    "read_material": "material",
    "unwrap": "wrapping",
    "wrap": "wrapping",
    "wrapped_info": "wrapping",
}  # all others are at home in keyset.py


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'keyset')}"), name)
