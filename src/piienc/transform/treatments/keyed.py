"""A treatment under a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.columns import CellDecryptor, ColumnCipher, fingerprints_of_ciphertexts
from piienc.keys import Mode
from piienc.transform.treatments.treatment import Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from piienc.base.cells import Cells
    from piienc.columns import Fingerprints, Kernels
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import ColumnMark


class KeyedTreatment(Treatment):
    """A column encrypted or decrypted under a key.

    Attributes:
        key: the keyset's name.
        mode: the key's mode.
    """

    def __init__(
        self, place: ColumnPlace, mark: ColumnMark, keyset: Keyset, kernels: Kernels
    ) -> None:
        self.key, self.mode = mark.key, keyset.mode
        self._keyset, self._label, self._text = keyset, place.label, mark.text
        self._cipher = ColumnCipher(
            keyset, mark.context, text=mark.text, label=place.label, kernels=kernels
        )
        self._decryptor = CellDecryptor(keyset, mark.context)

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""
        return tuple(sorted(self._cipher.used_key_ids))

    def _opened(self, cell: pa.Scalar) -> bytes | None:
        """Decrypt a cell of a batch with separate code; None if it is not authentic."""
        stored = cell.as_py()
        text = isinstance(stored, str)
        return self._decryptor.decrypt(stored.encode() if text else stored, text=text)

    def fingerprints(self, encrypted: Iterable[Cells]) -> Fingerprints | None:
        """Return fingerprints of ciphertexts; None if equal cells have different ciphertexts."""
        if self.mode is not Mode.SEARCHABLE:
            return None
        parts = [fingerprints_of_ciphertexts(cells, text=self._text) for cells in encrypted]
        return np.concatenate([np.empty((0, 2), np.uint64), *parts])
