"""A file by what is typed: a path, or a URL of a kind in `SOURCES`.

A further kind is one file, with its `Source` and its `Target`, and one row.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Struct

from piienc.errors import UsageError
from piienc.storage.source import FileSource
from piienc.storage.target import FileTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.storage.source import Source
    from piienc.storage.target import Target

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


SOURCES: dict[str, SourceKind] = {
    "file": SourceKind(
        source=lambda url: FileSource(_path_of(url)), target=lambda url: FileTarget(_path_of(url))
    ),  # RFC 8089
}
"""By the scheme of its URLs, what a kind of place is."""

_PATH = SourceKind(source=lambda path: FileSource(Path(path)), target=lambda p: FileTarget(Path(p)))


def source_at(place: str | os.PathLike[str]) -> Source:
    """Return what is read at a path or a URL.

    Raises:
        UsageError: it is a URL of no known kind, or no good one of its kind.
    """
    with _refusing(text := _text(place)):
        return _kind_of(text).source(text)


def target_at(place: str | os.PathLike[str]) -> Target:
    """Return what is written at a path or a URL.

    Raises:
        UsageError: it is a URL of no known kind, or no good one of its kind.
    """
    with _refusing(text := _text(place)):
        return _kind_of(text).target(text)


def _text(place: str | os.PathLike[str]) -> str:
    return place if isinstance(place, str) else str(Path(place))


def _kind_of(place: str) -> SourceKind:
    scheme = _SCHEME.match(place)
    if scheme is None:
        return _PATH
    if scheme[1].lower() not in SOURCES:
        known = " and ".join(f"{each}://" for each in SOURCES)
        raise ValueError(f"files are read and written by path, or by {known}")
    return SOURCES[scheme[1].lower()]


@contextlib.contextmanager
def _refusing(place: str) -> Iterator[None]:
    try:
        yield
    except ValueError as reason:
        # Never the whole URL: it may hold a password.
        scheme = place.partition("://")[0]
        raise UsageError(
            f"the URL {scheme}://...: {reason}",
            hint="give a path; one that looks like a URL begins with ./",
        ) from None
