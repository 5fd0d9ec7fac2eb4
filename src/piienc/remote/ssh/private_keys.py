"""Reads private key files of any format into paramiko's keys.

paramiko itself supports neither PKCS#8 nor AES-GCM; cryptography supports both.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import ECDSAKey, Ed25519Key, PKey, RSAKey
from paramiko.ssh_exception import SSHException

from piienc.base.printable import command
from piienc.base.trust import require_private
from piienc.errors import KeyAccessError

if TYPE_CHECKING:
    from piienc.keys.unlocker import Unlocker

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PUTTY = b"PuTTY-User-Key-File-"
_CERTIFICATE = "-cert.pub"
_KINDS: tuple[tuple[type, type[PKey]], ...] = (
    (Ed25519PrivateKey, Ed25519Key),
    (EllipticCurvePrivateKey, ECDSAKey),
    (RSAPrivateKey, RSAKey),
)


def load_private_key(path: Path, unlocker: Unlocker) -> Any:  # noqa: ANN401  # paramiko's stubs lack public_blob
    """Return the private key of a file, with the certificate beside it; None if it is not there.

    Args:
        path: the path of the key, or of its certificate.
        unlocker: provides its passphrase, if it is locked.

    Raises:
        KeyAccessError: others may read it, it is locked, or it cannot be used.
    """
    path = path.with_name(path.name.removesuffix(_CERTIFICATE))
    if not path.exists():
        return None
    require_private(path)
    try:
        data = path.read_bytes()
        if _PUTTY in data[:100]:
            converted = Path(f"{path.stem}.key")
            convert = command("puttygen", path, "-O", "private-openssh-new", "-o", converted)
            raise KeyAccessError(
                f"{path} is a key in PuTTY's own form",
                hint=f"convert it: {convert}",
            )
        key = _as_paramiko(_loaded(data, path, unlocker), path)
        certificate = path.with_name(path.name + _CERTIFICATE)
        if certificate.exists():
            key.load_certificate(str(certificate))
    except UnsupportedAlgorithm as error:
        raise _unknown(path) from error
    except (SSHException, ValueError, OSError) as error:
        raise _unreadable(path, "") from error
    return key


def _loaded(data: bytes, path: Path, unlocker: Unlocker) -> object:
    load = load_ssh_private_key if _OPENSSH in data else load_pem_private_key
    try:
        return load(data, None)
    except TypeError:  # so it says that a key is locked
        secret = unlocker.passphrase(path)
    if secret is None:
        raise KeyAccessError(
            f"the key {path} is locked", hint="give its passphrase, or add it to the ssh-agent"
        )
    try:
        return load(data, secret.reveal())
    except (ValueError, TypeError, InvalidTag) as error:
        raise _unreadable(path, ", or the passphrase is not its own") from error


def _as_paramiko(loaded: object, path: Path) -> Any:  # noqa: ANN401  # see load_private_key
    for kind, paramiko_kind in _KINDS:
        if isinstance(loaded, kind):
            own: Any = loaded
            text = own.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            return paramiko_kind.from_private_key(io.StringIO(text.decode()))
    raise KeyAccessError(
        f"{path} is a key of an unknown type", hint="use one of ed25519, ecdsa or rsa"
    )


def _unreadable(path: Path, more: str) -> KeyAccessError:
    return KeyAccessError(
        f"{path} is not a readable private key{more}",
        hint="'ssh-keygen -p -f FILE' writes it anew in the format of OpenSSH",
    )


def _unknown(path: Path) -> KeyAccessError:
    anew = command("ssh-keygen", "-p", "-Z", "aes256-gcm@openssh.com", "-f", path)
    return KeyAccessError(
        f"{path} is locked by a cipher, or is a key of a kind, that is not known here",
        hint=f"a key of a token can be used through the ssh-agent; of another, change the cipher: "
        f"{anew}",
    )
