"""What is checked in a file: planned once, by its columns, its schema and the available keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec import Struct, field

from piienc.checks.finders import finders_of
from piienc.columns import opened_categories, plain_type
from piienc.errors import AuthenticationError, KeyAccessError
from piienc.report.model import ColumnReport
from piienc.transform.marks import marks_of, original_field, record_in, unknown_repeats
from piienc.transform.place import ColumnPlace
from piienc.verification.columns.ciphertext import CiphertextColumn
from piienc.verification.columns.decrypted import DecryptedColumn
from piienc.verification.columns.plaintext import PlaintextColumn
from piienc.verification.columns.round_trip import ColumnTrip
from piienc.verification.columns.unmarked import UnmarkedColumn
from piienc.verification.columns.verifier import ValueRules
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from piienc.checks.finder import Finder
    from piienc.columns import Fingerprinter
    from piienc.keys import Keyset
    from piienc.receivers.row_checks import RowRules
    from piienc.schema import Schema
    from piienc.tables import OpenedTable
    from piienc.transform.batches import StoredColumn
    from piienc.transform.metadata import EncryptionMetadata
    from piienc.verification.available_keys import AvailableKeys
    from piienc.verification.columns.fingerprints import EqualityFacts
    from piienc.verification.columns.verifier import ColumnResult, ColumnVerifier
    from piienc.verification.findings import ColumnCounts
    from piienc.verification.request import VerifyRequest


class VerificationPlan(Struct):
    """What is checked.

    Attributes:
        table: the file.
        schema: the schema that it must match.
        encrypted: whether its marked columns should be encrypted.
        finders: the finders of personal data, by unmarked column.
        modes: the known modes of keys, by marked column.
        rows: the receiver's rules on rows.
        verifiers: the verifiers by column, in the order of the file.
        violations: the violations of columns as a whole.
        missing_keys: the names of needed keys that cannot be used.
        warnings: warnings for the user.
    """

    table: OpenedTable
    schema: Schema
    encrypted: bool
    finders: dict[str, Sequence[Finder]] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    rows: RowRules | None = None
    verifiers: dict[str, ColumnVerifier] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    missing_keys: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of_rows(
        self, stored: Mapping[str, StoredColumn], results: Mapping[str, ColumnResult]
    ) -> list[Violation]:
        """Return the rows of a batch that the receiver rejects."""
        if self.rows is None:
            return []
        lying = None
        if self.encrypted:
            lying = pa.RecordBatch.from_arrays(
                [column.array for column in stored.values()], list(stored)
            )
        return [
            Violation(each.column, "profile", each.detail, each.rows, each.severity)
            for each in self.rows.failing(self.plain(stored, results), lying)
        ]

    def plain(
        self, stored: Mapping[str, StoredColumn], results: Mapping[str, ColumnResult]
    ) -> pa.RecordBatch:
        """Return a batch with the plain values of the columns whose key is available."""
        arrays = []
        for name, column in stored.items():
            plain = results[name].plain if name in results else None
            arrays.append(plain() if plain else column.array)
        return pa.RecordBatch.from_arrays(arrays, list(stored))

    def of_shares(self, counts: Mapping[str, ColumnCounts], rows: int) -> Iterator[Violation]:
        """Yield the columns with a high share of cells that look like personal data.

        A lower share is no finding, and is removed from the counts.
        """
        for name, finders in self.finders.items():
            cells, suspicious = rows - counts[name].nulls, counts[name].suspicious
            for finder in (each for each in finders if each.share):
                hits = suspicious[finder.name]
                if hits > 0 and hits >= finder.share * cells:
                    what = f"{hits:,} of {cells:,} cells look like {finder.description}"
                    yield Violation(name, "personal", what)
                else:
                    del suspicious[finder.name]

    def comparable(self, others: Sequence[str]) -> tuple[list[str], list[Violation]]:
        """Return the columns that can be compared with another file, and the violations."""
        ours = self.table.columns
        here, there = {*ours}, {*others}
        faults = [(name, "not in the original") for name in ours if name not in there]
        faults += [(name, "not in this file") for name in others if name not in here]
        violations = [Violation(name, "columns", detail) for name, detail in faults]
        for name, verifier in self.verifiers.items():
            if isinstance(verifier, CiphertextColumn):
                verifier.unchecked["value"] = verifier.unchecked["authentic"]
                there.discard(name)
        return [name for name in self.verifiers if name in there], violations

    def column(
        self, name: str, counts: ColumnCounts, failures: dict[str, int], equal: EqualityFacts | None
    ) -> ColumnReport:
        """Return a column's report."""
        column = self.schema.columns.get(name)
        verifier = self.verifiers[name]
        if column is None or column.encrypt is None:
            return ColumnReport(
                type=column.type if column else None,
                marked=False,
                nulls=counts.nulls,
                failures=failures,
                suspicious=dict(counts.suspicious),
                unchecked=verifier.unchecked,
            )
        return ColumnReport(
            type=column.type,
            marked=True,
            key=column.encrypt,
            mode=self.modes.get(name),
            context=self.schema.context_of(name),
            key_ids=tuple(sorted(counts.key_ids)),
            nulls=counts.nulls,
            encrypted=counts.encrypted,
            authentic=counts.authentic if isinstance(verifier, DecryptedColumn) else None,
            failures=failures,
            distinct=equal.distinct if equal else None,
            most_frequent=equal.most_frequent if equal else None,
            unchecked=verifier.unchecked,
        )


def make_plan(
    table: OpenedTable, request: VerifyRequest, keys: AvailableKeys, fingerprinter: Fingerprinter
) -> VerificationPlan:
    """Plan what is checked in a file, of which the header was read."""
    schema = request.schema
    plan = VerificationPlan(table, schema, request.expect == "encrypted")
    plan.violations += _columns(table, schema, request.leave_out)
    if plan.violations:
        table.require_columns(schema.columns)
    marked = _MarkedColumns(plan, request, keys, record_in(table, schema), fingerprinter)
    finders = finders_of(schema)
    for name in table.columns:
        column = schema.columns.get(name)
        if column is None or column.encrypt is None:
            place = ColumnPlace.of(table, name)
            rules = ValueRules.of(name, column, place.plain_type, fingerprinter) if column else None
            allowed = column.allow or {} if column else {}
            leaves = name not in request.leave_out
            plan.finders[name] = [each for each in finders if leaves and each.name not in allowed]
            plan.verifiers[name] = UnmarkedColumn(place, rules, plan.finders[name])
            plan.violations += rules.of_column(place) if rules else ()
        else:
            plan.verifiers[name] = marked.verifier_of(ColumnPlace.of(table, name))
    plan.missing_keys = tuple(sorted(marked.missing))
    plan.warnings = tuple(dict.fromkeys(marked.missing.values()))
    if request.profile and request.profile.rows:
        from piienc.receivers.row_checks import RowRules  # noqa: PLC0415  # start-up

        plan.rows = RowRules.of(request.profile, schema, table.columns)
        plan.violations += [
            Violation(each.column, "profile", each.detail, None, each.severity)
            for each in plan.rows.of_the_file()
        ]
    return plan


def _columns(table: OpenedTable, schema: Schema, left_out: Collection[str]) -> Iterator[Violation]:
    """Yield the columns that the file lacks, or has and should not."""
    for name in schema.columns:
        if name not in table.columns:
            yield Violation(name, "columns", "not in the file")
    repeats = dict(unknown_repeats(table, schema, left_out))
    for name in table.columns:
        if name in repeats:
            detail = f"not in the schema; the file has more than one column {repeats[name]!r}"
            yield Violation(name, "columns", detail)
        elif name not in schema.columns and schema.extra_columns == "error":
            yield Violation(name, "columns", "not in the schema")


class _MarkedColumns(Struct, frozen=True):
    """Plans what is checked in marked columns."""

    plan: VerificationPlan
    request: VerifyRequest
    keys: AvailableKeys
    record: EncryptionMetadata | None
    fingerprinter: Fingerprinter
    missing: dict[str, str] = field(default_factory=dict)

    def verifier_of(self, place: ColumnPlace) -> ColumnVerifier:
        """Return the verifier of a column."""
        schema, name = self.request.schema, place.name
        column, context = schema.columns[name], schema.context_of(name)
        key = str(column.encrypt)
        facts = self.keys.facts(key)
        if facts:
            self.plan.modes[name] = facts.mode
        if self.request.expect == "plain":
            keyset = self._open(key) if self.request.round_trip else None
            mark = marks_of(schema, typed=place.typed)[name]
            trip = ColumnTrip(place, mark, keyset) if keyset else None
            rules = ValueRules.of(name, column, place.plain_type, self.fingerprinter)
            self.plan.violations += rules.of_column(place)
            untried = {"round-trip": self.missing[key]} if key in self.missing else {}
            return PlaintextColumn(place, rules, facts, trip, self.fingerprinter, untried)
        keyset = self._open(key)
        restored = original_field(place, schema, self.record, self.request.types).type
        rules = ValueRules.of(name, column, plain_type(restored), self.fingerprinter)
        if keyset:
            self.plan.violations += rules.of_column(place)
            self.plan.violations += self._categories(place, keyset, context)
            return DecryptedColumn(place, rules, keyset, context, restored)
        reason = self.missing.get(key) or f"the key {key} was not to be used"
        return CiphertextColumn(place, rules, facts, reason)

    def _categories(self, place: ColumnPlace, keyset: Keyset, context: str) -> Iterator[Violation]:
        """Yield that what a dictionary column's values are taken from is not authentic."""
        facts = self.record.columns.get(place.name) if self.record else None
        if facts and facts.categories:
            try:
                opened_categories(facts.categories, keyset, context, place.label)
            except AuthenticationError:
                yield Violation(place.name, "authentic", "its list of categories is not authentic")

    def _open(self, name: str) -> Keyset | None:
        try:
            return self.keys.open(name)
        except KeyAccessError as error:
            self.missing[name] = str(error)
            return None
