"""Keys that the customer brings: raw, hex or base64 bytes, or a Tink JSON keyset."""

from __future__ import annotations

import re

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import tink
from piienc.keys.keyset import Keyset, Mode, Prefix, Status
from piienc.keys.text import decode_base64, encode_base64

_FRESH = "make a random key: 'piienc keys generate-aes'"
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_PRINTABLE = re.compile(rb"[\t\n\r -~]+")


def read_material(data: bytes, mode: Mode, prefix: Prefix = Prefix.TINK) -> Keyset:
    """Make a keyset of a key file's content.

    The size tells the forms apart: only what has exactly the mode's key size (64 bytes for
    searchable, 32 for sealed) is taken as raw. White space in hex and base64 is passed over.

    Args:
        data: the whole content.
        mode: what the key is for; a Tink keyset must be of this mode.
        prefix: the prefix type of the new key; a Tink keyset brings its own.

    Raises:
        KeyAccessError: it is none of the forms, of another mode, or a key that is easy to
            guess. The content is never quoted, only its length.
    """
    if data.lstrip().startswith(b"{") and len(data) != mode.key_size:
        keyset = _read_tink(data, mode)
    else:
        keyset = Keyset.single(mode, SecretBytes(_decode(data, mode)), prefix)
    for key in keyset.keys:
        if key.status is not Status.DESTROYED:
            _refuse_weak(key.material.reveal(), mode)
    return keyset


def _read_tink(data: bytes, mode: Mode) -> Keyset:
    keyset = tink.parse(data)
    if keyset.mode is not mode:
        raise KeyAccessError(
            f"the Tink keyset is {keyset.mode}, not {mode}",
            hint=f"import it with --mode {keyset.mode}",
        )
    return keyset


def _decode(data: bytes, mode: Mode) -> bytes:
    size = mode.key_size
    text = b"".join(data.split())
    if len(text) == size:
        _refuse_hex_digits(text)
    if len(data) == size:
        _refuse_words(data)
        return data
    if len(text) == 2 * size and _HEX.fullmatch(text):
        return bytes.fromhex(text.decode("ascii"))
    decoded = decode_base64(text.decode("latin-1"))
    if decoded is None or len(decoded) != size:
        raise _no_key(data, mode)
    return decoded


def _no_key(data: bytes, mode: Mode) -> KeyAccessError:
    size = mode.key_size
    padded = encode_base64(bytes(size))
    return KeyAccessError(
        f"{len(data)} bytes that are no {mode} key in any known form",
        hint=f"wanted: {size} raw bytes, {2 * size} hex digits, {len(padded.rstrip('='))} or "
        f"{len(padded)} characters of base64, or a Tink JSON keyset",
    )


def _refuse_weak(material: bytes, mode: Mode) -> None:
    half = len(material) // 2
    parts = [material[:half], material[half:]] if mode is Mode.SEARCHABLE else [material]
    if any(len(set(part)) == 1 for part in parts):
        raise KeyAccessError("the key repeats one byte: anybody can guess it", hint=_FRESH)
    if len(parts) > 1 and parts[0] == parts[1]:
        raise KeyAccessError(
            "the two halves of the key are equal; AES-SIV needs two independent keys", hint=_FRESH
        )
    _refuse_hex_digits(material)


def _refuse_hex_digits(material: bytes) -> None:
    if _HEX.fullmatch(material):
        raise KeyAccessError(
            f"the {len(material)} bytes of the key are all hex digits: most probably a key of "
            f"{len(material) // 2} bytes written in hex, half of what the mode needs",
            hint=_FRESH,
        )


def _refuse_words(material: bytes) -> None:
    if _PRINTABLE.fullmatch(material):
        raise KeyAccessError(
            f"the {len(material)} bytes of the key are all printable: a text, not a random key",
            hint=f"{_FRESH}; if these bytes are the key, give them in hex",
        )
