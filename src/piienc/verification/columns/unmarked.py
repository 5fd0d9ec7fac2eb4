"""A column that stays plain."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.checks.finders import search
from piienc.verification.columns.verifier import ColumnResult
from piienc.verification.findings import ColumnCounts, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.checks.finder import Finder
    from piienc.transform.batches import StoredColumn
    from piienc.transform.place import ColumnPlace
    from piienc.verification.columns.verifier import ValueRules


class UnmarkedColumn:
    """A column that is not encrypted: its rules hold, and it holds no personal data."""

    def __init__(
        self, place: ColumnPlace, rules: ValueRules | None, finders: Sequence[Finder]
    ) -> None:
        self._name, self._rules, self._finders = place.name, rules, finders
        nested = pa.types.is_nested(place.type)
        self.unchecked = {"personal": "nested values are not searched"} if nested else {}

    def check(self, stored: StoredColumn) -> ColumnResult:
        """Check a batch."""
        violations, fingerprints = [], None
        dense, rows = stored.dense
        if self._rules:
            violations = [*self._rules.nulls(stored), *self._rules.violations(dense, rows)]
            fingerprints = self._rules.fingerprints(dense, rows)
        suspicious = Counter[str]()
        hits = search(self._finders, self._name, dense)
        for finder in self._finders:
            if (at := hits.get(finder.name)) is not None and len(at):
                suspicious[finder.name] = len(at)
                if not finder.share:
                    what = f"looks like {finder.description}"
                    violations.append(Violation(self._name, "personal", what, rows[at]))
        counts = ColumnCounts(stored.null_count, suspicious=suspicious)
        return ColumnResult(counts, violations, lambda: stored.array, fingerprints)
