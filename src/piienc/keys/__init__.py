"""AES keysets: made, brought along, kept and shown.

    keyset.py     the model: a keyset, its mode, its keys; and a fresh one
    tink.py       keyset <-> Tink's JSON keyset format, in clear
    wraps/        keyset <-> a file that is locked: by a passphrase
    passphrase.py a passphrase from a file
    unlocker.py   where the secrets of locked keys come from
    material.py   keyset <-  what a customer brings: raw, hex, base64, Tink JSON
    folder.py     the key folder: keysets by name, private to their owner
    openpgp/      OpenPGP keys, and gpg
    text.py, protobuf.py   the two encodings underneath, read strictly

Everything that is wrong with a key raises `KeyAccessError`, and no error, repr or listing
shows key material. `dump` alone writes it in clear. `cryptography` is loaded when a
passphrase is first used, and the names below when they are first asked for, so importing this
package is cheap: who works with OpenPGP keys needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily

if TYPE_CHECKING:
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
    from piienc.keys.unlocker import Unlocker

__all__ = [
    "Key",
    "KeyFacts",
    "KeyFolder",
    "KeyInfo",
    "Keyset",
    "KeysetFacts",
    "Mode",
    "Prefix",
    "Status",
    "Unlocker",
    "dump",
    "generate",
    "parse",
    "read_material",
]

__getattr__ = lazily(
    __name__,
    folder="KeyFolder KeyInfo",
    keyset="Key KeyFacts Keyset KeysetFacts Mode Prefix Status generate",
    material="read_material",
    tink="dump parse",
    unlocker="Unlocker",
)
