"""The key that signs the audit log: Ed25519 (RFC 8032), in the key folder.

keys/audit/            0700
├── signing.pem        0600   the private key, PKCS #8, without a passphrase
├── public.pem         0600   the public key, for whoever verifies elsewhere
└── logs/              0700   the log that it has begun in each state folder, so that one that is
    └── 1f0c….json     0600   gone is missed

It has no passphrase, because every command signs, and a nightly job has no terminal. Who can read
it can read the key folder, and could use its other keys.
"""

from __future__ import annotations

import binascii
import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from piienc.audit.begun import BegunLogs
from piienc.base.files import make_private_folder, new_file
from piienc.base.trust import open_trusted
from piienc.errors import ConfigError, IncompleteError, KeyAccessError, PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_BEGIN, _END = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # what RFC 8410 puts before the key
_SIZE = 32  # bytes of a key: RFC 8032
_LARGEST = 64 << 10  # bytes of each file

_FOLDER, _PRIVATE, _PUBLIC, _LOGS = "audit", "signing.pem", "public.pem", "logs"


class AuditPublicKey:
    """Checks the signatures of one key.

    Attributes:
        fingerprint: the SHA-256 of its 32 bytes, in hex.
    """

    def __init__(self, key: Ed25519PublicKey, folder: Path) -> None:
        self._key = key
        self._logs = BegunLogs(folder / _FOLDER / _LOGS, _read)
        self.fingerprint = hashlib.sha256(key.public_bytes_raw()).hexdigest()

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature is this key's, of this message."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # start-up

        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def begun(self, state: Path) -> str | None:
        """Return the id of the log that the key has begun in a state folder, if that is known.

        Raises:
            KeyAccessError: what is known cannot be read.
        """
        return self._logs.log_of(state, self.fingerprint)


class AuditKey(AuditPublicKey):
    """Signs, too."""

    def __init__(self, key: Ed25519PrivateKey, folder: Path) -> None:
        super().__init__(key.public_key(), folder)
        self._private = key

    def remember(self, state: Path, log: str) -> None:
        """Keep the id of the first log of a state folder, if the key folder takes it."""
        self._logs.keep(state, self.fingerprint, log)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._private.sign(message)


def signing_key(folder: Path, *, begin: bool = False) -> AuditKey | None:
    """Return the key of a key folder; where that may be written to, make it when it is missing.

    With `begin`, the key folder is made, too.

    Returns:
        The key; None if there is none and none can be made.

    Raises:
        KeyAccessError: it cannot be read, is no such key, or others than its owner may read it.
    """
    path = folder / _FOLDER / _PRIVATE
    if not _is_there(path):
        if begin and not _is_there(folder):
            with contextlib.suppress(ConfigError):  # the command's own words tell of it
                make_private_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            return None
        with contextlib.suppress(ConfigError, IncompleteError):  # it may not be written to
            _make(folder / _FOLDER)
        if not _is_there(path):
            return None
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # start-up

    key = ed25519.Ed25519PrivateKey.from_private_bytes(_seed(path))
    _publish(key, path.with_name(_PUBLIC))
    return AuditKey(key, folder)


def public_key(folder: Path) -> AuditPublicKey | None:
    """Return the public key of a key folder, if it is there; the private one is not needed.

    Raises:
        KeyAccessError: it cannot be read, or is no such key.
        PolicyError: it belongs to somebody else, or others may change it.
    """
    path = folder / _FOLDER / _PUBLIC
    if not _is_there(path):
        return None
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # start-up
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(_read(path, secret=False))
    except ValueError:
        key = None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise _malformed(path)
    return AuditPublicKey(key, folder)


def _make(folder: Path) -> None:
    """Make a key, unless another process comes first: then all take that one."""
    from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415  # start-up
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # start-up

    private = ed25519.Ed25519PrivateKey.generate().private_bytes(
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    make_private_folder(folder)
    with contextlib.suppress(PolicyError), new_file(folder / _PRIVATE, kept=True) as file:
        file.write(private)


def _publish(key: Ed25519PrivateKey, path: Path) -> None:
    """Write the public half, unless it is there or cannot be written."""
    if _is_there(path):
        return
    from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415  # start-up

    public = key.public_key().public_bytes(
        forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
    )
    with contextlib.suppress(PolicyError, IncompleteError), new_file(path, kept=True) as file:
        file.write(public)


def _seed(path: Path) -> bytes:
    """Return the 32 bytes of a private key: all that differs in a file of this form.

    The library's own reader would cost every command 12 ms to import.
    """
    head, _, body = _read(path).strip().partition(b"\n")
    body, _, foot = body.rpartition(b"\n")
    try:
        der = binascii.a2b_base64(body, strict_mode=True)
    except binascii.Error:
        der = b""
    seed = der.removeprefix(_PKCS8)
    if (head, foot) != (_BEGIN, _END) or len(der) - len(seed) != len(_PKCS8) or len(seed) != _SIZE:
        raise _malformed(path)
    return seed


def _read(path: Path, *, secret: bool = True) -> bytes:
    try:
        with open_trusted(path, secret=secret) as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise KeyAccessError(
            f"cannot read {path}: {os.strerror(error.errno or 0)}",
            hint="check the path and who owns it",
        ) from error


def _is_there(path: Path) -> bool:
    # Unlike `Path.exists`, it is no error where the folder may not be entered: the command that
    # needs the folder says so in its own words.
    return os.access(path, os.F_OK)


def _malformed(path: Path) -> KeyAccessError:
    return KeyAccessError(
        f"{path} is no Ed25519 key", hint="put back the copy that you keep of the key folder"
    )
