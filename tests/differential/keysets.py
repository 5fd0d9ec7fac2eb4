"""The keysets of all cases, always the same: as piienc has them, and as Tink has them."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from functools import cache

from differential.case import Wrong
from piienc.base.secret import SecretBytes
from piienc.keys import Key, Keyset, Mode, Prefix, Status, dump

IV, TAG = 12, 16  # bytes
_random = random.Random("the keys of the differential fuzzer")


def _key(mode: Mode, prefix: Prefix = Prefix.TINK, status: Status = Status.ENABLED) -> Key:
    material = SecretBytes(_random.randbytes(mode.key_size))
    return Key(_random.randrange(1, 1 << 32), material, status, prefix)


def _rotated(mode: Mode) -> Keyset:
    """Make a set that has been rotated: its primary is neither the first nor the last."""
    old, new, raw = _key(mode), _key(mode), _key(mode, Prefix.RAW)
    return Keyset(mode, new.key_id, (old, new, raw, _key(mode, status=Status.DISABLED)))


def _single(mode: Mode, prefix: Prefix) -> Keyset:
    key = _key(mode, prefix)
    return Keyset(mode, key.key_id, (key,))


KEYSETS: dict[str, Keyset] = {
    f"{mode}-{name}": make(mode)
    for mode in Mode
    for name, make in (
        ("plain", lambda mode: _single(mode, Prefix.TINK)),
        ("raw", lambda mode: _single(mode, Prefix.RAW)),
        ("rotated", _rotated),
    )
}
"""By name; each mode has one key, one without a prefix, and a rotated set."""


def before_rotation(name: str) -> Keyset:
    """Return a keyset as it was when its first key was the primary."""
    keyset = KEYSETS[name]
    return Keyset(keyset.mode, keyset.keys[0].key_id, keyset.keys)


def has_raw(name: str) -> bool:
    """Tell whether some of a set's cells bear no prefix."""
    return any(key.prefix is Prefix.RAW for key in KEYSETS[name].keys)


class TinkColumn:
    """A column's cells as tink-py reads and writes them."""

    def __init__(self, key: str, context: str) -> None:
        self._key, self._context = key, context.encode()
        self._ivs: set[bytes] = set()

    def decrypt(self, cell: bytes) -> bytes:
        """Return a cell's value; `TinkError` if it is not authentic."""
        return _primitive(self._key, 0)[1](cell, self._context)

    def opened(self, cell: bytes, place: str) -> bytes:
        """Return the value of a cell that piienc has encrypted.

        Raises:
            Wrong: it is not authentic, or has the IV of another cell of this column.
        """
        try:
            value = self.decrypt(cell)
        except Exception as error:
            raise Wrong("encrypt", f"{place}: Tink does not read it") from error
        if KEYSETS[self._key].mode is Mode.SEALED:
            iv = cell[: len(cell) - len(value) - TAG][-IV:]
            if iv in self._ivs:
                raise Wrong("encrypt", f"{place}: its IV is that of another cell")
            self._ivs.add(iv)
        return value

    def encrypt(self, value: bytes, choice: int) -> bytes:
        """Encrypt a value under one of the enabled keys of the set."""
        enabled = KEYSETS[self._key].enabled
        number = choice % len(enabled)
        return _primitive(self._key, enabled[number].key_id)[0](value, self._context)


def base64_of(text: str, place: str) -> bytes:
    """Return the bytes of a cell as text.

    Raises:
        Wrong: it is no base64.
    """
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Wrong("encrypt", f"{place}: no base64") from error


@cache
def _primitive(name: str, primary: int):
    from tink import aead, daead, json_proto_keyset_format, secret_key_access

    aead.register()
    daead.register()
    document = json.loads(dump(KEYSETS[name]))
    document["primaryKeyId"] = primary or document["primaryKeyId"]
    handle = json_proto_keyset_format.parse(json.dumps(document), secret_key_access.TOKEN)
    if KEYSETS[name].mode is Mode.SEARCHABLE:
        siv = handle.primitive(daead.DeterministicAead)
        return siv.encrypt_deterministically, siv.decrypt_deterministically
    gcm = handle.primitive(aead.Aead)
    return gcm.encrypt, gcm.decrypt
