"""The signed heads: how far the log had come, and with what last line; one for each key.

A log that is used with several key folders has a head of each, so that each key's signature
can be checked by itself. The file is replaced as a whole, atomically.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from piienc.errors import AuthenticationError, InputError
from piienc.files import new_file

if TYPE_CHECKING:
    from pathlib import Path

FILE = "audit.head"
_DOMAIN = "piienc audit head 1"


class Verifier(Protocol):
    """A public key."""

    fingerprint: str

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature is this key's, of this message."""


class Signer(Verifier, Protocol):
    """A key pair."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""


class Mark(Struct, frozen=True):
    """A place in the log, as receipts carry it.

    Attributes:
        lines: how many lines there were.
        head: the SHA-256 of the last of them, in hex.
    """

    lines: int
    head: str


class Head(Struct, frozen=True):
    """A signed place in the log.

    Attributes:
        lines: how many lines there were.
        end: where the last of them ended, its line break not counted.
        head: the SHA-256 of the last line, in hex; zeros if there was none.
        time: when it was signed, in UTC, as ISO 8601.
        key: the fingerprint of the key.
        signature: Ed25519, of `message`, in hex.
    """

    lines: int
    end: int
    head: str
    time: str
    key: str
    signature: str = ""

    @property
    def message(self) -> bytes:
        """What is signed."""
        said = (_DOMAIN, self.lines, self.end, self.head, self.time, self.key)
        return "\n".join(map(str, said)).encode("ascii", "backslashreplace")

    def signed(self, signer: Signer) -> Head:
        """Return the head with its signature."""
        return replace(self, signature=signer.sign(self.message).hex())

    def is_signed_by(self, key: Verifier) -> bool:
        """Tell whether the signature is good."""
        try:
            signature = bytes.fromhex(self.signature)
        except ValueError:
            return False
        return self.key == key.fingerprint and key.verifies(self.message, signature)


def read(folder: Path) -> dict[str, Head]:
    """Return the heads of a state folder by their keys' fingerprints.

    Raises:
        AuthenticationError: the file is not as it was written.
        InputError: it cannot be read.
    """
    path = folder / FILE
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {os.strerror(error.errno or 0)}",
            hint="check the path and its permissions",
        ) from error
    try:
        heads = [Head(**fields) for fields in json.loads(data)["heads"]]
    except (ValueError, TypeError, KeyError) as error:
        raise AuthenticationError(f"{path} is not as it was written") from error
    for head in heads:
        kinds = (type(head.lines), type(head.end), *map(type, (head.head, head.key)))
        if kinds != (int, int, str, str) or not isinstance(head.signature, str):
            raise AuthenticationError(f"{path} is not as it was written")
    return {head.key: head for head in heads}


def write(folder: Path, heads: dict[str, Head]) -> None:
    """Replace the heads of a state folder.

    Raises:
        IncompleteError: they cannot be written.
    """
    document = {"schema_version": 1, "heads": [to_builtins(head) for head in heads.values()]}
    with new_file(folder / FILE, overwrite=True) as file:
        file.write(json.dumps(document, indent=2).encode() + b"\n")
