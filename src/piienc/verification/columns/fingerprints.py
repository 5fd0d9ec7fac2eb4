"""Finds equal values of a column by their fingerprints, in flat memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from piienc.verification.columns.buckets import Buckets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.base.cells import Places
    from piienc.columns import Fingerprints

_RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("row", "<i8")])
_FOLDED = np.dtype([("high", "<u8")])

Folded = NDArray[np.uint64]
"""Fingerprints of 64 bits."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # odd, so no two halves are multiplied into one


class EqualityFacts(Struct, frozen=True):
    """How often the values of a column repeat.

    Attributes:
        cells: the number of cells.
        distinct: the number of different values.
        most_frequent: the number of cells with the most frequent value.
    """

    cells: int
    distinct: int
    most_frequent: int


def folded(fingerprints: Fingerprints) -> Folded:
    """Fold fingerprints for `Frequencies`.

    Both halves count: fingerprints may be characters of base64, which do not use all bits.

    Args:
        fingerprints: uint64, shape (cells, 2).
    """
    hashes: Folded = fingerprints[:, 0] * _GOLDEN + fingerprints[:, 1]
    return hashes


class FingerprintStore(Buckets):
    """A column's fingerprints."""

    def __init__(self) -> None:
        super().__init__(_RECORD)

    def add_prints(self, fingerprints: Fingerprints, rows: Places) -> None:
        """Add fingerprints.

        Args:
            fingerprints: uint64, shape (cells, 2).
            rows: int64, the row of each in the file.

        Raises:
            IncompleteError: the folder for temporary files is full.
        """
        records = np.empty(len(rows), _RECORD)
        records["high"], records["low"] = fingerprints.T
        records["row"] = rows
        self.add(records)

    def repeated(self) -> Iterator[Places]:
        """Yield the rows whose value occurs in an earlier row, bucket by bucket."""
        for bucket in self:
            yield _repeated(bucket)


class Frequencies(Buckets):
    """Counts how often each value of a column occurs."""

    def __init__(self) -> None:
        super().__init__(_FOLDED)

    def add_prints(self, fingerprints: Folded) -> None:
        """Add fingerprints.

        Raises:
            IncompleteError: the folder for temporary files is full.
        """
        self.add(fingerprints.view(_FOLDED))

    def equal(self) -> EqualityFacts:
        """Count the different values."""
        cells = distinct = frequent = 0
        for bucket in self:
            if len(bucket):
                runs = _lengths_of_runs(np.sort(bucket["high"]))
                cells += len(bucket)
                distinct += len(runs)
                frequent = max(frequent, int(runs.max()))
        return EqualityFacts(cells, distinct, frequent)


def _lengths_of_runs(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how often each value stands among sorted ones."""
    firsts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return np.diff(firsts, append=len(values))


def _repeated(records: NDArray[np.void]) -> Places:
    """Return the rows whose value occurs in an earlier row."""
    values = np.sort(records["high"])
    twice = np.unique(values[1:][values[1:] == values[:-1]])
    records = records[np.isin(records["high"], twice)]
    order = np.lexsort((records["row"], records["low"], records["high"]))
    high, low = records["high"][order], records["low"][order]
    same = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
    return np.sort(records["row"][order[1:][same]])
