"""What is wrong where the chain breaks, named as exactly as the lines around it allow."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from piienc.state.audit.chain import link_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from piienc.state.audit.chain import Chain, Link

Kind = Literal["altered", "removed", "inserted", "reordered", "cut-off", "head"]


class Damage(Struct, frozen=True):
    """The first thing that is wrong with a log.

    Attributes:
        line: the first line that is not what it should be, from 1; None if it is the head.
        kind: what was done to it.
        message: the same in words.
    """

    line: int | None
    kind: Kind
    message: str


def named(
    chain: Chain, previous: bytes, line: bytes, rest: Iterator[bytes], marks: Mapping[int, str]
) -> Damage:
    """Name the damage at a line that does not follow.

    Args:
        chain: the lines before it.
        previous: the last whole line before it.
        line: the line that does not follow; it is whole.
        rest: the lines behind it.
        marks: hashes of lines by number, as heads and receipts tell them.
    """
    link, place = link_of(line), chain.count + 1
    first = place - len(chain.torn)
    behind = link_of(next(rest, b"").removesuffix(b"\n"))
    if link is None:
        raise ValueError("the line is not whole")
    if link.line == place:
        # The hash of each line is told twice: by its own content, and by the line behind it.
        told = behind.prev if behind else marks.get(place)
        if told is not None and told != _hash(line):
            return _altered(place)
        return _altered(first if chain.torn else max(chain.number, 1))
    if chain.torn:
        return _altered(first)
    if link.prev == chain.head:
        return _altered(place)
    return _misplaced(link, place, previous, line, behind, rest)


def _misplaced(
    link: Link,
    place: int,
    previous: bytes,
    line: bytes,
    behind: Link | None,
    rest: Iterator[bytes],
) -> Damage:
    """Name the damage where a line of another number stands."""
    if link.line < place:
        # A forged line follows what is before it; the true one, behind it, does so as well.
        before = link_of(previous)
        forged = (
            link.line == place - 1
            and before is not None
            and before.prev == link.prev
            and previous != line
        )
        found = place - forged
        return Damage(found, "inserted", f"line {found} was inserted")
    numbers = {behind.line} if behind else set()
    for raw in rest:
        later = link_of(raw.removesuffix(b"\n"))
        if later is not None and later.line in {place, link.line}:
            numbers.add(later.line)
    if {place, link.line} <= numbers:
        return Damage(place, "inserted", f"line {place} was inserted")
    if place in numbers:
        return Damage(place, "reordered", f"line {place} and others are out of order")
    until = f" to {link.line - 1}" if link.line - 1 > place else ""
    return Damage(place, "removed", f"line {place}{until} was removed")


def _altered(line: int) -> Damage:
    return Damage(line, "altered", f"line {line} was altered")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
