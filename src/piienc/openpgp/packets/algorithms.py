"""The algorithms of OpenPGP by their numbers (RFC 9580, section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Section 9.1.
PUBLIC_KEY = {
    1: "RSA",
    2: "RSA (encrypt only)",
    3: "RSA (sign only)",
    16: "Elgamal",
    17: "DSA",
    18: "ECDH",
    19: "ECDSA",
    22: "EdDSA",
    25: "X25519",
    26: "X448",
    27: "Ed25519",
    28: "Ed448",
}
# Section 9.3.
CIPHER = {
    0: "none",
    1: "IDEA",
    2: "TripleDES",
    3: "CAST5",
    4: "Blowfish",
    7: "AES-128",
    8: "AES-192",
    9: "AES-256",
    10: "Twofish",
    11: "Camellia-128",
    12: "Camellia-192",
    13: "Camellia-256",
}
# Section 9.4.
COMPRESSION = {0: "uncompressed", 1: "zip", 2: "zlib", 3: "bzip2"}
# Section 9.5.
HASH = {
    1: "MD5",
    2: "SHA-1",
    3: "RIPEMD-160",
    8: "SHA-256",
    9: "SHA-384",
    10: "SHA-512",
    11: "SHA-224",
    12: "SHA3-256",
    14: "SHA3-512",
}
# Section 9.6.
AEAD = {1: "EAX", 2: "OCB", 3: "GCM"}


def named(names: Mapping[int, str], number: int) -> str:
    """Return an algorithm's name, or its number where it has none here."""
    return names.get(number, f"unknown ({number})")
