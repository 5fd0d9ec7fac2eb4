"""The names of keys: one name stands for one key, AES or OpenPGP."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from piienc.errors import KeyAccessError, PolicyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
AES, PGP = ("aes", ".json"), ("recipients", ".asc")
"""Folder and suffix of each kind of key."""


def is_name(name: str) -> bool:
    """Tell whether a key can have this name."""
    return _NAME.fullmatch(name) is not None


def require_name(name: str) -> None:
    """Refuse what cannot be a key's name.

    Raises:
        UsageError: it is too long, empty, or has characters that a file's name should not have.
    """
    if not is_name(name):
        raise UsageError(
            f"{name[:64]!r} cannot be a key's name",
            hint="use up to 64 letters, digits, '.', '_' and '-'; begin with a letter or digit",
        )


def require_free(folder: Path, name: str) -> None:
    """Refuse the name of a key that is there.

    Raises:
        UsageError: it cannot be a name.
        PolicyError: an AES or OpenPGP key has it.
    """
    require_name(name)
    for kind, suffix in (AES, PGP):
        path = folder / kind / f"{name}{suffix}"
        if os.path.lexists(path):
            raise PolicyError(
                f"there is a key {name} already: {path}",
                hint="choose another name; a key is never overwritten, for its cells need it",
            )


def missing(name: str, path: Path, names: Sequence[str]) -> KeyAccessError:
    """Return the error for a key that is not there, with the nearest name that is."""
    import difflib  # noqa: PLC0415  # only a key that is not there needs it

    nearest = difflib.get_close_matches(name, names)
    hint = f"did you mean {nearest[0]}?" if nearest else None
    return KeyAccessError(f"there is no key {name}: {path} is missing", hint=hint)
