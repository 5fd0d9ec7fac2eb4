"""The search for personal data in columns that are not marked.

Innocent columns are the rule. So whole buffers are looked through for what every match has, an @
or six digits, and only values that have it are looked at.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
from msgspec import Meta, convert, structs
from pyarrow import types

from piienc.base.cells import numpy_of, take
from piienc.checks import compute as pc
from piienc.checks.checksums import passes
from piienc.checks.finder import Finder, Where
from piienc.checks.shapes import found_by_shape
from piienc.checks.text import (
    holds_any,
    is_text,
    matches,
    rows_with,
    rows_with_digits,
)
from piienc.schema.finder import OwnFinder, built_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.schema import Schema

    Rows = NDArray[np.int64]


class BuiltInFinder(OwnFinder, frozen=True, kw_only=True):
    """The table of a built-in finder in `schema/data/finders.toml`, which explains the fields."""

    where: Where
    needs: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
    names: str | None = None
    source: str


def finders_of(schema: Schema | None = None) -> tuple[Finder, ...]:
    """Return the built-in finders, and the schema's own ones behind them, if there is one."""
    own = (schema and schema.finders) or {}
    return (*_built_in(), *(_finder(name, table) for name, table in own.items()))


def search(finders: Sequence[Finder], column_name: str, values: pa.Array) -> dict[str, Rows]:
    """Look for personal data in a batch of a column; threads may do so at the same time.

    Args:
        finders: what to look for.
        column_name: as in the file; some finders are for columns of certain names.
        values: those that are not null, of any type. Integers are looked at as their digits;
            floats and decimals only by finders for the column's name; bytes if they are text.

    Returns:
        For each finder that found something, by name, the rising indices of the values. Whether
        they are enough for a finding, `Finder.share` says.
    """
    kind = values.type
    if types.is_dictionary(kind):
        return _look_at_distinct(finders, column_name, values)
    selected = [finder for finder in finders if _is_for(finder, column_name)]
    if types.is_floating(kind) or types.is_decimal(kind):
        selected = [finder for finder in selected if finder.names]
    if not selected or (texts := _as_text(values)) is None:
        return {}
    results = dict(_found(selected, texts))
    return {finder.name: results[finder.name] for finder in selected if finder.name in results}


@cache
def _built_in() -> tuple[Finder, ...]:
    # Our own file is held against its model by a test, and not at each start.
    return tuple(_finder(name, convert(table, BuiltInFinder)) for name, table in built_in().items())


def _finder(name: str, table: OwnFinder) -> Finder:
    facts = structs.asdict(table)
    facts.pop("source", None)
    return Finder(name=name, built_in=isinstance(table, BuiltInFinder), **facts)


def _is_for(finder: Finder, column_name: str) -> bool:
    if finder.names is None:
        return True
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column_name)
    words = re.sub(r"\W+", "_", apart).strip("_").lower()
    return re.fullmatch(finder.names, words) is not None


def _look_at_distinct(
    finders: Sequence[Finder], column_name: str, values: pa.Array
) -> dict[str, Rows]:
    dictionary = values.dictionary
    codes = numpy_of(values.indices)
    places = np.arange(len(dictionary))
    if dictionary.null_count:
        places = np.flatnonzero(numpy_of(dictionary.is_valid()))
    results = {}
    for name, hits in search(finders, column_name, dictionary.drop_null()).items():
        is_hit = np.zeros(len(dictionary), np.bool_)
        is_hit[places[hits]] = True
        results[name] = np.flatnonzero(is_hit[codes])
    return {name: rows for name, rows in results.items() if len(rows)}


def _as_text(values: pa.Array) -> pa.Array | None:
    """Return values as string or large_string; None if they are nothing to be looked at."""
    kind = values.type
    if types.is_string(kind) or types.is_large_string(kind):
        return values
    if is_text(kind):
        return values.cast(pa.large_string())
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return values.cast(pa.string())
    if types.is_binary(kind) or types.is_large_binary(kind):
        try:
            return values.cast(pa.large_string())
        except pa.ArrowInvalid:  # not UTF-8
            return None
    return None


def _found(finders: Sequence[Finder], values: pa.Array) -> Iterator[tuple[str, Rows]]:
    by_shape = []
    for finder in finders:
        if finder.needs and not holds_any(values, finder.needs.encode()):
            continue
        if finder.where != "text" and not finder.names:
            by_shape.append(finder)
            continue
        rows = rows_with(values, finder.needs) if finder.needs else np.arange(len(values))
        some = values if len(rows) == len(values) else take(values, rows)
        hits = rows[matches(some, finder.expression) if finder.built_in else _own(finder, some)]
        if len(hits):
            yield finder.name, hits
    rows = rows_with_digits(values)
    some = values if len(rows) == len(values) else take(values, rows)
    for name, hits in found_by_shape(by_shape, some):
        yield name, rows[hits]


def _own(finder: Finder, values: pa.Array) -> NDArray[np.bool_]:
    """Tell which values hold a match of a finder of the schema's own."""
    checksum = finder.checksum
    mask = matches(values, finder.pattern)
    if checksum is None:
        return mask
    rows = np.flatnonzero(mask)
    # All matches between two of a byte that UTF-8 has not.
    marked = pc.replace_substring_regex(take(values, rows), finder.pattern, b"\xff\\0\xff")
    mask[rows] = [
        any(_passes(checksum, match) for match in value.split(b"\xff")[1::2])
        for value in marked.cast(pa.large_binary()).to_pylist()
    ]
    return mask


@lru_cache(1 << 12)
def _passes(checksum: str, match: bytes) -> bool:
    letters = match.upper().decode("ascii", "ignore").encode()
    return passes(checksum, np.frombuffer(letters, np.uint8)[np.newaxis]).item()
