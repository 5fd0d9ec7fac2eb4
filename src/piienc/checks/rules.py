"""The rules of one column, each a `Check` on whole batches of values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct
from pyarrow import types

from piienc.base.cells import numpy_of
from piienc.base.regex import whole
from piienc.checks import on_text, on_typed
from piienc.checks.forms import CODES, FORMATS, TYPES
from piienc.checks.text import is_text, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from piienc.checks.text import Mask
    from piienc.schema import Column

    _Breaks = Callable[[pa.Array], Mask]


class Check(Struct, frozen=True):
    """One rule of one column; threads may share it.

    Attributes:
        rule: the rule's name, as in a schema; `type` for the type itself.
        detail: what is wrong with a value that breaks it, without the value.
    """

    rule: str
    detail: str
    _breaks: _Breaks

    def failing(self, values: pa.Array) -> NDArray[np.int64]:
        """Return the indices, from 0 and rising, of the values that break the rule.

        Args:
            values: without nulls, of the type that the check was made for.
        """
        if not len(values):
            return np.empty(0, np.int64)
        return np.flatnonzero(_on_distinct(self._breaks, values))


def type_fits(column: Column, kind: pa.DataType) -> str | None:
    """Tell what is wrong with the Arrow type of a Parquet column; None if nothing is."""
    if on_typed.fits(kind, column.type):
        return None
    return f"the file's type is {kind}, which is no {column.type}"


def checks_of(column: Column, kind: pa.DataType) -> list[Check]:
    """Return the checks of a column's rules, but for `required` and `unique`.

    Text is checked for the form of the column's type; where it has another form, the other
    rules do not judge it. A type that is neither text nor fits the column has no checks:
    `type_fits` tells.

    Args:
        column: the column, as the schema has it.
        kind: the type of the values that will be given: string for all columns of CSV.
    """
    value_kind = kind.value_type if types.is_dictionary(kind) else kind
    if is_text(value_kind):
        return [Check(*check) for check in _of_text(column)]
    if not on_typed.fits(kind, column.type) or types.is_null(kind):
        return []
    return [Check(*check) for check in _of_typed(column)]


def _of_text(column: Column) -> Iterator[tuple[str, str, _Breaks]]:
    kind = column.type
    if kind in TYPES:
        yield "type", f"not {TYPES[kind][0]}", partial(on_text.not_of_type, kind=kind)
    if column.pattern is not None:
        pattern = whole(column.pattern)
        yield "pattern", "does not match the column's pattern", lambda v: ~matches(v, pattern)
    if column.enum is not None:
        yield "enum", _NOT_IN, partial(on_text.not_in, kind=kind, allowed=column.enum)
    for rule, bound, above in _bounds(column):
        breaks = partial(on_text.beyond, kind=kind, bound=bound, above=above)
        yield rule, _detail(bound, above=above), breaks
    if (most := column.max_length) is not None:
        yield "max_length", f"longer than {most} characters", partial(on_text.longer, most=most)
    if (form := column.format) is not None:
        what = CODES[form][0] if form in CODES else FORMATS[form][0]
        yield "format", f"not {what}", partial(on_text.not_of_format, form=form)


def _of_typed(column: Column) -> Iterator[tuple[str, str, _Breaks]]:
    if column.enum is not None:
        breaks = partial(on_typed.not_in, column_type=column.type, allowed=column.enum)
        yield "enum", _NOT_IN, breaks
    for rule, bound, above in _bounds(column):
        breaks = partial(on_typed.beyond, bound=bound, above=above)
        yield rule, _detail(bound, above=above), breaks


_NOT_IN = "not one of the values that are allowed"


def _bounds(column: Column) -> Iterator[tuple[str, on_text.Bound, bool]]:
    if column.min is not None:
        yield "min", column.min, False
    if column.max is not None:
        yield "max", column.max, True


def _detail(bound: object, *, above: bool) -> str:
    return f"{'more' if above else 'less'} than {bound}"


def _on_distinct(breaks: _Breaks, values: pa.Array) -> Mask:
    """Judge the values, one or more, and those of a dictionary once each."""
    if types.is_dictionary(values.type):
        distinct = values.dictionary
        indices = numpy_of(values.indices)
        if distinct.null_count:  # of a dictionary, a null is a value like others
            distinct = distinct.fill_null(distinct.drop_null()[0])
        mask: Mask = _on_distinct(breaks, distinct)[indices]
        return mask
    if types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    return breaks(values)
