"""`schema.toml`, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base import document
from piienc.schema.model import Schema

if TYPE_CHECKING:
    from pathlib import Path

_HINT = "mend the named lines and run again; docs/schema.md lists what may stand there"


def load(path: Path) -> Schema:
    """Read a schema file.

    Raises:
        ConfigError: it cannot be read, or it has mistakes; the message lists them all.
    """
    return document.load(path, Schema, hint=_HINT)
