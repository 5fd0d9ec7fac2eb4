"""The marked columns of a batch: Arrow arrays in, Arrow arrays out.

    column.py        ColumnCipher: a column under all the keys of its keyset
    typed.py         typed values <-> text or bytes
    arrays.py        Arrow arrays <-> strings of the core
    categories.py    the categories of a dictionary column, as one cell
    plain.py         values in types that Arrow computes with
    uuids.py         UUIDs <-> their text
    bad_cells.py     cells that are refused, by their place
    forms.py         what can be told of a cell without its key
    fingerprints.py  by which equal cells are found
    spans.py         strings of the core, looked at by NumPy
    plain_path.py    single values compared by Python alone, to prove the above

One value's way: `typed` makes it text, `arrays` finds its bytes, `ColumnCipher` has the core seal
it, and `arrays` makes an Arrow array of all. A column of CSV is strings of the core already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.lazy import lazily

if TYPE_CHECKING:
    from piienc.columns.arrays import array_of, is_large, strings_of
    from piienc.columns.bad_cells import BadCells
    from piienc.columns.categories import categorised, opened_categories, sealed_categories
    from piienc.columns.column import CheckedCells, ColumnCipher
    from piienc.columns.fingerprints import (
        Fingerprinter,
        Fingerprints,
        fingerprints_of_ciphertexts,
    )
    from piienc.columns.forms import LEAST, forms_of
    from piienc.columns.plain import plain_type, plain_values
    from piienc.columns.plain_path import is_value
    from piienc.columns.spans import Spans
    from piienc.columns.typed import from_cells, is_text, to_cells

__all__ = [
    "LEAST",
    "BadCells",
    "CheckedCells",
    "ColumnCipher",
    "Fingerprinter",
    "Fingerprints",
    "Spans",
    "array_of",
    "categorised",
    "fingerprints_of_ciphertexts",
    "forms_of",
    "from_cells",
    "is_large",
    "is_text",
    "is_value",
    "opened_categories",
    "plain_type",
    "plain_values",
    "sealed_categories",
    "strings_of",
    "to_cells",
]

__getattr__ = lazily(
    __name__,
    arrays="array_of is_large strings_of",
    bad_cells="BadCells",
    categories="categorised opened_categories sealed_categories",
    column="CheckedCells ColumnCipher",
    fingerprints="Fingerprinter Fingerprints fingerprints_of_ciphertexts",
    forms="LEAST forms_of",
    plain="plain_type plain_values",
    plain_path="is_value",
    spans="Spans",
    typed="from_cells is_text to_cells",
)
