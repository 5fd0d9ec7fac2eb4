"""The AES keys of a folder for one step: each that is used is told to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.audit.entry import AuditEntry
    from piienc.keys import KeyFolder, Keyset


def keyring(folder: KeyFolder, entry: AuditEntry) -> Callable[[str], Keyset]:
    """Return what finds a keyset by its name.

    Args:
        folder: the key folder.
        entry: told which keys are used.
    """

    def load(name: str) -> Keyset:
        entry.key(name)
        keyset = folder.load(name)
        entry.key(name, (key.key_id for key in keyset.keys))
        return keyset

    return load
