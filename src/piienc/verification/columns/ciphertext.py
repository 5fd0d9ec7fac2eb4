"""An encrypted column whose key is not available."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.columns import LEAST, Spans, fingerprints_of_ciphertexts, forms_of, is_text, to_cells
from piienc.keys import Mode, Prefix
from piienc.verification.columns.fingerprints import folded
from piienc.verification.columns.verifier import ColumnResult
from piienc.verification.findings import ColumnCounts, Violation

if TYPE_CHECKING:
    from piienc.keys import KeysetFacts
    from piienc.transform.batches import StoredColumn
    from piienc.transform.place import ColumnPlace
    from piienc.verification.columns.verifier import ValueRules


class CiphertextColumn:
    """A marked column whose key cannot be used: only the form of its cells is checked."""

    def __init__(
        self, place: ColumnPlace, rules: ValueRules, facts: KeysetFacts | None, reason: str
    ) -> None:
        self._name, self._label, self._rules = place.name, place.label, rules
        self._text = is_text(to_cells(place.none(), place.label).type)
        self._searchable = facts is not None and facts.mode is Mode.SEARCHABLE
        self._least = LEAST[facts.mode] if facts else min(LEAST.values())
        self._ids = {key.key_id for key in facts.keys} if facts else None
        self._bare = any(key.prefix is Prefix.RAW for key in facts.keys) if facts else False
        column = rules.column
        rules_of_values = [check.rule for check in rules.checks]
        rules_of_values += ["unique"] * (column.unique and not self._searchable)
        self.unchecked = dict.fromkeys(["authentic", *rules_of_values], reason)
        if self._ids is None or self._bare:
            self.unchecked["key"] = reason
        if not facts:
            self.unchecked["leak"] = reason

    def check(self, stored: StoredColumn) -> ColumnResult:
        """Check a batch."""
        forms = forms_of(stored.strings, text=self._text, least=self._least, bare=self._bare)
        violations = list(self._rules.nulls(stored))
        if len(forms.others):
            violations.append(Violation(self._name, "plaintext", "not encrypted", forms.others))
        ids = {int(key_id) for key_id in np.unique(forms.key_ids)}
        for stranger in sorted(ids - (self._ids or ids)):
            at = forms.ciphertexts[forms.key_ids == stranger]
            what = f"encrypted under key id {stranger}, which is not this column's"
            violations.append(Violation(self._name, "key", what, at))
        counts = ColumnCounts(stored.null_count, len(forms.ciphertexts), 0, ids)
        if not self._searchable or not len(forms.ciphertexts):
            return ColumnResult(counts, violations, None)
        cells = Spans.of(stored.strings)
        cells = cells.take(np.searchsorted(cells.rows, forms.ciphertexts))
        fingerprints = fingerprints_of_ciphertexts(cells, text=self._text)
        unique = (fingerprints, forms.ciphertexts) if self._rules.column.unique else None
        return ColumnResult(counts, violations, None, unique, folded(fingerprints))
