"""The rules by which lines follow each other."""

from __future__ import annotations

import hashlib

import msgspec

from piienc.state.audit.tail import ZEROS


class Link(msgspec.Struct):
    """What of a line holds on to those before it.

    Attributes:
        line: its number, from 1.
        prev: the SHA-256 of the last whole line before it, in hex.
        signer: the key whose head was to follow it.
        torn: the SHA-256 of each line between the two that a crash had cut off.
        behind: how many lines before it that key had not signed when this one was written.
    """

    line: int
    prev: str
    signer: str | None
    torn: tuple[str, ...] = ()
    behind: int = 0


_decode = msgspec.json.Decoder(Link).decode


def link_of(line: bytes) -> Link | None:
    """Return the link of a line; None if it is not whole."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class BrokenChain(Exception):  # noqa: N818  # never seen by a user: the check says which line
    """A line that does not follow those before it; `Chain` is left as it was before the line."""


class Chain:
    """Lines taken one after the other.

    Attributes:
        count: how many there were, torn ones included.
        number: of the last whole one.
        head: the SHA-256 of that, in hex.
        torn: the SHA-256 of each line behind it that is not whole.
    """

    def __init__(self, number: int = 0, head: str = ZEROS) -> None:
        self.count = self.number = number
        self.head = head
        self.torn: list[str] = []

    def take(self, line: bytes) -> Link | None:
        """Take the next line, without its line break; None if it is not whole.

        Raises:
            BrokenChain: it does not follow.
        """
        link = link_of(line)
        digest = hashlib.sha256(line).hexdigest()
        if link is None:
            self.count += 1
            self.torn.append(digest)
            return None
        if link.line != self.count + 1 or link.prev != self.head or [*link.torn] != self.torn:
            raise BrokenChain
        self.count = self.number = link.line
        self.head = digest
        if self.torn:
            self.torn = []
        return link
