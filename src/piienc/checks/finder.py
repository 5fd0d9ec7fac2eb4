r"""What looks like one kind of personal data.

The patterns of built-in finders are such that their shapes can be read off: they consist of
digits, ASCII letters, `\d`, escaped signs, classes that are not negated, groups that do not
capture, alternatives, and quantifiers in braces or of one sign.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from piienc.base.regex import whole

Where = Literal["text", "word", "cell"]

# What may stand around a word, in RE2's way and, with lookaround, in Python's.
_BEFORE, _BEHIND = r"(?:^|[^\w.+/@-]|(?:^|[^0-9])[.])", r"(?:$|[^\w+/=@.-]|[.-](?:$|\W))"
_NOT_BEFORE, _NOT_BEHIND = r"(?<![\w+/@-])(?<![0-9][.])", r"(?![\w+/=@])(?![.-]\w)"
_PARTS = re.compile(r"(\{[0-9,]*\}|\(\?:|\\[^d])|(\\d|[0-9])|([A-Z])|([a-z])")


class Finder(Struct, frozen=True):
    """What looks like one kind of personal data.

    Attributes:
        name: as in the schema's `allow`.
        description: what it finds, with its article: `an email address`.
        pattern: a regular expression of RE2, and for a built-in finder also of Python's.
        share: the least share of a column's cells that are not null that must match before it
            is a finding, 0 to 1; with 0, any single cell is one.
        checksum: the name of the checksum that a match must have.
        where: whether a match may stand anywhere in a text, is a word of it, or the whole cell.
        needs: characters without one of which there is no match.
        names: an expression for the names of the columns that it is for; None for all.
        built_in: whether it comes with piienc.
    """

    name: str
    description: str
    pattern: str
    share: float
    checksum: str | None
    where: Where = "text"
    needs: str | None = None
    names: str | None = None
    built_in: bool = False

    @property
    def expression(self) -> str:
        """The pattern and its borders, for RE2."""
        return self._bordered(self.pattern)

    @property
    def shape(self) -> str:
        """The same for the shapes of values."""
        return self._bordered(shape_of(self.pattern))

    @property
    def places(self) -> str:
        """The shape for Python, which tells where each `match` is; what fills a cell is a word."""
        return f"{_NOT_BEFORE}(?P<match>{shape_of(self.pattern)}){_NOT_BEHIND}"

    def _bordered(self, pattern: str) -> str:
        if self.where == "cell":
            return whole(f" *(?:{pattern}) *")
        return f"{_BEFORE}(?:{pattern}){_BEHIND}" if self.where == "word" else pattern


@lru_cache(256)
def shape_of(pattern: str) -> str:
    """Return a pattern that the shapes of all matches of a built-in finder's pattern match."""
    return _PARTS.sub(lambda part: part[1] or "  0Aa"[part.lastindex or 0], pattern)
