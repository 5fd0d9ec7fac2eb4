"""A column that is to be encrypted, and is not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from piienc.columns import LEAST, forms_of, is_text, to_cells
from piienc.keys import Mode
from piienc.transform.batches import TypedColumn
from piienc.verification.columns.fingerprints import folded
from piienc.verification.columns.verifier import ColumnResult
from piienc.verification.findings import ColumnCounts, Violation

if TYPE_CHECKING:
    from piienc.base.cells import Places
    from piienc.columns import Fingerprinter
    from piienc.keys import KeysetFacts
    from piienc.transform.batches import StoredColumn
    from piienc.transform.place import ColumnPlace
    from piienc.verification.columns.round_trip import ColumnTrip
    from piienc.verification.columns.verifier import ValueRules


class PlaintextColumn:
    """A marked column of a plain file: checks its rules, and that no cell is encrypted."""

    def __init__(
        self,
        place: ColumnPlace,
        rules: ValueRules,
        facts: KeysetFacts | None,
        trip: ColumnTrip | None,
        fingerprinter: Fingerprinter,
        unchecked: dict[str, str],
    ) -> None:
        self._name, self._label, self._rules, self._trip = place.name, place.label, rules, trip
        self._text = is_text(to_cells(place.none(), place.label).type)
        self._least = LEAST[facts.mode] if facts else min(LEAST.values())
        self._ids = {key.key_id for key in facts.keys} if facts else None
        self._counted = fingerprinter if facts and facts.mode is Mode.SEARCHABLE else None
        self.unchecked = unchecked

    def check(self, stored: StoredColumn) -> ColumnResult:
        """Check a batch."""
        nulls = stored.null_count
        forms = forms_of(stored.strings, text=self._text, least=self._least)
        ours = np.ones(len(forms.ciphertexts), np.bool_)
        if self._ids is not None and len(ours):
            ours = np.isin(forms.key_ids, list(self._ids))
        violations, fingerprints, leaks = list(self._rules.nulls(stored)), None, stored.fingerprints
        if ours.any():
            at = forms.ciphertexts[ours]
            violations.append(Violation(self._name, "encrypted", "encrypted already", at))
            stored = TypedColumn(_without(stored.array, at), self._label)
        if self._rules.judge:
            dense, dense_rows = stored.dense
            violations += self._rules.violations(dense, dense_rows)
            fingerprints = self._rules.fingerprints(dense, dense_rows)
        if self._trip:
            violations += self._trip.violations(stored.array)
        ids = {int(key_id) for key_id in np.unique(forms.key_ids[ours])}
        counts = ColumnCounts(nulls, int(ours.sum()), 0, ids)
        if leaks is None and self._counted:
            leaks = self._counted.of(stored.strings)
        shares = None if leaks is None else folded(leaks)
        return ColumnResult(counts, violations, lambda: stored.array, fingerprints, shares)


def _without(values: pa.Array, rows: Places) -> pa.Array:
    """Return values of any type with null in some rows."""
    mask = np.zeros(len(values), np.bool_)
    mask[rows] = True
    return values.take(pa.array(np.arange(len(values)), mask=mask))
