"""Paths that begin with `~`: a user may have no home, as in many containers."""

from __future__ import annotations

import contextlib
from pathlib import Path

from piienc.errors import ConfigError


def expanded(path: str | Path) -> Path:
    """Return a path that somebody has named, with the home folder in the place of its `~`.

    Raises:
        ConfigError: there is no such home.
    """
    at_home = if_at_home(path)
    if at_home is None:
        raise ConfigError(f"{path}: there is no such home folder", hint="write the path out")
    return at_home


def if_at_home(path: str | Path) -> Path | None:
    """Return a path that is looked for, likewise; None where there is no such home."""
    with contextlib.suppress(RuntimeError):
        return Path(path).expanduser()
    return None
