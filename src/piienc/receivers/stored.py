"""The two forms of a cell: the plain value, and what lies in the file.

They differ in encrypted columns alone, and there only where the key was at hand.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piienc.base.cells import numpy_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class StoredForms:
    """A column's cells in both forms, each made text when it is first asked for.

    Args:
        name: the column's.
        batch: the plain values.
        stored: the cells as they lie in the file; None if nothing of it is encrypted.
        marked: whether the schema marks the column.
    """

    def __init__(
        self, name: str, batch: pa.RecordBatch, stored: pa.RecordBatch | None, *, marked: bool
    ) -> None:
        plain = _cells(batch, name)
        lying = plain if stored is None else _cells(stored, name)
        self._encrypted = marked and stored is not None
        if self._encrypted and plain is not None and lying is not None and plain.equals(lying):
            plain = None  # there was no key
        self._raw = {"plain": plain, "stored": lying}
        self._text: dict[str, pa.Array | None] = {}

    def of(self, when: str) -> pa.Array | None:
        """Return the cells that are meant, as text; None if they are not to be seen."""
        if when == "encrypted" and not self._encrypted:
            return None
        form = "plain" if when == "plain" else "stored"
        if form not in self._text:
            raw = self._raw[form]
            self._text[form] = None if raw is None else as_text(raw)
        return self._text[form]


def without_any(
    columns: Sequence[str], batch: pa.RecordBatch, stored: pa.RecordBatch | None
) -> NDArray[np.int64]:
    """Return the rows in which all of the columns are null, or the empty text."""
    there = [
        _filled(cells, lying)
        for name in columns
        if (cells := _cells(batch, name)) is not None
        and (lying := cells if stored is None else _cells(stored, name)) is not None
    ]
    if not there:
        return np.empty(0, np.int64)
    none = ~reduce(np.logical_or, there)
    return np.flatnonzero(none)


def as_text(cells: pa.Array) -> pa.Array | None:
    """Return the cells as text, or as bytes if they are; None where there is no one text of them.

    Numbers, booleans and dates are text as a CSV file would have them.
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells, kind = cells.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return cells
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return cells
    if kind == pa.string_view():
        return cells.cast(pa.large_string())
    if kind == pa.binary_view() or pa.types.is_fixed_size_binary(kind):
        return cells.cast(pa.large_binary())
    if any(known(kind) for known in _WITH_TEXT):
        return cells.cast(pa.string())
    return None


_WITH_TEXT = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_date,
)


def _cells(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    index = batch.schema.get_field_index(name)  # -1 also where there are two
    return batch.column(index) if index >= 0 else None


def _filled(plain: pa.Array, stored: pa.Array) -> NDArray[np.bool_]:
    """Tell which cells hold something: what could not be decrypted may be null in `plain`."""
    filled: NDArray[np.bool_] = numpy_of(stored.is_valid())
    text = as_text(plain)
    if text is None:
        return filled
    empty = pc.fill_null(pc.equal(pc.binary_length(text), 0), fill_value=False)
    holds: NDArray[np.bool_] = ~numpy_of(empty)
    return filled & holds
