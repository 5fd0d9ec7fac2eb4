"""Arrow arrays of strings and bytes, looked at as cells, and made of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.columns.cells import SPARE, Cells
from piienc.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT32_MAX = (1 << 31) - 1


def cells_of(array: pa.Array) -> tuple[Cells, NDArray[np.int64]]:
    """Return the non-null cells of a string or binary array, large or not, and their rows."""
    width = np.int64 if _is_large(array.type) else np.int32
    _, offset_buffer, data_buffer = array.buffers()
    if not len(array):
        empty = np.empty(0, np.int64)
        return Cells(np.zeros(SPARE, np.uint8), empty, empty), empty
    offsets = np.frombuffer(offset_buffer, width)[array.offset : array.offset + len(array) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.empty(last - first + SPARE, np.uint8)
    data[last - first :] = 0
    if last > first:
        data[: last - first] = np.frombuffer(data_buffer, np.uint8, last - first, first)
    starts = offsets[:-1].astype(np.int64) - first
    cells = Cells(data, starts, np.diff(offsets).astype(np.int64))
    if not array.null_count:
        return cells, np.arange(len(array))
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    return cells.take(rows), rows


def new_cells(lengths: NDArray[np.int64]) -> Cells:
    """Return cells of the given lengths, one behind the other, to be filled in."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return Cells(np.empty(total + SPARE, np.uint8), ends - lengths, lengths)


def array_of(cells: Cells, like: pa.Array, *, text: bool) -> pa.Array:
    """Make an array of cells that stand one behind the other, with the nulls of another.

    Args:
        cells: one for each row; a null's is empty.
        like: whose nulls and whose width of offsets the array gets.
        text: whether the cells are UTF-8 text or bytes.

    Raises:
        InputError: the cells need wider offsets than the array's type has.
    """
    total = int(cells.lengths.sum())
    large = _is_large(like.type)
    if not large and total > _INT32_MAX:
        raise InputError(
            "a batch of one column grows over 2 GiB when encrypted",
            hint="write the Parquet file with smaller row groups, or as large_string",
        )
    offsets = np.zeros(len(cells) + 1, np.int64 if large else np.int32)
    np.cumsum(cells.lengths, out=offsets[1:])
    validity = None
    if like.null_count:
        valid = like.is_valid().to_numpy(zero_copy_only=False)
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(cells.data[:total])]
    return pa.Array.from_buffers(_type(large=large, text=text), len(cells), buffers)


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _type(*, large: bool, text: bool) -> pa.DataType:
    if text:
        return pa.large_string() if large else pa.string()
    return pa.large_binary() if large else pa.binary()
