"""A whole log held against its chain, its signed heads and receipts kept elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal

from msgspec import Struct, field

from piienc.errors import AuthenticationError
from piienc.files import open_input
from piienc.state.audit import head as heads
from piienc.state.audit.chain import BrokenChain, Chain
from piienc.state.audit.damage import Damage, named
from piienc.state.audit.log import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from piienc.state.audit.head import Head, Mark, Verifier

__all__ = ["Checked", "Damage", "check"]


class Checked(Struct, frozen=True):
    """What was found of a log.

    Attributes:
        lines: how many there are; where there is damage, how many were read before it.
        signature: good; unchecked where there is no public key to check it with; none where
            nothing was signed.
        key: the fingerprint of the key whose signature was checked.
        signed: how many lines the last head covers.
        signed_at: when that was signed, in UTC, as ISO 8601.
        behind: how many lines stand behind it: unsigned, or of a run that was cut off.
        late: how many lines were signed only with a line behind them.
        torn: how many lines a crash has cut off.
        damage: the first thing that is wrong.
    """

    lines: int
    signature: Literal["good", "unchecked", "none"] = "none"
    key: str | None = None
    signed: int = 0
    signed_at: str | None = None
    behind: int = 0
    late: int = 0
    torn: int = 0
    damage: Damage | None = None


def check(folder: Path, key: Verifier | None, witnesses: Iterable[Mark] = ()) -> Checked:
    """Check the log of a state folder; it is read once, as a stream.

    Args:
        folder: the state folder.
        key: the public key of the key folder, if there is one.
        witnesses: what receipts say that the log once was.

    Raises:
        InputError: the log or its heads cannot be read.
    """
    try:
        known = heads.read(folder)
    except AuthenticationError as error:
        return Checked(0, damage=Damage(None, "head", str(error)))
    own = known.get(key.fingerprint) if key else None
    if own and key and not own.is_signed_by(key):
        return Checked(0, damage=Damage(None, "head", "the signature of the head is not good"))
    places = [_Place(head.lines, head.head, head.end) for head in known.values()]
    places += [_Place(mark.lines, mark.head) for mark in witnesses]
    walk = _Walk(sorted((one for one in places if one.lines), key=lambda one: one.lines))
    if (folder / FILE).exists():
        with open_input(folder / FILE) as file:
            walk.through(file)
    last = own or max(known.values(), key=lambda head: head.lines, default=None)
    return Checked(
        walk.chain.count,
        "good" if own else "unchecked" if known and key is None else "none",
        own.key if own else None,
        last.lines if last else 0,
        last.time if last else None,
        max(0, walk.chain.number - last.lines) if last else walk.chain.number,
        walk.late,
        walk.torn + len(walk.chain.torn),
        walk.damage or walk.missing() or _unsigned(walk, known, key),
    )


class _Place(Struct, frozen=True):
    """A line's hash as a head or a receipt tells it; a head tells where it ends, too."""

    lines: int
    head: str
    end: int | None = None

    @property
    def teller(self) -> str:
        return "a receipt" if self.end is None else "the signed head"


class _Walk(Struct):
    """The way through the log, line by line, up to the first that is not what it should be."""

    places: list[_Place]
    chain: Chain = field(default_factory=Chain)
    late: int = 0
    torn: int = 0
    signers: set[str] = field(default_factory=set)
    closed: bool = True
    damage: Damage | None = None

    def through(self, file: BinaryIO) -> None:
        """Take all lines of a file."""
        chain, end, previous = self.chain, -1, b""
        for raw in file:
            line = raw.removesuffix(b"\n")
            self.closed = len(line) < len(raw)
            torn = len(chain.torn)
            try:
                link = chain.take(line)
            except BrokenChain:
                marks = {place.lines: place.head for place in self.places}
                self.damage = named(chain, previous, line, file, marks)
                return
            end += len(line) + 1
            if link is not None:
                previous = line
                self.torn += torn
                self.late += link.behind
                if link.signer is not None:
                    self.signers.add(link.signer)
            while self.places and self.places[0].lines <= chain.count:
                if self._differs(self.places.pop(0), end):
                    return

    def _differs(self, place: _Place, end: int) -> bool:
        """Hold the last line against what is told of it, and keep the damage."""
        chain = self.chain
        if chain.torn:
            self.damage = self._altered()
        elif place.head != chain.head or place.end not in {None, end}:
            self.damage = Damage(
                place.lines,
                "altered",
                f"line {place.lines}, or a line before it, was altered: {place.teller} tells "
                "another hash",
            )
        return self.damage is not None

    def _altered(self) -> Damage:
        """Return the damage where the first of the lines that are not whole stands."""
        line = self.chain.count - len(self.chain.torn) + 1
        return Damage(line, "altered", f"line {line} was altered")

    def missing(self) -> Damage | None:
        """Return the damage if the log ends before a place that is told of."""
        if not self.places:
            return None
        # A line break that became another byte makes one line of two; a cut leaves no line break.
        if self.chain.torn and self.closed:
            return self._altered()
        count, last = self.chain.number, self.places[-1]
        return Damage(
            count + 1,
            "cut-off",
            f"the log was cut off behind line {count}: {last.teller} tells of line {last.lines}",
        )


def _unsigned(walk: _Walk, known: Mapping[str, Head], key: Verifier | None) -> Damage | None:
    """Return the damage if a head is missing that must be there."""
    if walk.signers - known.keys():
        return Damage(None, "head", "the signed head is gone: its lines are there")
    if key is not None and key.fingerprint not in known:
        return Damage(
            None,
            "head",
            "the key folder has a signing key, and no log that it has signed is here"
            if walk.chain.count == 0
            else "the key of the key folder has signed nothing of this log",
        )
    return None
