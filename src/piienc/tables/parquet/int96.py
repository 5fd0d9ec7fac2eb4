"""INT96, the timestamps of older Parquet: read as what they are, or not at all.

An INT96 is a day and nanoseconds of that day. Arrow makes numbers of 64 bits of it: as
nanoseconds they end in the year 2262 and wrap around, and as anything coarser they lose digits.
Seconds never wrap around, and from both together the exact moment is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq
from pyarrow import types

from piienc.base.cells import numpy_of
from piienc.errors import InputError
from piienc.tables.parquet.footer import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_BATCH_ROWS = 1 << 16
_NANOS = 10**9  # of a second
_NANOS_OF_MICRO = 1000
_MOST_SECONDS_AS_NANOS = (2**63 - 1) // _NANOS
_MOST_SECONDS_AS_MICROS = (2**63 - 1) // 10**6


def exact_unit(file: BinaryIO, name: str, columns: Sequence[tuple[str, ...]]) -> str:
    """Return the unit in which all INT96 of a file's columns are exact: `ns`, or else `us`.

    Raises:
        InputError: there is no such unit, or the file is damaged.
    """
    paths = [".".join(path) for path in columns]
    fits_nanos, is_coarse = True, True
    coarse, fine = (_read(file, name, paths, unit) for unit in ("s", "ns"))
    for seconds, nanos in zip(coarse, fine, strict=True):
        # Nanoseconds are right but for multiples of 2^64.
        rest = (nanos.view(np.uint64) - seconds.view(np.uint64) * np.uint64(_NANOS)).view(np.int64)
        most = np.abs(seconds).max(initial=0)
        fits_nanos &= bool(most < _MOST_SECONDS_AS_NANOS)
        is_coarse &= bool(most < _MOST_SECONDS_AS_MICROS and not (rest % _NANOS_OF_MICRO).any())
        if not (fits_nanos or is_coarse):
            raise InputError(
                f"{name}: the INT96 timestamps of {', '.join(map(repr, paths))} fit into neither "
                "nanoseconds of 64 bits, which reach from 1678 to 2261, nor whole microseconds",
                hint="write these columns as timestamps of INT64 with one unit",
            )
    return "ns" if fits_nanos else "us"


def _read(
    file: BinaryIO, name: str, paths: Sequence[str], unit: str
) -> Iterator[NDArray[np.int64]]:
    """Yield the values of some columns, as whole numbers of a unit."""
    try:
        table = pq.ParquetFile(file, coerce_int96_timestamp_unit=unit, pre_buffer=False)
        for batch in table.iter_batches(_BATCH_ROWS, columns=paths):
            for column in batch.columns:
                yield from _timestamps(column)
    except (pa.ArrowException, OSError) as error:
        raise damaged(name) from error


def _timestamps(array: pa.Array) -> Iterator[NDArray[np.int64]]:
    """Yield the timestamps in an array, at whatever depth; null is 0."""
    kind = array.type
    if types.is_timestamp(kind):
        yield numpy_of(array.cast(pa.int64()).fill_null(0))
    elif types.is_struct(kind):
        for child in array.flatten():
            yield from _timestamps(child)
    elif types.is_map(kind):
        yield from _timestamps(array.keys)
        yield from _timestamps(array.items)
    elif types.is_list(kind) or types.is_large_list(kind):
        yield from _timestamps(array.flatten())
