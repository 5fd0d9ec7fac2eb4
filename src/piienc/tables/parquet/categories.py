"""The categories of a dictionary column: the values of all its dictionaries, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.base.cells import numpy_of
from piienc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_UNORDERED = 1000  # categories


def merged_categories(
    dictionaries: Iterable[pa.Array], kind: pa.DictionaryType, label: str
) -> pa.Array | None:
    """Return all values of a column's dictionaries, in their order.

    Args:
        dictionaries: the dictionaries of its batches.
        kind: the column's type, which says whether the order has a meaning.
        label: the column's name in error messages.

    Returns:
        The values; None for a large dictionary without an order, which is an encoding and not a
        list of categories.

    Raises:
        InputError: two of them have the same values in another order.
    """
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which most files do without

    union: pa.Array | None = None
    for dictionary in dictionaries:
        if union is None:
            union = dictionary
        elif not dictionary.equals(union):
            new = dictionary.filter(pc.invert(pc.is_in(dictionary, value_set=union)))
            union = pa.concat_arrays([union, new])
            places = numpy_of(pc.index_in(dictionary, value_set=union))
            if kind.ordered and (places[1:] <= places[:-1]).any():
                raise InputError(
                    f"{label}: its row groups or batches have its categories in different orders",
                    hint="write it with one list of categories for all rows",
                )
        if not kind.ordered and len(union) > _MOST_UNORDERED:
            return None
    return pa.nulls(0, kind.value_type) if union is None else union
