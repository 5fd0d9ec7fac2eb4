"""The way through one log, line by line and segment by segment."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, Literal

from msgspec import Struct, field

from piienc.audit.line import ZEROS, TornLine, hash_of, link_of
from piienc.audit.segments import (
    UNSIGNED,
    UNSOUND,
    is_too_long,
    lines_of,
    path_of,
    reading,
    reason_of,
)
from piienc.audit.standing import reason_against

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.audit.keys import AuditPublicKey
    from piienc.audit.line import LineLink

Witnessed = Mapping[tuple[str, int], set[str]]
"""Hashes of lines, by log and number, as witnesses tell them."""

Kind = Literal["altered", "removed", "misplaced", "cut-off", "head", "broken"]


class Damage(Struct, frozen=True):
    """Something that is wrong with a log.

    Attributes:
        file: where, as a path from the state folder.
        line: the line that is not what it should be, from 1; None if it is no line.
        kind: what was done; broken if a command has found it, and went on in a new segment.
        message: the same in words.
    """

    file: str
    line: int | None
    kind: Kind
    message: str


class WalkState(Struct):
    """The state of a walk through a log, and the damages found so far.

    Attributes:
        line: the number of the last line.
        head: the hash of that, in hex.
        link: what it says of its place; None before the first.
        end: where it ends in its segment.
        torn: what is behind it, in its segment and those that follow.
        known: what is before was good: the next line must follow it.
        met: the lines that witnesses tell of, by log and number.
        lines: how many there were.
        cut: how many were cut off by a crash.
        begun: the id of the log, as its first line tells it.
        damages: what is wrong.
    """

    line: int = 0
    head: str = ZEROS
    link: LineLink | None = None
    end: int = 0
    torn: tuple[TornLine, ...] = ()
    known: bool = True
    met: set[tuple[str, int]] = field(default_factory=set)
    lines: int = 0
    cut: int = 0
    begun: str | None = None
    damages: list[Damage] = field(default_factory=list)


class _WrongError(Exception):
    """A line is not what it should be."""

    def __init__(self, line: int | None, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.line, self.kind = line, kind


class LogWalk:
    """The way through the log of a folder."""

    def __init__(self, folder: Path, key: AuditPublicKey | None, witnessed: Witnessed) -> None:
        """Say what is gone through; without the key, signatures are not checked."""
        self.folder = folder
        self._key = key
        self._witnessed = witnessed
        self.walked = WalkState()

    def through(self, sizes: dict[int, int], misnamed: tuple[str, ...] = ()) -> WalkState:
        """Go through all segments, up to the sizes that they have.

        Raises:
            ConfigError: the system does not let one be read.
        """
        before = 0
        for number, size in sizes.items():
            if number > before + 1:
                self._wrong(before + 1, _WrongError(None, "removed", "the segment was removed"))
            self._segment(number, size)
            before = number
        self.walked.cut += len(self.walked.torn)
        for name in misnamed:
            self._damage(name, _WrongError(None, "misplaced", "no segment has such a name"))
        return self.walked

    def _segment(self, number: int, size: int) -> None:
        """Go through a segment; where something is wrong, once more, to name the first line.

        Each line covers all before it, so the signature of the last one is enough as long as
        nothing is wrong.
        """
        before = copy.deepcopy(self.walked)
        try:
            with reading(path_of(self.folder, number)) as file:
                try:
                    self._lines(number, file, size, each=False)
                except _WrongError:
                    self.walked = before
                    file.seek(0)
                    self._lines(number, file, size, each=True)
        except _WrongError as error:
            self._wrong(number, error)
        except UNSOUND as error:
            reason = f"it cannot be read: {reason_of(error)}"
            self._wrong(number, _WrongError(None, "altered", reason))

    def _wrong(self, number: int, error: _WrongError) -> None:
        self._damage(path_of(self.folder, number).name, error)
        self.walked.known = False

    def _damage(self, name: str, error: _WrongError) -> None:
        path = f"{self.folder.parent.name}/{self.folder.name}/{name}"
        self.walked.damages.append(Damage(path, error.line, error.kind, str(error)))

    def _lines(self, number: int, file: BinaryIO, size: int, *, each: bool) -> None:
        """Take the lines of a segment.

        Raises:
            _WrongError: one is not what it should be.
        """
        walked = self.walked
        line, link, first = b"", None, True
        for raw in lines_of(file, size):
            if is_too_long(raw):
                raise _altered(walked.line + 1, "is longer than a line can be")
            if not raw.endswith(b"\n"):
                walked.torn = (*walked.torn, TornLine(len(raw), hash_of(raw)))
                break
            line = raw[:-1]
            link = link_of(line)
            if link is None:
                raise _altered(walked.line + 1, "is not whole")
            if each or first:
                self._alone(line, link)
            if first:
                self._first(number, link)
            self._follows(link, number)
            walked.line, walked.head, walked.link = link.line, hash_of(line), link
            walked.end = len(raw) + (0 if first else walked.end)
            walked.lines += 1
            first = False
            if (hashes := self._witnessed.get((link.log, link.line))) is not None:
                walked.met.add((link.log, link.line))
                if hashes != {walked.head}:
                    raise _WrongError(
                        link.line,
                        "altered",
                        f"line {link.line} is not the one that a witness tells of",
                    )
        if link is not None:
            self._alone(line, link)

    def _alone(self, line: bytes, link: LineLink) -> None:
        """Look at a line by itself."""
        expected = self.walked.line + 1 if self.walked.known else link.line
        if self._key is None and self.folder.name != UNSIGNED:
            # Without the key, the name of the folder shows which one signs.
            good = f"{link.signer}".startswith(self.folder.name)
            reason = None if good else "names another key"
        else:
            reason = reason_against(line, link, self._key, link.segment, None)
        if reason:
            raise _altered(expected, reason)

    def _first(self, number: int, link: LineLink) -> None:
        """Take in what the first line of a segment says of those before it."""
        walked = self.walked
        if walked.begun is None:
            walked.begun = link.log
        if link.broken:
            # What is unsigned, or not checked, is not repeated: anybody could have written it.
            reason = link.broken.reason if self._key else "what was before is not as it was written"
            self._wrong(
                number,
                _WrongError(link.line, "broken", f"line {link.line} found a break: {reason}"),
            )
        if not walked.known:
            walked.line, walked.head, walked.link = link.line - 1, link.prev, None
            walked.known = True
        elif link.torn != walked.torn:
            raise _WrongError(
                walked.line, "altered", f"what was behind line {walked.line} was altered"
            )
        walked.cut += len(walked.torn)
        walked.torn = ()

    def _follows(self, link: LineLink, number: int) -> None:
        """Hold a line against the one before it."""
        walked, expected = self.walked, self.walked.line + 1
        if link.segment != number or (walked.link and link.log != walked.link.log):
            other = f"segment {link.segment}" if link.segment != number else "another log"
            raise _WrongError(expected, "misplaced", f"line {expected} is one of {other}")
        if link.line > expected:
            until = f" to {link.line - 1} were" if link.line - 1 > expected else " was"
            raise _WrongError(expected, "removed", f"line {expected}{until} removed")
        if link.line < expected:
            raise _WrongError(
                expected, "misplaced", f"line {link.line} stands where line {expected} should be"
            )
        if link.prev != walked.head:
            if self._key is None and walked.line:
                raise _WrongError(walked.line, "altered", f"line {walked.line} was altered")
            raise _WrongError(
                expected, "altered", f"line {expected} does not follow the line before it"
            )


def _altered(line: int, reason: str) -> _WrongError:
    return _WrongError(line, "altered", f"line {line} was altered or put in: it {reason}")
