"""Where the secrets of locked keys come from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from piienc.errors import KeyAccessError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys.keyset import Keyset

WAYS_TO_UNLOCK = "give --passphrase-file, --passphrase-fd or PIIENC_PASSPHRASE"
"""The hint where a passphrase is missing."""


class Unlocker:
    """Opens what is locked: a command makes one, and its key folders and connections share it.

    Attributes:
        passphrase: returns the passphrase of a key by its name, or of an SSH key by its path; None
            if there is none to be had. Each is asked for once.
        asks: whether it may ask somebody at a terminal.
        opened: the keysets that are open, by the paths of their files.
    """

    def __init__(
        self,
        passphrase: Callable[[str | Path], SecretBytes | None] = lambda _: None,
        *,
        asks: bool = False,
    ) -> None:
        self.passphrase = cache(passphrase)
        self.asks = asks
        self.opened: dict[Path, Keyset] = {}

    def require(self, name: str, file: object = "it") -> SecretBytes:
        """Return the passphrase of a key that is locked.

        Raises:
            KeyAccessError: there is none to be had.
        """
        secret = self.passphrase(name)
        if secret is None:
            raise KeyAccessError(
                f"the key {name} is locked: {file} needs its passphrase",
                hint=WAYS_TO_UNLOCK,
            )
        return secret
