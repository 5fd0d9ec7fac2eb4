"""A passphrase, read from where the user says that it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from piienc.base.secret import SecretBytes
from piienc.base.trust import open_trusted
from piienc.errors import KeyAccessError
from piienc.keys.unlocker import WAYS_TO_UNLOCK

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_LONGEST = 1 << 16  # bytes


def read_passphrase(source: Path | int) -> SecretBytes:
    """Read a passphrase; a line break at its end does not belong to it.

    Args:
        source: a file, or an open descriptor.

    Raises:
        KeyAccessError: it cannot be read, is empty or too long.
        PolicyError: others may read the file.
    """
    where = f"descriptor {source}" if isinstance(source, int) else str(source)
    try:
        with _opened(source) as file:
            return passphrase_of(file.read(_LONGEST + 1), where)
    except OSError as error:
        raise KeyAccessError(
            f"cannot read the passphrase from {where}: {os.strerror(error.errno or 0)}",
            hint="check the path or the descriptor",
        ) from error


def _opened(source: Path | int) -> BinaryIO:
    if isinstance(source, int):
        return open(source, "rb", closefd=False)
    return open_trusted(source, secret=True)


def passphrase_of(value: bytes, where: str) -> SecretBytes:
    """Return a passphrase without the line break at its end.

    Args:
        value: as it was read.
        where: from where, for error messages.

    Raises:
        KeyAccessError: it is empty or too long.
    """
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise KeyAccessError(f"the passphrase from {where} is empty", hint=WAYS_TO_UNLOCK)
    if len(value) > _LONGEST:
        raise KeyAccessError(f"the passphrase from {where} is over 64 KiB", hint=WAYS_TO_UNLOCK)
    return SecretBytes(value)
