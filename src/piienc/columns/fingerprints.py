"""Fingerprints of cells: equal cells have equal ones, and nothing else can be told by them.

A fingerprint is the synthetic IV of AES-256-SIV (S2V of RFC 5297, a pseudo-random function)
under a key that is made for one run and kept nowhere. Where cells are ciphertexts of a searchable
key already, a part of their own synthetic IV serves.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from piienc.base.secret import SecretBytes
from piienc.columns.spans import Spans
from piienc.core import PREFIX, ColumnKey, engine
from piienc.keys import Mode

if TYPE_CHECKING:
    from piienc.base.cells import Places
    from piienc.core import Strings

Fingerprints = NDArray[np.uint64]
"""Fingerprints: shape (cells, 2)."""

_WIDTH = 16  # bytes
_TEXT_AT = 8  # characters: the first of base64 that stand for bytes behind the prefix alone


class Fingerprinter:
    """Makes the fingerprints of one run; safe to use from several threads."""

    def __init__(self) -> None:
        mode = Mode.SEARCHABLE
        material = SecretBytes(secrets.token_bytes(mode.key_size))
        self._key = ColumnKey(str(mode), material, b"")

    def of(self, cells: Strings) -> Fingerprints:
        """Return the fingerprints of the cells that are not null."""
        return _at(Spans.of(engine().seal(cells, self._key, text=False)), 0)


def fingerprints_of_ciphertexts(cells: Spans, *, text: bool) -> Fingerprints:
    """Return what tells the ciphertexts of a searchable key apart.

    Args:
        cells: each is a ciphertext, of at least `LEAST` bytes or its base64. Under a key without a
            prefix, a short cell of bytes ends where others have their synthetic IV still.
        text: base64, else raw bytes.
    """
    return _at(cells, _TEXT_AT if text else np.minimum(PREFIX, cells.lengths - _WIDTH))


def _at(cells: Spans, places: int | Places) -> Fingerprints:
    """Return 16 bytes of each cell, from a place in it on."""
    found: Fingerprints = cells.pieces(places, _WIDTH).view(np.uint64).reshape(-1, 2)
    return found
