"""What is checked in a column, and what its values must be, marked or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from msgspec import Struct

from piienc.checks.rules import checks_of, type_fits
from piienc.transform.batches import comparable, without_nulls
from piienc.verification.findings import ColumnCounts, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from piienc.base.cells import Places
    from piienc.checks.rules import Check
    from piienc.columns import Fingerprinter, Fingerprints
    from piienc.schema import Column
    from piienc.transform.batches import StoredColumn
    from piienc.transform.place import ColumnPlace
    from piienc.verification.columns.fingerprints import Folded


class ColumnResult(Struct, frozen=True):
    """The result of a batch of a column.

    Attributes:
        counts: the counts of its cells.
        violations: rows that break a rule.
        plain: returns the plain values as far as they are known; None without the key.
        fingerprints: of values, to find equal ones, and their rows.
        leaks: folded fingerprints, to count what a searchable column reveals.
    """

    counts: ColumnCounts
    violations: list[Violation]
    plain: Callable[[], pa.Array] | None
    fingerprints: tuple[Fingerprints, Places] | None = None
    leaks: Folded | None = None

    def unknown(self, stored: StoredColumn) -> Places:
        """Return the rows that are not null and whose value is unknown."""
        rows = stored.dense[1]
        if self.plain is None:
            return rows
        return np.setdiff1d(rows, without_nulls(self.plain())[1], assume_unique=True)


class ColumnVerifier(Protocol):
    """Checks one column."""

    unchecked: dict[str, str]
    """By rule, why it cannot be checked."""

    def check(self, stored: StoredColumn) -> ColumnResult:
        """Check a batch; called from several threads."""


class ValueRules(Struct, frozen=True):
    """The rules of a column's values, in their plain form.

    Attributes:
        name: the column's.
        column: as the schema has it.
        kind: the Arrow type of the values.
        fingerprinter: makes the fingerprints of a unique column.
        checks: the checks of each value.
    """

    name: str
    column: Column
    kind: pa.DataType
    fingerprinter: Fingerprinter
    checks: Sequence[Check]

    @classmethod
    def of(
        cls, name: str, column: Column, kind: pa.DataType, fingerprinter: Fingerprinter
    ) -> ValueRules:
        """Return the rules of a schema for a column."""
        return cls(name, column, kind, fingerprinter, checks_of(column, kind))

    def of_column(self, place: ColumnPlace) -> Iterator[Violation]:
        """Yield violations of a Parquet column's type; CSV has only text."""
        if place.typed and (detail := type_fits(self.column, self.kind)):
            yield Violation(self.name, "type", detail)

    @property
    def judge(self) -> bool:
        """Whether there is anything that values could break."""
        return bool(self.checks) or self.column.unique

    def violations(self, dense: pa.Array, rows: Places) -> Iterator[Violation]:
        """Yield the rows whose values break a rule."""
        for check in self.checks:
            failing = check.failing(dense)
            if len(failing):
                yield Violation(self.name, check.rule, check.detail, rows[failing])

    def nulls(self, stored: StoredColumn) -> Iterator[Violation]:
        """Yield the rows that are null and must not be."""
        if self.column.required and stored.null_count:
            missing = np.ones(stored.count, np.bool_)
            missing[stored.dense[1]] = False
            yield Violation(self.name, "required", "null", np.flatnonzero(missing))

    def fingerprints(self, dense: pa.Array, rows: Places) -> tuple[Fingerprints, Places] | None:
        """Return the fingerprints of a unique column."""
        if not self.column.unique:
            return None
        return self.fingerprinter.of(comparable(dense, self.name)), rows
