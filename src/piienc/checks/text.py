"""Arrays of text: their bytes, and regular expressions on all of their values at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from piienc.checks import compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Offsets = NDArray[np.int32] | NDArray[np.int64]

# What Python and RE2 read alike, as long as the text is ASCII. No anchors, for Python's `$` stands
# before a last line break, too; no \s, which has more members in Python; no lookaround, and no
# possessive quantifier, which RE2 does not have.
_ALIKE = re.compile(
    r"""(?:
        (?: [\w\ @%&~#"'`<>=!,;:/-]          # a character
          | \\(?:[dDwWb]|[^\w\s])            # a class, a border, an escaped character
          | \.
          | \[ \^? (?: [\w\ .@%#"'`<>=!,;:/+*?(){}$-] | \\(?:[dDwW]|[^\w\s]) )+ \]
          | \) )
        (?: (?: [*+?] | \{\d{1,3}(?:,\d{0,3})?\} ) \?? )? (?![*+?{])
      | \( (?: \?: )? | \|
    )*""",
    re.VERBOSE | re.ASCII,
)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is one of Arrow's types of text."""
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def bytes_of(values: pa.Array) -> NDArray[np.uint8]:
    """Return the bytes of all values of a dense string or large_string array, as one."""
    offsets = offsets_of(values)
    data = values.buffers()[2]
    first, last = int(offsets[0]), int(offsets[-1])
    if first == last:
        return np.empty(0, np.uint8)
    return np.frombuffer(data, np.uint8, last - first, first)


def offsets_of(values: pa.Array) -> Offsets:
    """Return where the values of a string or large_string array begin and end in its buffer."""
    if not len(values):
        return np.zeros(1, np.int32)
    width = np.int64 if types.is_large_string(values.type) else np.int32
    offsets: Any = np.frombuffer(values.buffers()[1], width)
    own: Offsets = offsets[values.offset : values.offset + len(values) + 1]
    return own


def is_ascii(values: pa.Array) -> bool:
    """Tell whether all bytes of a string array are ASCII."""
    return int(bytes_of(values).max(initial=0)) < 0x80  # noqa: PLR2004  # ASCII ends there


def holds_any(values: pa.Array, marks: bytes) -> bool:
    """Tell whether one of some ASCII characters stands in any value."""
    data = bytes_of(values).tobytes()
    return any(data.find(mark) >= 0 for mark in marks)


def mask_of(flags: pa.Array) -> Mask:
    """Return a dense boolean array as a mask."""
    mask: Mask = flags.to_numpy(zero_copy_only=False)
    return mask


def matches(values: pa.Array, expression: str) -> Mask:
    """Tell which values hold a match of an RE2 expression."""
    return mask_of(pc.match_substring_regex(values, expression))


def outside(found: NDArray[Any], limit: object, *, above: bool) -> Mask:
    """Tell what lies above a limit, or else below it; NaN and NaT do neither."""
    mask: Mask = found > limit if above else found < limit
    return mask


def whole(expression: str) -> str:
    """Return an RE2 expression that only whole values match."""
    return rf"^(?:{expression})$"


def per_distinct(values: pa.Array, judge: Callable[[str], object]) -> Mask:
    """Ask about each distinct value once, and tell which values had the answer yes."""
    encoded = values.dictionary_encode()
    said = [bool(judge(value)) for value in encoded.dictionary.to_pylist()]
    mask: Mask = np.array(said, np.bool_)[encoded.indices.to_numpy()]
    return mask


class Pattern:
    """A regular expression of Python's, by RE2 where both surely read it alike."""

    def __init__(self, expression: str, *, full: bool) -> None:
        """Compile an expression that matches whole values, or else is searched for in them."""
        compiled = re.compile(expression)
        self._judge = compiled.fullmatch if full else compiled.search
        grouped = whole(expression) if full else expression
        self._re2 = grouped if _ALIKE.fullmatch(expression) and _compiles(grouped) else None

    def matches(self, values: pa.Array) -> Mask:
        """Tell which values of a string array match."""
        if self._re2 is not None and is_ascii(values):
            return matches(values, self._re2)
        return per_distinct(values, self._judge)


def _compiles(expression: str) -> bool:
    try:
        matches(pa.array([""]), expression)
    except pa.ArrowInvalid:
        return False
    return True
