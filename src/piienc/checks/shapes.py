"""The shapes of values: every digit written 0, every capital A, every small letter a.

A column of many numbers has few shapes. So a pattern is first held against each distinct shape,
and what is left stands in matrices, a character to a column, which checksums take as a whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.base.cells import numpy_of, take, text_array, windows
from piienc.base.regex import whole
from piienc.checks import compute as pc
from piienc.checks.checksums import passes
from piienc.checks.text import bytes_of, matches, offsets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.checks.finder import Finder

    Rows = NDArray[np.int64]

_DIGITS, _CAPITALS, _SMALL = b"0123456789", bytes(range(65, 91)), bytes(range(97, 123))
_TABLE = bytes.maketrans(  # no pattern has a line break, and shapes are put on lines of their own
    _DIGITS + _CAPITALS + _SMALL + b"\n", b"0" * 10 + b"A" * 26 + b"a" * 26 + b"\t"
)
_FEW = 16  # shapes of a batch that are remembered


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
    distinct, codes = _shapes(values)
    any_of_them = "|".join(finder.shape for finder in finders)
    some = _matching(distinct, any_of_them)
    if not len(some):
        return
    shapes = take(distinct, some)
    for finder in finders:
        fitting = some[matches(shapes, finder.shape)]
        if not len(fitting):
            continue
        is_fitting = np.zeros(len(distinct), np.bool_)
        is_fitting[fitting] = True
        rows = np.flatnonzero(is_fitting[codes])
        if finder.checksum is None:
            hits = rows[matches(take(values, rows), finder.expression)]
        else:
            hits = _checked(finder, values, rows, codes[rows], distinct)
        if len(hits):
            yield finder.name, hits


def _matching(shapes: pa.Array, expression: str) -> Rows:
    """Return the indices of the shapes that match."""
    if len(shapes) > _FEW:
        return np.flatnonzero(matches(shapes, expression))
    return np.array(_few_matching(tuple(shapes.to_pylist()), expression), np.int64)


@lru_cache(256)
def _few_matching(shapes: tuple[str, ...], expression: str) -> tuple[int, ...]:
    # Dates, say, have one shape in all batches, and RE2 takes 0.6 ms to compile all finders.
    return tuple(np.flatnonzero(matches(text_array(shapes), expression)).tolist())


def _shapes(values: pa.Array) -> tuple[pa.Array, Rows]:
    """Return the different shapes of the values, and which of them each has."""
    offsets = offsets_of(values)
    shapes = bytes_of(values).tobytes().translate(_TABLE)
    buffers = [None, pa.py_buffer(offsets - offsets[0]), pa.py_buffer(shapes)]
    array = pa.Array.from_buffers(values.type, len(values), buffers)
    width = len(shapes) // len(values)
    if shapes == shapes[:width] * len(values) and (np.diff(offsets) == width).all():
        return array[:1], np.zeros(len(values), np.int64)  # dates, say, and many numbers
    encoded = pc.dictionary_encode(array)
    return encoded.dictionary, numpy_of(encoded.indices)


def _checked(finder: Finder, values: pa.Array, rows: Rows, codes: Rows, distinct: pa.Array) -> Rows:
    """Return the rows that hold a match with the finder's checksum.

    Args:
        finder: has a checksum.
        values: all values.
        rows: rising, those whose shapes match.
        codes: the shape of each of these rows.
        distinct: the shapes.
    """
    data, offsets = bytes_of(values), offsets_of(values)
    starts = (offsets - offsets[0]).astype(np.int64)
    order = codes.argsort(kind="stable")
    rows, codes = rows[order], codes[order]
    hits = [np.empty(0, np.int64)]
    for shape, (of, begins) in _places(finder, np.unique(codes), distinct).items():
        nth, where = _ranges(np.searchsorted(codes, of), np.searchsorted(codes, of, "right"))
        here = rows[where]
        matched = windows(data, len(shape))[starts[here] + begins[nth]]
        characters = matched.view(np.uint8).reshape(len(here), len(shape))
        right = np.flatnonzero(passes(str(finder.checksum), characters))
        hits.append(here[right[_fits(characters[right], finder.pattern)]])
    return np.unique(np.concatenate(hits))


def _places(finder: Finder, codes: Rows, distinct: pa.Array) -> dict[bytes, tuple[Rows, Rows]]:
    """Find where shapes hold a match: by the match's shape, the codes and the first bytes."""
    shapes = [shape.encode() for shape in take(distinct, codes).to_pylist()]
    lines = np.cumsum([0, *(len(shape) + 1 for shape in shapes)])
    places: dict[bytes, list[int]] = {}
    for match in re.finditer(finder.places.encode(), b"\n".join(shapes)):
        places.setdefault(match["match"], []).append(match.start("match"))
    found = {}
    for shape, begins in places.items():
        at = np.searchsorted(lines, begins, "right") - 1
        found[shape] = (codes[at], np.array(begins) - lines[at])
    return found


def _ranges(begins: Rows, ends: Rows) -> tuple[Rows, Rows]:
    """Return for all numbers of some ranges, one behind the other, the range and the number."""
    counts = ends - begins
    nth = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return nth, np.arange(len(nth)) + (begins - before)[nth]


def _fits(characters: NDArray[np.uint8], pattern: str) -> NDArray[np.bool_]:
    """Tell which rows of characters match a pattern as a whole."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(characters.tobytes())]
    return matches(pa.Array.from_buffers(pa.large_string(), count, buffers), whole(pattern))
