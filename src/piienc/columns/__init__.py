"""The marked columns of a batch: Arrow arrays in, Arrow arrays out.

    typed.py       typed values <-> text or bytes
    column.py      ColumnCipher: a column under all the keys of its keyset
    arrays.py      Arrow arrays <-> cells
    kernels/       AES over all cells of a column at once
    wire.py        Tink's wire format, and base64
    categories.py  the categories of a dictionary column, as one cell
    plain.py       values in types that Arrow computes with
    uuids.py       UUIDs <-> their text
    bad_cells.py   cells that are refused, by their place
    forms.py       what can be told of a cell without its key
    fingerprints.py  by which equal cells are found
    plain_path.py  one cell at a time, by OpenSSL and Python alone, to prove the above

One value's way: `typed` makes it text, `arrays` finds its bytes, `kernels` lays them out with
those of its length and encrypts them, `wire` puts prefix, head, ciphertext and tail together, and
`arrays` makes an Arrow array of all.
"""

from piienc.columns.arrays import cells_of
from piienc.columns.bad_cells import BadCells
from piienc.columns.categories import categorised, opened_categories, sealed_categories
from piienc.columns.column import CheckedCells, ColumnCipher
from piienc.columns.fingerprints import Fingerprinter, Fingerprints, fingerprints_of_ciphertexts
from piienc.columns.forms import LEAST, forms_of
from piienc.columns.kernels.kernel import Kernels
from piienc.columns.plain import plain_type, plain_values
from piienc.columns.plain_path import CellDecryptor, is_value
from piienc.columns.typed import from_cells, is_text, to_cells

__all__ = [
    "LEAST",
    "BadCells",
    "CellDecryptor",
    "CheckedCells",
    "ColumnCipher",
    "Fingerprinter",
    "Fingerprints",
    "Kernels",
    "categorised",
    "cells_of",
    "fingerprints_of_ciphertexts",
    "forms_of",
    "from_cells",
    "is_text",
    "is_value",
    "opened_categories",
    "plain_type",
    "plain_values",
    "sealed_categories",
    "to_cells",
]
