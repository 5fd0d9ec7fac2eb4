"""Names of files at a destination: all are untrusted until they are checked.

A server's listing or a command line may contain `../x` or `/etc/passwd`. A safe name is the name of
one file in one folder, at the destination and locally.
"""

from __future__ import annotations

import unicodedata

from piienc.errors import NameTakenError, PolicyError

OURS = ".piienc-"
"""How the names of our own temporary files begin; nobody else's may."""

LONGEST = 255  # bytes; POSIX's NAME_MAX on all common file systems

# Control characters, halves of surrogate pairs, separators of lines and of paragraphs.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# They make a name look like another one: Unicode Standard Annex 9, explicit formatting.
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def aside_of(temporary: str) -> str:
    """Return the name under which a file is kept while this one takes its place."""
    return f"{temporary}.old"


def safe_name(name: str, *, ours: bool = False) -> str:
    """Return a name that is one plain file name, and refuse all others.

    Args:
        name: from a listing, a command line, a profile.
        ours: also let names of our own temporary files pass.

    Raises:
        PolicyError: the name could lead out of its folder, or hide what it is.
    """
    reason = _what_is_wrong(name, ours=ours)
    if reason:
        raise PolicyError(
            f"the file name {shown_name(name)} is refused: {reason}",
            hint="name a plain file, without a path",
        )
    return name


def is_safe(name: str, *, ours: bool = False) -> bool:
    """Return whether `safe_name` accepts a name."""
    return not _what_is_wrong(name, ours=ours)


def shown_name(name: str) -> str:
    """Return a hostile name as a message may show it: escaped, and not too long."""
    escaped = ascii(name[:LONGEST])
    return escaped if len(escaped) <= LONGEST else f"{escaped[:LONGEST]}..."


def taken(name: str) -> NameTakenError:
    """Return the error for a name that is taken."""
    return NameTakenError(f"{name} is at the destination already")


def _what_is_wrong(name: str, *, ours: bool) -> str:
    reasons = {
        "it names no file": name in {"", ".", ".."},
        "it holds a path": "/" in name or "\\" in name,
        "it holds control characters or is not UTF-8": any(
            unicodedata.category(letter) in _UNPRINTABLE for letter in name
        ),
        "it holds characters that reorder the text": not _REORDERING.isdisjoint(name),
        f"it is longer than {LONGEST} bytes": len(name.encode(errors="surrogatepass")) > LONGEST,
        f"names that begin with {OURS} are those of our own temporary files": (
            name.startswith(OURS) and not ours
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
