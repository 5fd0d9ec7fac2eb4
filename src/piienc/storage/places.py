"""A file by what is typed: a path, or a URL of a kind in `SOURCES`.

A further kind is one file, with its `Source` and its `Target`, and one row.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Struct

from piienc.errors import UsageError
from piienc.storage.source import FileSource
from piienc.storage.target import FileTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.storage.source import Source
    from piienc.storage.target import Target

T = TypeVar("T")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class SourceKind(Struct, frozen=True):
    """A kind of place that files are read from and written to.

    Attributes:
        source: makes the source of a URL.
        target: makes the target of a URL.
    """

    source: Callable[[str], Source]
    target: Callable[[str], Target]


def _path_of(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise ValueError("a local file has three slashes: file:///folder/name")
    if parts.query or parts.fragment:
        raise ValueError("write ? as %3F and # as %23")
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))


def _files(path_of: Callable[[str], Path]) -> SourceKind:
    """Return the kind of local files that are named in such a way."""
    return SourceKind(
        lambda text: FileSource(path_of(text)), lambda text: FileTarget(path_of(text))
    )


_PATH = _files(Path)
SOURCES: dict[str, SourceKind] = {"file": _files(_path_of)}  # RFC 8089
"""By the scheme of its URLs, what a kind of place is."""


def source_at(place: str | os.PathLike[str]) -> Source:
    """Return what is read at a path or a URL.

    Raises:
        UsageError: it is a URL of no known kind, or no good one of its kind.
    """
    return _at(place, lambda kind, text: kind.source(text))


def target_at(place: str | os.PathLike[str]) -> Target:
    """Return what is written at a path or a URL.

    Raises:
        UsageError: it is a URL of no known kind, or no good one of its kind.
    """
    return _at(place, lambda kind, text: kind.target(text))


def _at(place: str | os.PathLike[str], make: Callable[[SourceKind, str], T]) -> T:
    text = place if isinstance(place, str) else str(Path(place))
    try:
        return make(_kind_of(text), text)
    except ValueError as reason:
        # Never the whole URL: it may hold a password.
        scheme = text.partition("://")[0]
        raise UsageError(
            f"the URL {scheme}://...: {reason}",
            hint="give a path; one that looks like a URL begins with ./",
        ) from None


def _kind_of(place: str) -> SourceKind:
    scheme = _SCHEME.match(place)
    if scheme is None:
        return _PATH
    if scheme[1].lower() not in SOURCES:
        known = " and ".join(f"{each}://" for each in SOURCES)
        raise ValueError(f"files are read and written by path, or by {known}")
    return SOURCES[scheme[1].lower()]
