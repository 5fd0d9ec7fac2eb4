"""OpenPGP by PyPI's PGPy: generate EMAIL, cert, encrypt CERT [KEY], decrypt KEY [CERT]."""

import sys
import warnings

warnings.simplefilter("ignore")  # of its own old calls

import pgpy  # noqa: E402  # after its warnings are silenced
from pgpy.constants import (  # noqa: E402  # as above
    CompressionAlgorithm,
    EllipticCurveOID,
    HashAlgorithm,
    KeyFlags,
    PubKeyAlgorithm,
    SymmetricKeyAlgorithm,
)

verb, *said = sys.argv[1:]


def _key(path):
    return pgpy.PGPKey.from_file(path)[0]


def generate(email):
    """Return a secret key."""
    key = pgpy.PGPKey.new(PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519)
    key.add_uid(
        pgpy.PGPUID.new("pgpy", email=email),
        usage={KeyFlags.Sign, KeyFlags.Certify},
        hashes=[HashAlgorithm.SHA256],
        ciphers=[SymmetricKeyAlgorithm.AES256],
        compression=[CompressionAlgorithm.Uncompressed],
    )
    below = pgpy.PGPKey.new(PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519)
    usage = {KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage}
    key.add_subkey(below, usage=usage)
    return str(key).encode()


def cert():
    """Return the public half."""
    return str(pgpy.PGPKey.from_blob(sys.stdin.buffer.read())[0].pubkey).encode()


def encrypt(path, signer=None):
    """Return a message."""
    data = sys.stdin.buffer.read()
    plain = pgpy.PGPMessage.new(data, compression=CompressionAlgorithm.Uncompressed)
    if signer:
        plain |= _key(signer).sign(plain)
    return bytes(_key(path).encrypt(plain, cipher=SymmetricKeyAlgorithm.AES256))


def decrypt(path, signer=None):
    """Return what is in a message."""
    key = _key(path)
    message = pgpy.PGPMessage.from_blob(sys.stdin.buffer.read())
    wanted = message.encrypters
    own = next((k for k_id, k in key.subkeys.items() if k_id in wanted), key)
    plain = own.decrypt(message)
    if signer and not _key(signer).verify(plain):
        sys.exit("the signature is bad")
    content = plain.message
    return content.encode() if isinstance(content, str) else bytes(content)


sys.stdout.buffer.write(globals()[verb](*said))
