"""Tink's JSON keyset format, in clear: both directions.

Source: https://developers.google.com/tink/wire-format and Tink's tink.proto, aes_siv.proto
and aes_gcm.proto. Tink in any language and BigQuery's `KEYS.KEYSET_FROM_JSON` read the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from piienc.base.secret import SecretBytes
from piienc.keys import protobuf
from piienc.keys.keyset import Key, Keyset, Mode, Prefix, Status
from piienc.keys.text import (
    choice,
    decode_base64,
    encode_base64,
    malformed,
    member,
    objects,
    read_object,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE_URLS = {
    Mode.SEARCHABLE: "type.googleapis.com/google.crypto.tink.AesSivKey",
    Mode.SEALED: "type.googleapis.com/google.crypto.tink.AesGcmKey",
}
_MODES = {url: mode for mode, url in _TYPE_URLS.items()}
_VERSION_FIELD = 1
_MATERIAL_FIELD = {Mode.SEARCHABLE: 2, Mode.SEALED: 3}  # key_value in the two .proto files


def parse(document: str | bytes) -> Keyset:
    """Read a keyset; members that are not known are passed over.

    The material of a destroyed key, should any be left, is dropped.

    Raises:
        KeyAccessError: malformed, of another key type, of two modes, with an output prefix
            other than TINK and RAW, or no valid keyset. The document is never quoted.
    """
    members = read_object(document, "the Tink keyset")
    entries = objects(members, "key")
    modes = {_mode(entry) for entry in entries if not _is_destroyed(entry)}
    if len(modes) != 1:
        problem = "mixes AesSivKey and AesGcmKey" if modes else "has no key"
        raise malformed(f"the keyset {problem}")
    keys = tuple(_parse_key(entry) for entry in entries)
    return Keyset(modes.pop(), _key_id(members, "primaryKeyId"), keys)


def _is_destroyed(entry: Mapping[str, object]) -> bool:
    return choice(entry, "status", Status) is Status.DESTROYED


def _mode(entry: Mapping[str, object]) -> Mode:
    url = member(member(entry, "keyData", dict), "typeUrl", str)
    if url not in _MODES:
        raise malformed("a key of the set is neither an AesSivKey nor an AesGcmKey")
    return _MODES[url]


def _parse_key(entry: Mapping[str, object]) -> Key:
    return Key(
        key_id=_key_id(entry, "keyId"),
        material=SecretBytes(b"" if _is_destroyed(entry) else _material(entry)),
        status=choice(entry, "status", Status),
        prefix=choice(entry, "outputPrefixType", Prefix),
    )


def _key_id(members: Mapping[str, object], name: str) -> int:
    value = members.get(name)
    # The JSON form of protobuf lets a number stand as a string.
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:11])  # enough digits to be out of range
    return member(members, name, int)


def _material(entry: Mapping[str, object]) -> bytes:
    data = member(entry, "keyData", dict)
    if member(data, "keyMaterialType", str) != "SYMMETRIC":
        raise malformed('"keyMaterialType" is not SYMMETRIC')
    value = decode_base64(member(data, "value", str))
    if value is None:
        raise malformed('a key\'s "value" is not base64')
    message = protobuf.read(value)
    if message.numbers.get(_VERSION_FIELD, 0) != 0:
        raise malformed("a key has a version later than 0")
    return message.strings.get(_MATERIAL_FIELD[_mode(entry)], b"")


def dump(keyset: Keyset) -> str:
    """Write a keyset, **with its key material in clear**, as `parse` and Tink read it."""
    document = {
        "primaryKeyId": keyset.primary_id,
        "key": [_dump_key(key, keyset.mode) for key in keyset.keys],
    }
    return json.dumps(document, indent=2) + "\n"


def _dump_key(key: Key, mode: Mode) -> dict[str, object]:
    material = key.material.reveal()
    value = protobuf.write_bytes(_MATERIAL_FIELD[mode], material) if material else b""
    return {
        "keyData": {
            "typeUrl": _TYPE_URLS[mode],
            "value": encode_base64(value),
            "keyMaterialType": "SYMMETRIC",
        },
        "status": key.status.value,
        "keyId": key.key_id,
        "outputPrefixType": key.prefix.value,
    }
