"""An encrypted column whose key is available."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.columns import (
    ColumnCipher,
    Spans,
    array_of,
    fingerprints_of_ciphertexts,
    from_cells,
    is_large,
    is_text,
    plain_values,
    to_cells,
)
from piienc.errors import InputError
from piienc.keys import Mode
from piienc.transform.batches import without_nulls
from piienc.verification.columns.fingerprints import folded
from piienc.verification.columns.verifier import ColumnResult
from piienc.verification.findings import ColumnCounts, Violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from piienc.core import Strings
    from piienc.keys import Keyset
    from piienc.transform.batches import StoredColumn
    from piienc.transform.place import ColumnPlace
    from piienc.verification.columns.verifier import ValueRules


class DecryptedColumn:
    """A marked column whose key is available: checks that cells are authentic and values valid."""

    def __init__(
        self,
        place: ColumnPlace,
        rules: ValueRules,
        keyset: Keyset,
        context: str,
        restored: pa.DataType,
    ) -> None:
        self._name, self._label, self._rules = place.name, place.label, rules
        self._stored = to_cells(place.none(), place.label).type
        self._text = is_text(self._stored)
        self._searchable = keyset.mode is Mode.SEARCHABLE
        self._cipher = ColumnCipher(keyset, context, text=self._text, label=place.label)
        self._restored = restored
        self.unchecked: dict[str, str] = {}

    def check(self, stored: StoredColumn) -> ColumnResult:
        """Check a batch."""
        judged = self._cipher.judge(stored.strings, text=is_text(self._restored))
        violations = [
            Violation(self._name, each.rule, each.what, np.array(each.rows))
            for each in judged.wrong
        ]
        violations += self._rules.nulls(stored)
        plain, fingerprints = cache(lambda: self._typed(judged.cells)), None
        if self._rules.judge or self._restored != pa.string():
            values, odd = plain()
            dense, dense_rows = without_nulls(values)
            violations += [*odd, *self._rules.violations(dense, dense_rows)]
            fingerprints = self._rules.fingerprints(dense, dense_rows)
        plaintext = sum(len(each.rows) for each in judged.wrong if each.rule == "plaintext")
        counts = ColumnCounts(
            stored.null_count,
            stored.count - stored.null_count - plaintext,
            judged.authentic,
            self._cipher.used_key_ids.copy(),
        )
        leaks = None
        if self._searchable and judged.authentic:
            cells = Spans.of(stored.strings)
            faulty = [each.rows for each in judged.wrong if each.rule != "type"]
            if faulty:
                cells = cells.take(~np.isin(cells.rows, np.concatenate(faulty)))
            leaks = folded(fingerprints_of_ciphertexts(cells, text=self._text))
        return ColumnResult(counts, violations, lambda: plain()[0], fingerprints, leaks)

    def _typed(self, opened: Strings) -> tuple[pa.Array, list[Violation]]:
        """Restore the values' type; what has not that type becomes null, and a violation."""
        text, large = is_text(self._restored), is_large(self._stored)
        cells = array_of(opened, text=text, large=large)
        try:
            return plain_values(from_cells(cells, self._restored, self._label)), []
        except InputError:
            pass
        odd = [row for row in range(len(cells)) if not self._is_typed(cells.slice(row, 1))]
        keep = np.ones(len(cells), np.bool_)
        keep[odd] = False
        fine = plain_values(from_cells(_masked(cells, keep), self._restored, self._label))
        detail = f"decrypted, but no {self._restored}"
        return fine, [Violation(self._name, "type", detail, np.array(odd))]

    def _is_typed(self, cell: pa.Array) -> bool:
        try:
            from_cells(cell, self._restored, self._label)
        except InputError:
            return False
        return True


def _masked(cells: pa.Array, keep: NDArray[np.bool_]) -> pa.Array:
    """Return cells with null where they are not to be kept."""
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which clean files do without

    return pc.if_else(pa.array(keep), cells, pa.scalar(None, cells.type))
