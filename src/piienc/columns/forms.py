"""What can be told of a cell without its key: whether it has the form of a ciphertext, and whose.

Of cells that begin with a key's id, much can be told. A key that was made without a prefix leaves
none, and its cells look like any other base64, or bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.columns.kernels.bound_key import PREFIX
from piienc.columns.wire import ciphertexts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.base.cells import Cells, Places

LEAST = {"searchable": PREFIX + 16, "sealed": PREFIX + 12 + 16}
"""The bytes of an encrypted empty string, prefix included: RFC 5297, NIST SP 800-38D."""

_MARK = 0x01  # every prefix begins with it
_IN_TEXT = ord("A")  # its first six bits, as base64


class CellForms(Struct, frozen=True):
    """The forms of some cells.

    Attributes:
        ciphertexts: int64, which of them have the form of a ciphertext, rising.
        others: int64, which have not.
        key_ids: uint32, of `ciphertexts`; none where bare ones were looked for.
    """

    ciphertexts: Places
    others: Places
    key_ids: NDArray[np.uint32]


def forms_of(cells: Cells, *, text: bool, least: int, bare: bool = False) -> CellForms:
    """Look at cells.

    Args:
        cells: as they are stored.
        text: whether a ciphertext would be base64 text; else raw bytes.
        least: the bytes of the shortest ciphertext, of `LEAST`.
        bare: whether a ciphertext may stand there without a prefix.
    """
    if bare:
        return _bare_forms(cells, text=text, least=least - PREFIX)
    candidates = np.flatnonzero(cells.lengths >= (-(-least // 3) * 4 if text else least))
    first = cells.data[cells.starts[candidates]]
    candidates = candidates[first == (_IN_TEXT if text else _MARK)]
    if not len(candidates):
        return CellForms(candidates, np.arange(len(cells)), np.empty(0, np.uint32))
    sealed, order, fine = ciphertexts_of(cells.take(candidates), text=text)
    fine &= (sealed.lengths >= least) & (sealed.data[sealed.starts] == _MARK)
    ciphertexts = candidates[order[fine]]
    ids = _ids(sealed.take(np.flatnonzero(fine)))
    by_row = ciphertexts.argsort()
    others = np.ones(len(cells), np.bool_)
    others[ciphertexts] = False
    return CellForms(ciphertexts[by_row], np.flatnonzero(others), ids[by_row])


def _bare_forms(cells: Cells, *, text: bool, least: int) -> CellForms:
    sealed, order, fine = ciphertexts_of(cells, text=text)
    mask = np.zeros(len(cells), np.bool_)
    mask[order] = fine & (sealed.lengths >= least)
    none = np.empty(0, np.uint32)
    return CellForms(np.flatnonzero(mask), np.flatnonzero(~mask), none)


def _ids(sealed: Cells) -> NDArray[np.uint32]:
    """Return the key ids that ciphertexts bear: four bytes behind the first, big endian."""
    return sealed.windows(4)[sealed.starts + 1].view(">u4").astype(np.uint32)
