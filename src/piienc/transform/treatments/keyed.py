"""A treatment under a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc import columns
from piienc.core import CellDecryptor, ColumnKey
from piienc.keys import Mode
from piienc.transform.treatments.treatment import Treatment

if TYPE_CHECKING:
    import pyarrow as pa

    from piienc.columns import Fingerprints
    from piienc.core import Strings
    from piienc.keys import Keyset
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import ColumnMark


class KeyedTreatment(Treatment):
    """A column encrypted or decrypted under a key.

    Attributes:
        encrypts: whether it encrypts; else it decrypts.
        key: the keyset's name.
        mode: the key's mode.
    """

    encrypts: bool

    def __init__(self, place: ColumnPlace, mark: ColumnMark, keyset: Keyset) -> None:
        self.key, self.mode = mark.key, keyset.mode
        self._keyset, self._label, self._text = keyset, place.label, mark.text
        self._cipher = columns.ColumnCipher(keyset, mark.context, text=mark.text, label=place.label)
        self._decryptor = CellDecryptor(
            [
                ColumnKey(str(keyset.mode), key.material, mark.context.encode(), key.output_prefix)
                for key in keyset.enabled
            ]
        )

    @property
    def used_key_ids(self) -> tuple[int, ...]:
        """The keys of the set that were used so far."""
        return tuple(sorted(self._cipher.used_key_ids))

    def is_text_right(self, before: bytes, after: bytes) -> bool:
        """Tell whether the encrypted one of two texts opens to the other."""
        cell, text = (after, before) if self.encrypts else (before, after)
        return self._decryptor.decrypt(cell, text=True) == text

    def is_value_right(self, before: pa.Scalar, after: pa.Scalar) -> bool:
        """Tell whether the encrypted one of two values opens, by other code, to the other."""
        cell, value = (after, before) if self.encrypts else (before, after)
        stored = cell.as_py()
        text = isinstance(stored, str)
        opened = self._decryptor.decrypt(stored.encode() if text else stored, text=text)
        return opened is not None and columns.is_value(opened, value)

    def fingerprints(self, encrypted: Strings) -> Fingerprints | None:
        """Return what tells ciphertexts apart; None where equal cells have different ones."""
        if self.mode is not Mode.SEARCHABLE:
            return None
        spans = columns.Spans.of(encrypted)
        return columns.fingerprints_of_ciphertexts(spans, text=self._text)
