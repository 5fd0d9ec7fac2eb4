"""JSON as strict readers have it, with the place of whatever they would refuse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from piienc.base.document import shown
from piienc.receivers.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM = "\ufeff"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_SPACE = re.compile(r"[ \t\r\n]*")
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}

# How Python begins to tell of a string that is wrong: elsewhere it tells only what it expected.
_SAYS = {
    "Unterminated": "a string that does not end",
    "Invalid control": "a line break or a control character inside of a string",
    "Invalid \\": "an escape that JSON does not know",
}
_STARTS = {
    "/": "a comment; JSON has none",
    "#": "a comment; JSON has none",
    "'": "single quotes; JSON has double quotes",
}


def parse(data: bytes) -> tuple[Any, list[Problem]]:
    """Read a document of JSON.

    Args:
        data: as the receiver would get it.

    Returns:
        The value, None where it cannot be read, and why strict readers refuse it. Of a name
        that is there twice, the last value; every number is 0, for none is asked for.
    """
    text, problems = _decoded(data)
    if text is None:
        return None, problems
    try:
        value = json.loads(text, parse_int=_zero, parse_float=_zero, parse_constant=_zero)
    except json.JSONDecodeError as error:
        said = next((why for start, why in _SAYS.items() if error.msg.startswith(start)), None)
        at = error.pos if said else _after_space(text, error.pos)
        return None, [*problems, Problem("syntax", _place(text, at), said or _why(text, at))]
    except RecursionError:
        return None, [*problems, Problem("syntax", "the file", "nested too deeply")]
    return value, [*problems, *_odd(text)]


def _zero(_digits: str) -> int:
    return 0


def _decoded(data: bytes) -> tuple[str | None, list[Problem]]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        return None, [Problem("encoding", _place(before, len(before)), "not UTF-8")]
    if text.startswith(_BOM):
        said = "a byte order mark; save the file as UTF-8 without one"
        return text.removeprefix(_BOM), [Problem("encoding", _place(text, 0), said)]
    return text, []


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - text.rfind(chr(10), 0, at)}"


def _after_space(text: str, at: int) -> int:
    """Python's versions differ in where they stop: at the space before a token, or at it."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too


def _why(text: str, at: int) -> str:
    """Say in plain words why JSON ends here."""
    before, after = text[:at].rstrip(), text[at:]
    if not after:
        return "the file ends here, and more must follow"
    closing = after[1:].lstrip()[:1] if after[0] == "," else before[-1:] == "," and after[0]
    if closing in ("}", "]"):
        return "a comma with nothing behind it"
    if after[0].isalpha():
        return "a word without double quotes"
    return _STARTS.get(after[0], "not JSON from here on; look for a missing comma or bracket")


def _odd(text: str) -> Iterator[Problem]:
    """Find what Python reads and strict readers do not, in a text that Python has read."""
    names: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("{", "["):
            names.append(set())
        elif mark in ("}", "]"):
            names.pop()
        elif mark in _NO_NUMBERS:
            yield Problem("syntax", _place(text, token.start()), f"{mark} is not JSON")
        elif mark.startswith('"'):
            word = json.loads(mark)
            if any("\ud800" <= letter <= "\udfff" for letter in word):
                said = "half of a surrogate pair, which no text in UTF-8 has"
                yield Problem("encoding", _place(text, token.start()), said)
            # Only a name has a colon behind it.
            if not text.startswith(":", _after_space(text, token.end())):
                continue
            if word in names[-1]:
                said = f"{shown(word)} is there twice; readers take one or the other"
                yield Problem("duplicate", _place(text, token.start()), said)
            names[-1].add(word)
