"""Two files compared by a key column, independent of the order of their rows.

For each row, fingerprints of its key and its cells are kept, made with a random key of this run.
They are cut into buckets by the row's key, so memory stays flat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.transform.batches import comparable, without_nulls
from piienc.verification.columns.buckets import Buckets
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from piienc.base.cells import Places
    from piienc.columns import Fingerprinter

_NAMED = 10  # rows of the original that a detail names


def compared_by_key(
    actual_batches: Iterator[pa.RecordBatch],
    original_batches: Iterator[pa.RecordBatch],
    columns: Sequence[str],
    key: str,
    fingerprinter: Fingerprinter,
) -> Iterator[Violation]:
    """Compare a file, in plain values, with the original, by a key column.

    Rows with the same key are compared in their order.

    Yields:
        Violations, with their rows counted from 0 in the file.

    Raises:
        InputError: a value has no text to compare.
        IncompleteError: the folder for temporary files is full.
    """
    kind = np.dtype(
        [("high", "<u8"), ("low", "<u8"), ("row", "<i8"), ("cells", "<u8", (len(columns),))]
    )
    types: list[dict[str, pa.DataType]] = []
    with Buckets(kind) as actual, Buckets(kind) as original:
        for buckets, batches in ((actual, actual_batches), (original, original_batches)):
            types.append({})
            row = 0
            for batch in batches:
                types[-1] |= {name: batch.column(name).type for name in columns}
                records = _records(batch, columns, key, fingerprinter, kind)
                records["row"] = np.arange(row, row + len(records))
                row += len(records)
                buckets.add(records)
        if actual.cut or original.cut:
            actual.spill()
            original.spill()
        if all(types):  # a type that has changed may leave the text that is compared as it was
            for name in (each for each in columns if types[0][each] != types[1][each]):
                yield Violation(name, "value", "another type than in the original")
        yield from _violations(actual, original, columns)


def _violations(actual: Buckets, original: Buckets, columns: Sequence[str]) -> Iterator[Violation]:
    missing = [np.empty(0, np.int64)]
    for left, right in zip(actual, original, strict=True):
        left_at, right_at = _matched(left, right)
        extra = np.delete(left["row"], left_at)
        if len(extra):
            yield Violation(None, "row", "stands in no row of the original", np.sort(extra))
        missing.append(np.delete(right["row"], right_at))
        unequal = left["cells"][left_at] != right["cells"][right_at]
        for number, name in enumerate(columns):
            rows = np.sort(left["row"][left_at[unequal[:, number]]])
            if len(rows):
                yield Violation(name, "value", "another value than in the original", rows)
    missing_rows = np.sort(np.concatenate(missing))
    if len(missing_rows):
        numbers = ", ".join(f"{row + 1:,}" for row in missing_rows[:_NAMED].tolist())
        more = f" and {len(missing_rows) - _NAMED:,} more" if len(missing_rows) > _NAMED else ""
        yield Violation(None, "row", f"not here, of the original: row {numbers}{more}")


def _records(
    batch: pa.RecordBatch,
    columns: Sequence[str],
    key: str,
    fingerprinter: Fingerprinter,
    kind: np.dtype[np.void],
) -> NDArray[np.void]:
    """Return the fingerprints of each row; null is 0, as is one in 2^64 values."""
    records = np.zeros(batch.num_rows, kind)
    for number, name in enumerate(columns):
        fingerprints = fingerprinter.of(comparable(batch.column(name), name))
        rows = without_nulls(batch.column(name))[1]
        records["cells"][rows, number] = fingerprints[:, 0]
        if name == key:
            records["high"][rows], records["low"][rows] = fingerprints[:, 0], fingerprints[:, 1]
    return records


def _matched(left: NDArray[np.void], right: NDArray[np.void]) -> tuple[Places, Places]:
    """Return the matching rows of both sides."""
    high = np.concatenate([left["high"], right["high"]])
    low = np.concatenate([left["low"], right["low"]])
    order = np.lexsort((low, high))
    new = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    codes = np.empty(len(order), np.int64)
    codes[order] = np.concatenate([[0], np.cumsum(new)])[: len(order)]
    left_codes = _numbered(codes[: len(left)], left["row"])
    right_codes = _numbered(codes[len(left) :], right["row"])
    _, left_at, right_at = np.intersect1d(
        left_codes, right_codes, assume_unique=True, return_indices=True
    )
    return left_at, right_at


def _numbered(codes: NDArray[np.int64], rows: Places) -> NDArray[np.int64]:
    """Number the rows of each key: its first row, its second, and so on."""
    order = np.lexsort((rows, codes))
    ordered = codes[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    lengths = np.diff(begins, append=len(ordered))
    ranks = np.empty(len(codes), np.int64)
    ranks[order] = np.arange(len(ordered)) - np.repeat(begins, lengths)
    return (codes.astype(np.int64) << 32) | ranks
