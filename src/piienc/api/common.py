"""What all functions take: where things are, and a passphrase."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from piienc import settings
from piienc.base.secret import SecretBytes
from piienc.errors import UsageError
from piienc.keys import Unlocker

if TYPE_CHECKING:
    from piienc.schema import Schema
    from piienc.settings import Settings

PathLike = str | os.PathLike[str]
Passphrase = str | bytes | SecretBytes | None
"""The passphrase of the keys; None if they have none. It is never asked for."""


def settled(keys: PathLike | None, state: PathLike | None, config: PathLike | None) -> Settings:
    """Return where things are, as it holds for commands: argument, variable, file, default."""
    return settings.load(
        config=path_of(config),
        keys=path_of(keys),
        state=path_of(state),
        environ=os.environ,
        cwd=Path(),
    )


def path_of(path: PathLike | None) -> Path | None:
    """Return a path, if there is one."""
    return None if path is None else Path(path)


def schema_of(path: PathLike | None) -> Schema | None:
    """Return the schema of a file, if there is one."""
    if path is None:
        return None
    from piienc import schema  # noqa: PLC0415  # start-up

    return schema.load(Path(path))


def unlocker_of(passphrase: Passphrase) -> Unlocker:
    """Return what opens the keys of one passphrase.

    Raises:
        UsageError: the passphrase is empty.
    """
    if passphrase is None:
        return Unlocker()
    if isinstance(passphrase, str):
        passphrase = passphrase.encode()
    secret = passphrase if isinstance(passphrase, SecretBytes) else SecretBytes(passphrase)
    if not len(secret):
        raise UsageError("the passphrase is empty", hint="give None for keys that have none")
    return Unlocker(lambda _: secret)
