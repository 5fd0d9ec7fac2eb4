r"""The shapes of values: every digit written 0, every capital A, every small letter a.

A column of many numbers has few shapes. So a pattern is first held against each distinct shape,
and what is left stands in matrices, a character to a column, which checksums take as a whole.

The patterns of built-in finders are such that their shapes can be read off: they consist of
digits, ASCII letters, `\d`, escaped signs, classes that are not negated, groups that do not
capture, alternatives, and quantifiers in braces or of one sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.cells import windows
from piienc.checks.checksums import passes
from piienc.checks.text import bytes_of, matches, offsets_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.checks.finders import Finder

    Rows = NDArray[np.int64]

_DIGITS, _CAPITALS, _SMALL = b"0123456789", bytes(range(65, 91)), bytes(range(97, 123))
_TABLE = bytes.maketrans(
    _DIGITS + _CAPITALS + _SMALL, b"0" * len(_DIGITS) + b"A" * len(_CAPITALS) + b"a" * len(_SMALL)
)
_PARTS = re.compile(r"(\{[0-9,]*\}|\(\?:|\\[^d])|(\\d|[0-9])|([A-Z])|([a-z])")


def shape_of(pattern: str) -> str:
    """Return a pattern that the shapes of all matches of a built-in finder's pattern match."""
    return _PARTS.sub(lambda part: part[1] or "  0Aa"[part.lastindex or 0], pattern)


def found_by_shape(finders: Sequence[Finder], values: pa.Array) -> Iterator[tuple[str, Rows]]:
    """Find the values that built-in finders with boundaries match.

    Args:
        finders: those whose matches are words or whole cells.
        values: dense, string or large_string.

    Returns:
        The finders' names with the rising indices of their values, those with any.
    """
    if not finders or not len(values):
        return
    encoded = _shapes(values)
    known, codes = encoded.dictionary, encoded.indices.to_numpy()
    any_of_them = "|".join(finder.shape for finder in finders)
    some = np.flatnonzero(matches(known, any_of_them))
    shapes = known.take(pa.array(some))
    for finder in finders:
        fitting = some[matches(shapes, finder.shape)]
        if not len(fitting):
            continue
        wanted = np.zeros(len(known), np.bool_)
        wanted[fitting] = True
        rows = np.flatnonzero(wanted[codes])
        if finder.checksum is None:
            hits = rows[matches(values.take(pa.array(rows)), finder.expression)]
        else:
            hits = _checked(finder, values, _by_shape(rows, codes[rows], known))
        if len(hits):
            yield finder.name, hits


def _shapes(values: pa.Array) -> pa.Array:
    """Return the shapes of the values, dictionary-encoded."""
    offsets = offsets_of(values)
    shapes = bytes_of(values).tobytes().translate(_TABLE)
    buffers = [None, pa.py_buffer(offsets - offsets[0]), pa.py_buffer(shapes)]
    return pa.Array.from_buffers(values.type, len(values), buffers).dictionary_encode()


def _by_shape(rows: Rows, codes: Rows, known: pa.Array) -> Iterator[tuple[str, Rows]]:
    """Give each shape with its rows."""
    order = codes.argsort(kind="stable")
    codes, rows = codes[order], rows[order]
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    for code, of_shape in zip(codes[begins], np.split(rows, begins[1:]), strict=True):
        yield known[int(code)].as_py(), of_shape


def _checked(finder: Finder, values: pa.Array, groups: Iterator[tuple[str, Rows]]) -> Rows:
    """Return the rows that hold a match with the finder's checksum."""
    data, offsets = bytes_of(values), offsets_of(values)
    starts = (offsets[:-1] - offsets[0]).astype(np.int64)
    places = re.compile(finder.places, re.ASCII)
    found = [np.empty(0, np.int64)]
    for shape, rows in groups:
        for place in places.finditer(shape):
            before = len(shape[: place.start("match")].encode())
            width = place.end("match") - place.start("match")  # a match is ASCII
            at = windows(data, width)[starts[rows] + before]
            characters = at.view(np.uint8).reshape(len(rows), width)
            right = np.flatnonzero(passes(str(finder.checksum), characters))
            found.append(rows[right[_fits(characters[right], finder.pattern)]])
    return np.unique(np.concatenate(found))


def _fits(characters: NDArray[np.uint8], pattern: str) -> NDArray[np.bool_]:
    """Tell which rows of characters match a pattern as a whole."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(characters.tobytes())]
    return matches(pa.Array.from_buffers(pa.large_string(), count, buffers), whole(pattern))
