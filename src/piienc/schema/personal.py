"""Which kind of personal data a column has, by its name."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

_DATA = Path(__file__).parent / "data" / "personal.toml"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Personal(Struct, frozen=True):
    """A kind of personal data.

    Attributes:
        what: what a comment calls it.
        property: the property that carries it; None if none does.
        key: searchable or sealed, as it is proposed.
        part: whether a column has only a part of the property.
        few: whether everybody knows how many values there are.
        types: those beside text that its values may have, of booleans, dates and timestamps.
    """

    what: str
    property: str | None
    key: str
    part: bool = False
    few: bool = False
    types: list[str] = []


class _Names(Struct, frozen=True):
    words: frozenset[tuple[str, ...]]
    whole: frozenset[str]


def personal_by_name(name: str) -> Personal | None:
    """Return the kind of personal data that a column's name tells, if any.

    A name that tells of several is of the one with the most words, then of the first.
    """
    words = _words(name)
    about, kinds = _known()
    if about.intersection(words):
        return None
    fits = [(_fit(words, names), kind) for kind, names in kinds]
    best = max((fit for fit, _ in fits), default=0)
    return next((kind for fit, kind in fits if fit == best), None) if best else None


def _fit(words: list[str], names: _Names) -> int:
    """Return how many words of a name tell the kind; more than it has if the whole name does."""
    if "".join(words) in names.whole:
        return len(words) + 1
    return max((len(phrase) for phrase in names.words if _holds(words, phrase)), default=0)


def _holds(words: list[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(words[at : at + size]) == phrase for at in range(len(words) - size + 1))


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", name))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", bare.lower())


@cache
def _known() -> tuple[frozenset[str], list[tuple[Personal, _Names]]]:
    data = tomllib.loads(_DATA.read_text("utf-8"))
    kinds = []
    for kind in data["kind"]:
        words = [_words(words) for words in kind["words"]]
        whole = {"".join(_words(words)) for words in kind["whole"]}
        whole |= {"".join(parts) for parts in words}
        facts = convert({"property": None, **kind}, Personal)
        kinds.append((facts, _Names(frozenset(map(tuple, words)), frozenset(whole))))
    return frozenset(data["about"]), kinds
