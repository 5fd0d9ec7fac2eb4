"""What a pass over a table does: encrypt what a schema marks, or decrypt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from piienc.errors import ConfigError
from piienc.keys import Mode
from piienc.lazy import module
from piienc.report.receipt import ColumnFacts
from piienc.tables import (
    ARROW_SCHEMA,
    Output,
    arrow_schema,
    described,
    with_record,
    without_metadata,
)
from piienc.transform.mark_policy import hold_to_marks, record_marks
from piienc.transform.marks import (
    check_columns,
    chosen_treatments,
    encrypted_columns,
    marks_of,
    original_field,
    record_in,
    refuse_recorded,
)
from piienc.transform.metadata import EncryptionMetadata
from piienc.transform.place import ColumnPlace
from piienc.transform.plan import plan_of
from piienc.transform.treatments.treatment import OriginalColumn, TreatmentContext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pyarrow as pa

    from piienc.keys import Keyset
    from piienc.schema import Schema
    from piienc.state import Marks
    from piienc.tables import OpenedTable
    from piienc.transform.plan import TablePlan
    from piienc.transform.run import Tally
    from piienc.transform.treatments.treatment import CellBudget
else:
    pa = module("pyarrow")


class Pass(Struct, frozen=True):
    """What a pass does.

    Attributes:
        plan: what is done to the columns.
        before: the columns that are encrypted in the input, as it records them.
        record: the columns that are encrypted in the output.
        record_marks: records the marks of the output, before it gets its name.
    """

    plan: TablePlan
    before: EncryptionMetadata | None
    record: EncryptionMetadata | None
    record_marks: Callable[[], None] = lambda: None

    def output(self, table: OpenedTable, *, bloom_filters: bool = False) -> Output:
        """Return the output's columns, and what a footer tells of them."""
        if not table.typed:
            return Output(left_out=self.plan.omitted)
        from piienc.columns import is_text  # noqa: PLC0415  # start-up

        plan, before, record = self.plan, self.before, self.record
        schema, ciphertext = plan.schema_of(table.schema), frozenset(plan.sealed)
        recorded = before.columns if before else {}
        int96 = frozenset(n for n in plan.keyed if n in recorded and recorded[n].physical)
        # The footer as it was before anything was encrypted.
        keys = dict(before.keys) if before else {}
        arrow = keys.pop(ARROW_SCHEMA, None)
        arrow = table.arrow_schema if arrow is None else arrow
        hidden = [name for name, each in plan.sealed.items() if each.hides_metadata]
        if arrow is not None and (hidden or plan.omitted):
            arrow = without_metadata(arrow, {*hidden, *plan.omitted})
        original = described({**(table.schema.metadata or {}), **keys}, {}, plan.omitted)
        encrypted = {
            name: is_text(schema.field(name).type) for name in (record.columns if record else ())
        }
        now = described(original, encrypted)
        document = None
        if record:
            changed = {key: value for key, value in original.items() if now.get(key) != value}
            changed |= {} if arrow is None else {ARROW_SCHEMA: arrow}
            document = replace(record, keys=changed).dump()
        schema = with_record(schema.with_metadata(now), document)
        return Output(
            schema,
            ciphertext,
            frozenset(plan.changed) - ciphertext,
            plan.omitted,
            int96,
            None if arrow is None else arrow_schema(arrow, schema, encrypted),
            frozenset(
                name
                for name, each in plan.sealed.items()
                if bloom_filters and each.mode is Mode.SEARCHABLE
            ),
        )

    def columns(self, tally: Tally) -> dict[str, ColumnFacts]:
        """Return what was done to each column, for a receipt."""
        return {
            name: ColumnFacts(
                each.key, each.mode, each.used_key_ids, tally.cells[name], tally.nulls[name]
            )
            for name, each in self.plan.keyed.items()
        }


class EncryptRequest(Struct, frozen=True, kw_only=True):
    """What is encrypted, and under what conditions.

    Attributes:
        schema: names all columns and marks some.
        keys: finds a keyset by its name.
        counter: counts the cells of sealed keys.
        marks: the marks that the schema must not undo; None where another process sees to them.
        treatments: names of treatments by column, for unmarked columns or instead of encryption;
            the table need not have all of these columns.
    """

    schema: Schema
    keys: Callable[[str], Keyset]
    counter: CellBudget
    marks: Marks | None
    treatments: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a schema without marks, and impossible treatments."""
        if not self.schema.marked:
            raise ConfigError(
                f"the schema {self.schema.name!r} marks no column, so there is nothing to encrypt",
                hint='mark a column: encrypt = "KEY" under [columns.NAME]',
            )
        _ = self.chosen

    @property
    def chosen(self) -> dict[str, str]:
        """The names of treatments by column."""
        return chosen_treatments(self.schema, self.treatments)

    def begin(self, table: OpenedTable) -> Pass:
        """Make the pass of an open table.

        Raises:
            PiiencError: of the class that tells what is wrong with the table, a key or a mark.
        """
        schema, keys, marks = self.schema, self.keys, self.marks
        chosen = self.chosen
        check_columns(table, schema, chosen)
        before = record_in(table, None)
        refuse_recorded(table, before, schema.marked)
        if marks is not None:
            hold_to_marks(schema, keys, marks, table.columns)
        context = TreatmentContext(
            marks=marks_of(schema, typed=table.typed),
            keys=keys,
            counter=self.counter,
            categories=table.categories,
        )
        plan = plan_of(table, chosen, context)
        record = before
        if plan.sealed and table.typed:
            facts = {name: each.facts for name, each in plan.sealed.items()}
            fields = pa.schema([each.original for each in plan.sealed.values()])
            record = EncryptionMetadata(facts, fields).and_also(before)

        def remember() -> None:
            if marks is not None:
                record_marks(schema, keys, marks, table.columns)

        return Pass(plan, before, record, remember)


class DecryptRequest(Struct, frozen=True, kw_only=True):
    """What is decrypted.

    Attributes:
        schema: names the encrypted columns with key and context. Tables that record these
            themselves can do without.
        keys: finds a keyset by its name.
        columns: only these; none means all.
        types: the original types of columns, where the table does not record them.
    """

    schema: Schema | None
    keys: Callable[[str], Keyset]
    columns: Collection[str] = ()
    types: pa.Schema = None

    def begin(self, table: OpenedTable) -> Pass:
        """Make the pass of an open table.

        Raises:
            PiiencError: of the class that tells what is wrong with the table or a key.
        """
        record = record_in(table, self.schema)
        if self.schema is not None:
            check_columns(table, self.schema)
        recorded = record.columns if record else {}
        marks = encrypted_columns(table, self.schema, record, self.columns)
        originals = {
            name: OriginalColumn(
                original_field(ColumnPlace.of(table, name), self.schema, record, self.types),
                recorded[name].categories if name in recorded else None,
            )
            for name in (marks if table.typed else ())
        }
        context = TreatmentContext(marks=marks, keys=self.keys, originals=originals)
        plan = plan_of(table, dict.fromkeys(marks, "decrypt"), context)
        return Pass(plan, record, record.without({*marks}) if record else None)
