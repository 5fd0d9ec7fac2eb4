"""The ways to open a keyset file that is locked.

`WRAPS` has every one. What is heavy is imported by the one that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.keys.unlocker import Unlocker
from piienc.keys.wraps import passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys.keyset import Keyset, KeysetFacts

__all__ = ["WRAPS", "Wrap", "wrap_of"]


class Wrap(Struct, frozen=True):
    """One way to open a keyset file.

    Attributes:
        recognizes: says whether a file's text is of this wrap, of any version; it raises nothing.
        facts: reads what a file says of its keyset, without opening it.
        secret: gets what opens a file, given the name of the key and the path of the file.
        unwrap: opens a file's text with it.
    """

    recognizes: Callable[[str], bool]
    facts: Callable[[str], KeysetFacts]
    secret: Callable[[Unlocker, str, Path], SecretBytes]
    unwrap: Callable[[str, SecretBytes], Keyset]


WRAPS: Mapping[str, Wrap] = {
    "passphrase": Wrap(
        passphrase.recognizes, passphrase.facts, Unlocker.require, passphrase.unwrap
    ),
}
"""By name; which one a file has, its content tells."""


def wrap_of(document: str) -> str | None:
    """Return the name of the wrap that a key file has; None if it is none of them."""
    return next((name for name, wrap in WRAPS.items() if wrap.recognizes(document)), None)
