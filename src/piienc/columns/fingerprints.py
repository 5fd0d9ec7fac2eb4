"""Fingerprints of cells: equal cells have equal ones, and nothing else can be told by them.

A fingerprint is the synthetic IV of AES-256-SIV (S2V of RFC 5297, a pseudo-random function)
under a key that is made for one run and kept nowhere. Where cells are ciphertexts of a searchable
key already, a part of their own synthetic IV serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from piienc.columns.kernels.bound_key import PREFIX, BoundKey
from piienc.columns.kernels.kernel import Kernels
from piienc.keys import Keyset, Mode, Prefix
from piienc.keys import generate as new_keyset

if TYPE_CHECKING:
    from piienc.base.cells import Cells, Places

Fingerprints = NDArray[np.uint64]
"""Fingerprints: shape (cells, 2)."""

_WIDTH = 16  # bytes
_TEXT_AT = 8  # characters: the first of base64 that stand for bytes behind the prefix alone


class Fingerprinter:
    """Makes the fingerprints of one run; safe to use from several threads."""

    def __init__(self) -> None:
        keyset: Keyset = new_keyset(Mode.SEARCHABLE, Prefix.RAW)
        self._key = BoundKey(Mode.SEARCHABLE, keyset.primary, b"", text=False, kernels=Kernels())

    def of(self, cells: Cells) -> Fingerprints:
        """Return the fingerprints of some cells."""
        order = cells.by_length()
        fingerprints = np.empty((len(cells), 2), np.uint64)
        parts = self._key.seal(cells.take(order))
        if parts:
            fingerprints[order] = np.concatenate([_at(part, 0) for part in parts])
        return fingerprints


def fingerprints_of_ciphertexts(cells: Cells, *, text: bool) -> Fingerprints:
    """Return what tells the ciphertexts of a searchable key apart.

    Args:
        cells: each is a ciphertext, of at least `LEAST` bytes or its base64. Under a key without a
            prefix, a short cell of bytes ends where others have their synthetic IV still.
        text: base64, else raw bytes.
    """
    return _at(cells, _TEXT_AT if text else np.minimum(PREFIX, cells.lengths - _WIDTH))


def _at(cells: Cells, places: int | Places) -> Fingerprints:
    """Return 16 bytes of each cell, from a place in it on."""
    fingerprints: Fingerprints = (
        cells.windows(_WIDTH)[cells.starts + places].view(np.uint64).reshape(-1, 2)
    )
    return fingerprints
