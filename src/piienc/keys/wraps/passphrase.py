"""A keyset at rest under a passphrase: both directions.

A wrapped keyset is one JSON document. Its ciphertext is AES-256-GCM over the keyset's Tink
JSON, under a key that Argon2id makes of the passphrase. All the other members are associated
data, so that nobody without the passphrase can change what they say. `docs/keys.md` lists
them, and shows how to open such a file without piienc.
"""

from __future__ import annotations

import json
import secrets
import threading
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from piienc.errors import KeyAccessError
from piienc.keys import tink
from piienc.keys.keyset import KeyFacts, KeysetFacts, Mode, Prefix, Status
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

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from piienc.base.secret import SecretBytes
    from piienc.keys.keyset import Keyset

FORMAT = "piienc-wrapped-keyset"
VERSION = 1

SALT_SIZE = 16  # bytes; RFC 9106, section 4: 128 bits

MAX_ITERATIONS = 16
MAX_LANES = 16
MAX_MEMORY_KIB = 1 << 20  # 1 GiB: a hostile key file must not take the machine's memory

_KDF = "argon2id"
_CIPHER = "aes-256-gcm"
_KEY_SIZE = 32
_NONCE_SIZE = 12
# A hazard of OpenSSL 4.0: two derivations at once, with several lanes, may wait for ever.
_DERIVING = threading.Lock()


class Argon2Profile(Struct, frozen=True):
    """The parameters of Argon2id (RFC 9106), checked when made.

    Attributes:
        iterations: t, the passes over the memory.
        lanes: p, the degree of parallelism.
        memory_kib: m, the memory in KiB, at least 8 a lane.

    Raises:
        KeyAccessError: a parameter is not possible, or above its bound.
    """

    iterations: int
    lanes: int
    memory_kib: int

    def __post_init__(self) -> None:
        if not (
            1 <= self.iterations <= MAX_ITERATIONS
            and 1 <= self.lanes <= MAX_LANES
            and 8 * self.lanes <= self.memory_kib <= MAX_MEMORY_KIB
        ):
            raise KeyAccessError(
                "the cost of the passphrase's Argon2id is out of bounds",
                hint=f"iterations: 1 to {MAX_ITERATIONS}, lanes: 1 to {MAX_LANES}, "
                f"memory: 8 KiB a lane to {MAX_MEMORY_KIB} KiB",
            )


RFC_9106_LOW_MEMORY = Argon2Profile(iterations=3, lanes=4, memory_kib=64 * 1024)
"""RFC 9106, section 4, the second recommended option: t=3, p=4, m=64 MiB."""

CHEAPEST_FOR_TESTS_ONLY = Argon2Profile(iterations=1, lanes=1, memory_kib=8)
"""The least that Argon2id takes. It protects nothing: never use it outside of tests."""


class _Wrapped(Struct, frozen=True):
    facts: KeysetFacts
    profile: Argon2Profile
    salt: bytes
    nonce: bytes
    ciphertext: bytes
    associated_data: bytes


def wrap(
    keyset: Keyset, passphrase: SecretBytes, profile: Argon2Profile = RFC_9106_LOW_MEMORY
) -> str:
    """Encrypt a keyset under a passphrase.

    Args:
        keyset: the keyset.
        passphrase: its bytes as they are, of any length but none.
        profile: what a guess of the passphrase shall cost.

    Returns:
        The JSON document.

    Raises:
        KeyAccessError: the passphrase is empty.
    """
    if not len(passphrase):
        raise KeyAccessError(
            "the passphrase is empty",
            hint="give one, or say --no-passphrase to keep the key in clear",
        )
    salt, nonce = secrets.token_bytes(SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
    header = _header(keyset.facts, profile, salt, nonce)
    clear = tink.dump(keyset).encode()
    ciphertext = _aead(passphrase, profile, salt).encrypt(nonce, clear, _canonical(header))
    return json.dumps({**header, "ciphertext": encode_base64(ciphertext)}, indent=2) + "\n"


def unwrap(document: str, passphrase: SecretBytes) -> Keyset:
    """Decrypt what `wrap` has made.

    Raises:
        KeyAccessError: the document is malformed or of a later version, or the passphrase
            does not open it.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # slow; see _aead

    wrapped = _read(document)
    aead = _aead(passphrase, wrapped.profile, wrapped.salt)
    try:
        clear = aead.decrypt(wrapped.nonce, wrapped.ciphertext, wrapped.associated_data)
    except InvalidTag:
        raise KeyAccessError(
            "the passphrase does not open the wrapped keyset, or the file was changed",
            hint="check the passphrase, also for a stray blank or line break",
        ) from None
    keyset = tink.parse(clear)
    if keyset.facts != wrapped.facts:
        raise malformed("the wrapped keyset is not what its file says")
    return keyset


def recognizes(document: str) -> bool:
    """Say whether a document is a wrapped keyset, of any version."""
    try:
        return read_object(document, "the key file").get("format") == FORMAT
    except KeyAccessError:
        return False


def facts(document: str) -> KeysetFacts:
    """Read what a wrapped keyset says of itself; without the passphrase nothing proves it.

    Raises:
        KeyAccessError: the document is malformed or of a later version.
    """
    return _read(document).facts


def _aead(passphrase: SecretBytes, profile: Argon2Profile, salt: bytes) -> AESGCM:
    # Imported here, so that what needs no passphrase does not wait for it.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415  # see above

    try:
        argon2 = Argon2id(
            salt=salt,
            length=_KEY_SIZE,
            iterations=profile.iterations,
            lanes=profile.lanes,
            memory_cost=profile.memory_kib,
        )
    except UnsupportedAlgorithm as error:
        raise KeyAccessError(
            "the OpenSSL of this installation has no Argon2id",
            hint="install the 'cryptography' wheel from PyPI, or an OpenSSL of 3.2 or later",
        ) from error
    with _DERIVING:
        return AESGCM(argon2.derive(passphrase.reveal()))


def _header(
    facts: KeysetFacts, profile: Argon2Profile, salt: bytes, nonce: bytes
) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "kdf": {
            "name": _KDF,
            **structs.asdict(profile),
            "salt": encode_base64(salt),
        },
        "cipher": {"name": _CIPHER, "nonce": encode_base64(nonce)},
        "keyset": {
            "mode": facts.mode.value,
            "primary_id": facts.primary_id,
            "keys": [
                {
                    "id": key.key_id,
                    "status": key.status.value,
                    "prefix": key.prefix.value,
                    "bits": key.bits,
                }
                for key in facts.keys
            ],
        },
    }


def _read(document: str) -> _Wrapped:
    header = read_object(document, "the wrapped keyset")
    if header.get("format") != FORMAT or member(header, "version", int) != VERSION:
        raise KeyAccessError(
            f"the key file is no {FORMAT} of version {VERSION}",
            hint="a later piienc may have written it: upgrade, or see docs/keys.md",
        )
    kdf, cipher = member(header, "kdf", dict), member(header, "cipher", dict)
    if (kdf.get("name"), cipher.get("name")) != (_KDF, _CIPHER):
        raise malformed(f"the wrapped keyset does not use {_KDF} and {_CIPHER}")
    ciphertext = _bytes(header, "ciphertext")
    del header["ciphertext"]
    return _Wrapped(
        facts=_read_facts(member(header, "keyset", dict)),
        profile=Argon2Profile(
            *(member(kdf, name, int) for name in Argon2Profile.__struct_fields__)
        ),
        salt=_bytes(kdf, "salt", SALT_SIZE),
        nonce=_bytes(cipher, "nonce", _NONCE_SIZE),
        ciphertext=ciphertext,
        associated_data=_canonical(header),
    )


def _read_facts(members: Mapping[str, object]) -> KeysetFacts:
    keys = tuple(
        KeyFacts(
            key_id=member(key, "id", int),
            status=choice(key, "status", Status),
            prefix=choice(key, "prefix", Prefix),
            bits=member(key, "bits", int),
        )
        for key in objects(members, "keys")
    )
    return KeysetFacts(choice(members, "mode", Mode), member(members, "primary_id", int), keys)


def _bytes(members: Mapping[str, object], name: str, size: int | None = None) -> bytes:
    text = member(members, name, str)
    data = decode_base64(text)
    # The ciphertext is not part of the associated data: only one spelling may stand for it.
    if data is None or encode_base64(data) != text or size not in {None, len(data)}:
        raise malformed(f'"{name}" of the wrapped keyset is malformed')
    return data


def _canonical(header: Mapping[str, object]) -> bytes:
    # What RFC 8785 makes of ASCII strings and small whole numbers, in one call.
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii")
