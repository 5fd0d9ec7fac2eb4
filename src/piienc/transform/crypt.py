"""Encrypt and decrypt the marked columns of a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from piienc.errors import ConfigError
from piienc.keys import Mode
from piienc.lazy import module
from piienc.report.receipt import ColumnFacts, FileFacts, Receipt
from piienc.state import Marks
from piienc.tables import (
    ARROW_SCHEMA,
    CsvFormat,
    Output,
    UnitSize,
    arrow_schema,
    check_ends,
    described,
    opened_table,
    with_record,
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
from piienc.transform.pipeline import usable_cores
from piienc.transform.place import ColumnPlace
from piienc.transform.plan import plan_of
from piienc.transform.proof import Proof
from piienc.transform.run import BatchObserver, run
from piienc.transform.treatments.treatment import OriginalColumn, TreatmentContext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import pyarrow as pa

    from piienc.keys import Keyset
    from piienc.schema import Schema
    from piienc.schema.dialect import CsvDialect
    from piienc.state import CellCounter
    from piienc.storage import OpenedSource, Source, Target
    from piienc.storage.progress import OnProgress
    from piienc.tables import OpenedTable
    from piienc.transform.plan import Plan
else:
    pa = module("pyarrow")


class CryptOptions(Struct, frozen=True):
    """How a pass is run.

    Attributes:
        overwrite: replace an existing output.
        threads: units worked on side by side; 0 means one for each core that may be used.
        progress: called with the rows done, the bytes read, and the share of the whole file
            that is done, or None where that cannot be known.
        rehearsal: the output is not kept, so its marks are not recorded.
        units: how large the units are that are worked on.
        bloom_filters: Parquet gets Bloom filters of the searchable columns that are encrypted.
    """

    overwrite: bool = False
    threads: int = 0
    progress: OnProgress | None = None
    rehearsal: bool = False
    units: UnitSize = UnitSize()
    bloom_filters: bool = True


class FileObserver(BatchObserver, Protocol):
    """An observer of a whole file, which may reject it at the end."""

    def conclude(self, read: FileFacts) -> None:
        """Judge the file after its last unit, before the output gets its name.

        Raises:
            PiiencError: the output must not appear.
        """


def encrypt_file(
    source: Source,
    target: Target,
    *,
    schema: Schema,
    keys: Callable[[str], Keyset],
    counter: CellCounter,
    options: CryptOptions = CryptOptions(),
    treatments: Mapping[str, str] = {},
    observer: Callable[[OpenedTable], FileObserver] | None = None,
) -> Receipt:
    """Encrypt the columns that the schema marks.

    Args:
        source: CSV or Parquet.
        target: of the same format; a file appears whole or not at all.
        schema: names all columns and marks some.
        keys: finds a keyset by its name.
        counter: counts the cells of sealed keys. Its folder also keeps the marks that the schema
            must not undo.
        options: how to run.
        treatments: names of treatments by column, for unmarked columns or instead of encryption;
            the file need not have all of these columns.
        observer: makes the observer of an open table.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    marks = Marks(counter.folder)
    if not schema.marked:
        raise ConfigError(
            f"the schema {schema.name!r} marks no column, so there is nothing to encrypt",
            hint='mark a column: encrypt = "KEY" under [columns.NAME]',
        )

    chosen = chosen_treatments(schema, treatments)

    def begin(table: OpenedTable) -> _Pass:
        check_columns(table, schema, chosen)
        before = record_in(table, None)
        refuse_recorded(table, before, schema.marked)
        hold_to_marks(schema, keys, marks, table.columns)
        observing = observer(table) if observer else None
        context = TreatmentContext(
            marks=marks_of(schema, typed=table.typed),
            keys=keys,
            counter=counter,
            categories=table.categories,
        )
        plan = plan_of(table, chosen, context)
        record = before
        if plan.sealed and table.typed:
            facts = {name: each.facts for name, each in plan.sealed.items()}
            fields = pa.schema([table.schema.field(name) for name in facts])
            record = EncryptionMetadata(facts, fields).and_also(before)

        def at_the_end(read: FileFacts) -> None:
            if observing:
                observing.conclude(read)
            if not options.rehearsal:
                record_marks(schema, keys, marks, table.columns)

        return _Pass(plan, before, record, at_the_end, observing)

    receipt = _pass("encrypt-file", source, target, csv_format(schema), begin, options)
    worn = tuple(
        f"key id {key_id} has encrypted {cells:,} cells, over half of what is safe for AES-GCM: "
        "plan a new key"
        for key_id, cells in counter.worn().items()
    )
    return replace(receipt, warnings=worn + receipt.warnings)


def decrypt_file(
    source: Source,
    target: Target,
    *,
    schema: Schema | None,
    keys: Callable[[str], Keyset],
    columns: Collection[str] = (),
    options: CryptOptions = CryptOptions(),
) -> Receipt:
    """Decrypt encrypted columns; every cell is authenticated before it is written.

    Args:
        source: CSV or Parquet.
        target: of the same format.
        schema: names the encrypted columns with key and context. Parquet files written by piienc
            record these themselves.
        keys: finds a keyset by its name.
        columns: only these; none means all.
        options: how to run.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """

    def begin(table: OpenedTable) -> _Pass:
        record = record_in(table, schema)
        if schema is not None:
            check_columns(table, schema)
        recorded = record.columns if record else {}
        marks = encrypted_columns(table, schema, record, columns)
        originals = {
            name: OriginalColumn(
                original_field(ColumnPlace.of(table, name), schema, record),
                recorded[name].categories if name in recorded else None,
            )
            for name in (marks if table.typed else ())
        }
        context = TreatmentContext(marks=marks, keys=keys, originals=originals)
        plan = plan_of(table, dict.fromkeys(marks, "decrypt"), context)
        return _Pass(plan, record, record.without({*marks}) if record else None)

    return _pass("decrypt-file", source, target, csv_format(schema), begin, options)


class _Pass(Struct, frozen=True):
    """What a pass does.

    Attributes:
        plan: what is done to the columns.
        before: the columns that are encrypted in the input, as it records them.
        record: the columns that are encrypted in the output.
        at_the_end: called with the facts of the input when all is written, before the output gets
            its name.
        observer: sees every unit.
    """

    plan: Plan
    before: EncryptionMetadata | None
    record: EncryptionMetadata | None
    at_the_end: Callable[[FileFacts], None] = lambda _: None
    observer: FileObserver | None = None

    def output(self, table: OpenedTable, *, bloom_filters: bool) -> Output:
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


def _pass(
    command: str,
    source: Source,
    target: Target,
    form: CsvFormat,
    begin: Callable[[OpenedTable], _Pass],
    options: CryptOptions,
) -> Receipt:
    """Open both ends, pass the table through, and account for it."""
    started = time.monotonic()
    with source.opened() as file, opened_table(file, form, options.units) as table:
        check_ends(file, target)
        crypt_pass = begin(table)
        with target.opened(overwrite=options.overwrite) as writer:
            output = crypt_pass.output(table, bloom_filters=options.bloom_filters)
            sink = table.sink(writer, target.name, output)
            tally = run(
                table,
                sink,
                crypt_pass.plan,
                proof=Proof(table.name, table.columns, crypt_pass.plan),
                threads=options.threads or usable_cores(),
                progress=_progress(file, table, options),
                observer=crypt_pass.observer,
            )
            read = FileFacts(file.name, *file.finish())
            crypt_pass.at_the_end(read)
            written = FileFacts(target.name, writer.count, writer.sha256())
    columns = {
        name: ColumnFacts(
            each.key, each.mode, each.used_key_ids, tally.cells[name], tally.nulls[name]
        )
        for name, each in crypt_pass.plan.keyed.items()
    }
    seconds = round(time.monotonic() - started, 3)
    return Receipt(command, read, written, tally.rows, columns, seconds, warnings=sink.warnings)


def _progress(
    source: OpenedSource,
    table: OpenedTable,
    options: CryptOptions,
) -> Callable[[int], None]:
    report = options.progress
    if report is None:
        return lambda _: None
    size, reader = source.size, source.reader

    def told(rows: int) -> None:
        share = None
        if table.rows is not None:
            share = rows / max(1, table.rows)
        elif size:
            share = reader.count / size
        report(rows, reader.count or int(size * (share or 0)), share)

    return told


def csv_format(schema: Schema | None) -> CsvFormat:
    """Return the CSV dialect of a schema; without one, the default."""
    return CsvFormat() if schema is None else format_of_dialect(schema.csv, schema.columns)


def format_of_dialect(csv: CsvDialect, names: Iterable[str] = ()) -> CsvFormat:
    """Return how CSV files of a dialect are written; `names`: of the columns."""
    return CsvFormat(
        csv.delimiter,
        csv.quote if csv.quoted else "",
        csv.encoding,
        header=csv.header,
        nulls=tuple(csv.nulls),
        escape=csv.escape or "",
        comment=csv.comment or "",
        skip_rows=csv.skip_rows,
        lenient=csv.lenient,
        names=() if csv.header else tuple(names),
    )
