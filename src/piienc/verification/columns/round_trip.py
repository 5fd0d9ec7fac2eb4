"""A plain file, encrypted and decrypted in memory: what would be sent could be read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from piienc.columns import BadCells, plain_values
from piienc.transform.treatments.decrypt import Decryption
from piienc.transform.treatments.encrypt import Encryption
from piienc.transform.treatments.treatment import OriginalColumn
from piienc.verification.against import differing
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from piienc.keys import Key, Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import ColumnMark


class Uncounted:
    """Counts no cells: the ciphertext of a round trip is discarded at once.

    The limit on cells of AES-GCM (NIST SP 800-38D, 8.3) guards against two ciphertexts under one
    IV that somebody else compares.
    """

    def spend(self, key: Key, cells: int) -> None:
        """Do nothing."""


class ColumnTrip:
    """A column's way through its key, and back."""

    def __init__(self, place: ColumnPlace, mark: ColumnMark, keyset: Keyset) -> None:
        self._name = place.name
        self._there = Encryption(place, mark, keyset, Uncounted())
        sealed = replace(place, stored=self._there.field)
        self._back = Decryption(sealed, mark, keyset, OriginalColumn(place.field))

    def violations(self, stored: pa.Array) -> Iterator[Violation]:
        """Encrypt a batch, decrypt it, and yield the rows that are not what they were."""
        try:
            back = plain_values(self._back.apply(self._there.apply(stored)))
        except BadCells as bad:
            rows = np.sort(np.array(bad.rows))
            yield Violation(self._name, "round-trip", "cannot be encrypted and read back", rows)
            return
        if (mask := differing(stored, back)) is not None:
            detail = "is not what it was, once encrypted and decrypted"
            yield Violation(self._name, "round-trip", detail, np.flatnonzero(mask))
