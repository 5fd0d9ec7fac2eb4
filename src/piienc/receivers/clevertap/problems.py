"""A mistake in what a receiver would get, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base.document import shown
from piienc.base.lines import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 40  # characters of a name


def place_of(*names: str) -> str:
    """Write the place of a field, with long names cut."""
    cut = (name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in names)
    return dotted(tuple(cut))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, if there is one."""
    import difflib  # noqa: PLC0415  # only a name that is not known waits for it

    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def meant(name: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known name, to be appended to a message."""
    near = nearest(name, known)
    return f"; did you mean {shown(near)}?" if near else ""
