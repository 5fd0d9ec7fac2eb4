"""Certificates of hosts: OpenSSH's PROTOCOL.certkeys.

paramiko negotiates certificates and checks that the host has the key, but checks neither the
contents of the certificate nor its signature. This module does.
"""

from __future__ import annotations

import base64
import fnmatch
import time
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

CERTIFICATE = "-cert-v01@openssh.com"


def reason_against(blob: bytes, host: str, authorities: AbstractSet[bytes]) -> str:
    """Return why a certificate is not valid for a host; empty if it is valid.

    Args:
        blob: the certificate.
        host: the name of the host, without a port.
        authorities: the keys of the host's certificate authorities.
    """
    size = int.from_bytes(blob[:4], "big")
    line = blob[4 : 4 + size] + b" " + base64.b64encode(blob)
    try:
        certificate = load_ssh_public_identity(line)
        if not isinstance(certificate, SSHCertificate):
            return "is a plain key"
        if _signer(certificate) not in authorities:
            return "is not signed by a @cert-authority that known_hosts has for this host"
        certificate.verify_cert_signature()
    except (ValueError, UnsupportedAlgorithm):
        return "cannot be read"
    except InvalidSignature:
        return "is forged: its signature is wrong"
    return _reason_against(certificate, host)


def _reason_against(certificate: SSHCertificate, host: str) -> str:
    if certificate.type is not SSHCertificateType.HOST:
        return "is a user's, not a host's"
    if not certificate.valid_after <= time.time() < certificate.valid_before:
        return "has expired, or is not valid yet"
    if certificate.critical_options:
        return "has unknown critical options"
    names = [name.decode("utf-8", "replace") for name in certificate.valid_principals]
    # No names at all would be a certificate for every host: OpenSSH refuses these, too.
    if not any(fnmatch.fnmatchcase(host, name.replace("[", "[[]")) for name in names):
        return "is for another host"
    return ""


def _signer(certificate: SSHCertificate) -> bytes:
    key = certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(key.split()[1])
