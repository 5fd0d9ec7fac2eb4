"""Where a passphrase comes from: a file, a descriptor, the environment, or somebody asked."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.secret import SecretBytes
from piienc.cli import ui
from piienc.errors import KeyAccessError, UsageError
from piienc.keys.passphrase import passphrase_of, read_passphrase
from piienc.keys.unlocker import WAYS_TO_UNLOCK, Unlocker

if TYPE_CHECKING:
    from pathlib import Path

_VARIABLE = b"PIIENC_PASSPHRASE"


class Passphrase(Struct, frozen=True, dict=True):
    """A command's options for the passphrase of its keys.

    Attributes:
        file: holds it; a line break at its end does not belong to it.
        descriptor: an open one to read it from, likewise.
        no_input: never ask on the terminal.
    """

    file: Path | None
    descriptor: int | None
    no_input: bool = False

    @property
    def unlocker(self) -> Unlocker:
        """What opens the keys that are there, for one command.

        Its passphrases raise:
            UsageError: two sources are given at once.
            KeyAccessError: the source cannot be read or is empty.
        """
        has_source = (
            self.file is not None or self.descriptor is not None or _VARIABLE in os.environb
        )
        asks = not (has_source or self.no_input) and ui.has_terminal()
        return Unlocker(self._for_existing, asks=asks)

    def _for_existing(self, key: str | Path) -> SecretBytes | None:
        secret = self._given
        if secret is not None or self.no_input or not ui.has_terminal():
            return secret
        return passphrase_of(ui.ask_secret(f"passphrase of the key {key}").encode(), "the terminal")

    def for_new(self, *names: str, none: bool) -> SecretBytes | None:
        """Return the passphrase for a new key, or for several; None if it shall have none.

        Raises:
            UsageError: it is unclear whether there shall be one.
            KeyAccessError: the source cannot be read or is empty, or the two answers differ.
        """
        if none:
            if self.file is not None or self.descriptor is not None:
                raise UsageError("--no-passphrase and a passphrase contradict each other")
            return None
        secret = self._given
        if secret is not None:
            return secret
        if self.no_input or not ui.has_terminal():
            raise UsageError(
                "a new key needs a passphrase, and nobody can be asked",
                hint=f"{WAYS_TO_UNLOCK}, or say --no-passphrase",
            )
        keys = f"the key{'s' if len(names) > 1 else ''} {' and '.join(names)}"
        first = passphrase_of(ui.ask_secret(f"new passphrase for {keys}").encode(), "it")
        if first != SecretBytes(ui.ask_secret("the same again").encode()):
            raise KeyAccessError("the two passphrases differ", hint="run the command again")
        return first

    @cached_property  # a descriptor can be read but once, and there may be several keys
    def _given(self) -> SecretBytes | None:
        if self.file is not None and self.descriptor is not None:
            raise UsageError("--passphrase-file and --passphrase-fd contradict each other")
        if self.file is not None:
            return read_passphrase(self.file)
        if self.descriptor is not None:
            return read_passphrase(self.descriptor)
        value = os.environb.get(_VARIABLE)
        return SecretBytes(value) if value else None
