"""Arrow arrays of strings and bytes, looked at as cells, and made of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.base.cells import SPARE, Cells, is_utf8
from piienc.columns.bad_cells import BadCells
from piienc.errors import InputError

if TYPE_CHECKING:
    from piienc.base.cells import CellPool, Places

_INT32_MAX = (1 << 31) - 1


def cells_of(array: pa.Array) -> tuple[Cells, Places]:
    """Return the non-null cells of a string or binary array, large or not, and their rows."""
    if not len(array):
        none = np.empty(0, np.int64)
        return Cells(np.zeros(SPARE, np.uint8), none, none), none
    width = np.int64 if _is_large(array.type) else np.int32
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, width)[array.offset : array.offset + len(array) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.empty(last - first + SPARE, np.uint8)
    if last > first:
        data[:-SPARE] = np.frombuffer(data_buffer, np.uint8, last - first, first)
    starts = offsets[:-1].astype(np.int64) - first
    cells = Cells(data, starts, np.diff(offsets).astype(np.int64))
    if not array.null_count:
        return cells, np.arange(len(array))
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    return cells.take(rows), rows


def array_of(
    pool: CellPool, rows: Places, count: int, kind: pa.DataType, *, text: bool
) -> pa.Array:
    """Make an array of cells; the rest is null.

    Args:
        pool: those that are not null, in order.
        rows: the row of each.
        count: how many rows there are.
        kind: a type, whose width of offsets the array gets.
        text: whether the cells are UTF-8 text or bytes.

    Raises:
        InputError: the cells need wider offsets than the array's type has.
    """
    total = int(pool.lengths.sum())
    large = _is_large(kind)
    if not large and total > _INT32_MAX:
        raise InputError(
            "a batch of one column grows over 2 GiB when encrypted",
            hint="write the Parquet file with smaller row groups, or as large_string",
        )
    cells = pool.packed()
    lengths = np.zeros(count, np.int64)
    lengths[rows] = cells.lengths
    offsets = np.zeros(count + 1, np.int64 if large else np.int32)
    np.cumsum(lengths, out=offsets[1:])
    validity = None
    if len(rows) < count:
        valid = np.zeros(count, np.bool_)
        valid[rows] = True
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(cells.data[:total])]
    return pa.Array.from_buffers(_type(large=large, text=text), count, buffers)


def require_text(pool: CellPool, label: str) -> None:
    """Refuse decrypted cells that are not UTF-8: another program may have encrypted anything.

    Args:
        pool: cells with a zero byte before and behind each.
        label: what error messages call the column.

    Raises:
        BadCells: some are not.
    """
    if bad := not_text(pool).tolist():
        raise BadCells(
            InputError,
            label,
            bad,
            "decrypted, but no UTF-8 text",
            hint='such a column holds bytes: type = "binary" in the schema, and Parquet',
        )


def not_text(pool: CellPool) -> Places:
    """Return which cells are not UTF-8.

    Args:
        pool: cells with a zero byte before and behind each.
    """
    # A zero byte ends whatever character is under way. So a buffer is UTF-8 if its cells are.
    if all(is_utf8(part.data) for part in pool.parts):
        return np.empty(0, np.int64)
    cells = pool.packed()
    return np.array([index for index in range(len(cells)) if not _decodes(cells.one(index))])


def _decodes(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _type(*, large: bool, text: bool) -> pa.DataType:
    if text:
        return pa.large_string() if large else pa.string()
    return pa.large_binary() if large else pa.binary()
