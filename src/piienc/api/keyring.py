"""The AES keys of a folder for one step: each is opened once, and told to the audit log."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from piienc.keys import KeyFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.audit.entry import AuditEntry
    from piienc.base.secret import SecretBytes
    from piienc.keys import Keyset


def keyring(
    folder: Path, passphrase: Callable[[str], SecretBytes | None], entry: AuditEntry
) -> Callable[[str], Keyset]:
    """Return what finds a keyset by its name.

    Args:
        folder: the key folder.
        passphrase: asked, with a key's name, if the key is locked.
        entry: told which keys are used.
    """
    found = KeyFolder(folder)

    @cache
    def load(name: str) -> Keyset:
        entry.key(name)
        keyset = found.load(name, passphrase)
        entry.key(name, (key.key_id for key in keyset.keys))
        return keyset

    return load
