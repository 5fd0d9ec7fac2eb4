"""What can be told of a cell without its key: whether it has the form of a ciphertext, and whose.

Of cells that begin with a key's id, much can be told. A key that was made without a prefix leaves
none, and its cells look like any other base64, or bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.columns.column import OVERHEAD
from piienc.columns.spans import Spans
from piienc.core import PREFIX, engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.base.cells import Places
    from piienc.core import Strings

LEAST = {mode: PREFIX + overhead for mode, overhead in OVERHEAD.items()}
"""The bytes of an encrypted empty string, prefix included."""

_MARK = 0x01  # every prefix begins with it


class CellForms(Struct, frozen=True):
    """The forms of the cells of a column that are not null.

    Attributes:
        ciphertexts: int64, the rows of those that have the form of a ciphertext, rising.
        others: int64, the rows of those that have not.
        key_ids: uint32, of `ciphertexts`; none where bare ones were looked for.
    """

    ciphertexts: Places
    others: Places
    key_ids: NDArray[np.uint32]


def forms_of(cells: Strings, *, text: bool, least: int, bare: bool = False) -> CellForms:
    """Look at cells.

    Args:
        cells: as they are stored.
        text: whether a ciphertext would be base64 text; else raw bytes.
        least: the bytes of the shortest ciphertext, of `LEAST`.
        bare: whether a ciphertext may stand there without a prefix.
    """
    held = Spans.of(cells).rows
    sealed = Spans.of(engine().decoded(cells) if text else cells)
    sealed = sealed.take(sealed.lengths >= (least - PREFIX if bare else least))
    ids = np.empty(0, np.uint32)
    if not bare:
        sealed = sealed.take(sealed.data[sealed.starts] == _MARK)
        ids = sealed.pieces(1, 4).view(">u4").astype(np.uint32)
    return CellForms(sealed.rows, np.setdiff1d(held, sealed.rows, assume_unique=True), ids)
