"""JSON and base64 read strictly, and without ever showing what was read.

Python's decoding errors carry the document they failed on. Here they are dropped before an
error of ours is raised, so that no traceback or error collector gets hold of a key.
"""

from __future__ import annotations

import base64
import contextlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from piienc.errors import KeyAccessError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_CORRECT_COPY = "ask the key's owner for a correct copy"
_NOUNS = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def malformed(message: str) -> KeyAccessError:
    """Return the error for a key that is not what its format demands."""
    return KeyAccessError(message, hint=_CORRECT_COPY)


def read_object(document: str | bytes, what: str) -> dict[str, object]:
    """Read a JSON object in which no name stands twice.

    Raises:
        KeyAccessError: `what`, as the message calls the document, is something else.
    """
    with contextlib.suppress(ValueError, RecursionError):
        text = document.decode("utf-8-sig") if isinstance(document, bytes) else document
        members = json.loads(text, object_pairs_hook=_unique)
        if isinstance(members, dict):
            return members
    raise malformed(f"{what} is not a JSON object, or names something twice")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def member(members: Mapping[str, object], name: str, kind: type[T]) -> T:
    """Return the named member, which must be there and of the wanted JSON type.

    Raises:
        KeyAccessError: it is not.
    """
    value = members.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise malformed(f'"{name}" is missing or not {_NOUNS[kind]}')
    return value


def choice(members: Mapping[str, object], name: str, kind: type[E]) -> E:
    """Return the named member as one of an enumeration's values.

    Raises:
        KeyAccessError: it is missing or none of them.
    """
    value = member(members, name, str)
    if value not in list(kind):
        raise malformed(f'"{name}" is none of {", ".join(kind)}')
    return kind(value)


def objects(members: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """Return the named member as a list of objects.

    Raises:
        KeyAccessError: it is missing, or something else stands in it.
    """
    values = member(members, name, list)
    if not all(isinstance(value, dict) for value in values):
        raise malformed(f'"{name}" holds something else than objects')
    return values


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648, section 4), on one line."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """Decode base64, standard or URL-safe, padded or not; None for anything else.

    Text with stray bits in its last character, wrong padding or a mixture of both alphabets
    is no base64: no encoder writes it, so somebody has changed it.
    """
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    with contextlib.suppress(ValueError):
        # What the decoder passes over is missed in what is encoded again.
        data = base64.b64decode(standard + "=" * (-len(standard) % 4))
        for spelling in (encode_base64(data), base64.urlsafe_b64encode(data).decode("ascii")):
            if text in {spelling, spelling.rstrip("=")}:
                return data
    return None
