"""Encrypt and decrypt the marked columns of a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from piienc.columns import CellDecryptor, Kernels, is_text
from piienc.errors import ConfigError
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
    encrypted_columns,
    original_field,
    record_in,
    refuse_recorded,
)
from piienc.transform.metadata import EncryptionMetadata
from piienc.transform.pipeline import usable_cores
from piienc.transform.proof import Proof
from piienc.transform.run import Beside, run
from piienc.transform.steps import ColumnPlace, Decryption, Encryption

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from piienc.keys import Keyset
    from piienc.schema import Schema
    from piienc.state import CellCounter
    from piienc.storage import OpenedSource, Source, Target
    from piienc.tables import OpenedTable
    from piienc.transform.steps import ColumnTransform


class CryptOptions(Struct, frozen=True):
    """How a pass is run.

    Attributes:
        overwrite: replace an existing output.
        threads: units worked on side by side; 0 means one for each core that may be used.
        progress: called with the rows done, the bytes read, and the share of the whole file
            that is done, or None where that cannot be known.
        rehearsal: the output is not kept, so its marks are not recorded.
        kernels: those of the run, where it has several files.
        units: how large the units are that are worked on.
    """

    overwrite: bool = False
    threads: int = 0
    progress: Callable[[int, int, float | None], None] | None = None
    rehearsal: bool = False
    kernels: Kernels | None = None
    units: UnitSize = UnitSize()


class Watching(Beside, Protocol):
    """Who looks at what passes, and judges it at the end."""

    def conclude(self, read: FileFacts) -> None:
        """Judge, when all has passed and before a file gets its name.

        Raises:
            PiiencError: the file must not appear.
        """


def encrypt_file(
    source: Source,
    target: Target,
    *,
    schema: Schema,
    keys: Callable[[str], Keyset],
    counter: CellCounter,
    options: CryptOptions = CryptOptions(),
    watch: Callable[[OpenedTable], Watching] | None = None,
    left_out: frozenset[str] = frozenset(),
) -> Receipt:
    """Encrypt the columns that the schema marks.

    Args:
        source: CSV or Parquet.
        target: of the same format; a file appears whole or not at all.
        schema: names all columns and marks some.
        keys: finds a keyset by its name.
        counter: counts the cells of sealed keys. Its folder also keeps the marks, to which the
            schema is held.
        options: how to run.
        watch: makes, of the open table, who looks at all that passes and may object at the end.
        left_out: columns that the output does not have.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    marks = Marks(counter.folder)
    if not schema.marked:
        raise ConfigError(
            f"the schema {schema.name!r} marks no column, so there is nothing to encrypt",
            hint='mark a column: encrypt = "KEY" under [columns.NAME]',
        )

    def plan(table: OpenedTable) -> _PassPlan:
        check_columns(table, schema)
        left_out_ = _left_out(table, left_out)
        before = record_in(table, None)
        refuse_recorded(table, before, schema.marked)
        hold_to_marks(schema, keys, marks, table.columns)
        watching = watch(table) if watch else None
        steps: dict[str, Encryption] = {}
        kernels = options.kernels or Kernels()
        for name, column in schema.marked.items():
            if name in left_out_:
                continue
            key = str(column.encrypt)
            text = column.encoding == "base64" or not table.typed
            place = ColumnPlace(table, name)
            steps[name] = Encryption(
                place,
                key,
                keys(key),
                schema.context_of(name),
                counter,
                text=text,
                kernels=kernels,
            )
            if (categories := table.categories(name)) is not None:
                steps[name].keep_categories(categories)
        fields = pa.schema([table.schema.field(name) for name in steps])
        record = EncryptionMetadata({name: step.facts for name, step in steps.items()}, fields)

        def at_the_end(read: FileFacts) -> None:
            if watching:
                watching.conclude(read)
            if not options.rehearsal:
                record_marks(schema, keys, marks, table.columns)

        decryptors = {
            name: CellDecryptor(keys(str(schema.columns[name].encrypt)), schema.context_of(name))
            for name in steps
        }
        proof = Proof(table.name, table.columns, decryptors, decrypting=False, left_out=left_out_)
        return _PassPlan(
            steps,
            proof,
            record.and_also(before) if steps else before,
            before.keys if before else {},
            frozenset(steps),
            at_the_end,
            left_out_,
            watching,
        )

    receipt = _pass("encrypt-file", source, target, csv_format(schema), plan, options)
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
        schema: tells which columns are encrypted, under which key and context. Parquet files
            written by piienc tell it themselves.
        keys: finds a keyset by its name.
        columns: only these; none means all.
        options: how to run.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """

    def plan(table: OpenedTable) -> _PassPlan:
        record = record_in(table, schema)
        if schema is not None:
            check_columns(table, schema)
        recorded = record.columns if record else {}
        marks = encrypted_columns(table, schema, record, columns)
        kernels = options.kernels or Kernels()
        steps = {
            name: Decryption(
                ColumnPlace(table, name),
                mark.key,
                keys(mark.key),
                mark.context,
                original_field(table, name, schema, record),
                recorded[name].categories if name in recorded else None,
                kernels=kernels,
            )
            for name, mark in marks.items()
        }
        decryptors = {
            name: CellDecryptor(keys(mark.key), mark.context) for name, mark in marks.items()
        }
        proof = Proof(table.name, table.columns, decryptors, decrypting=True)
        int96 = frozenset(name for name in steps if name in recorded and recorded[name].physical)
        left = record.without(set(steps)) if record else None
        return _PassPlan(steps, proof, left, record.keys if record else {}, int96=int96)

    return _pass("decrypt-file", source, target, csv_format(schema), plan, options)


class _PassPlan(Struct, frozen=True):
    """What a pass does.

    Attributes:
        steps: by column.
        proof: holds what is written against what was read.
        record: what is encrypted behind it.
        keys: keys and values of the footer as they were before anything was encrypted.
        ciphertext: the columns that surely are.
        at_the_end: called when all is written, before a file gets its name, with what was read.
        left_out: columns that the output does not have.
        watching: who looks at what passes.
        int96: those of the columns whose timestamps were stored as INT96.
    """

    steps: Mapping[str, ColumnTransform]
    proof: Proof
    record: EncryptionMetadata | None
    keys: Mapping[bytes, bytes]
    ciphertext: frozenset[str] = frozenset()
    at_the_end: Callable[[FileFacts], None] = lambda _: None
    left_out: frozenset[str] = frozenset()
    watching: Watching | None = None
    int96: frozenset[str] = frozenset()

    def output(self, table: OpenedTable) -> Output:
        """Return the output's columns."""
        fields = [
            self.steps[field.name].field if field.name in self.steps else field
            for field in table.schema
            if field.name not in self.left_out
        ]
        schema = pa.schema(fields)
        keys = dict(self.keys)
        arrow = keys.pop(ARROW_SCHEMA, None)
        arrow = table.arrow_schema if arrow is None else arrow
        before = described({**(table.schema.metadata or {}), **keys}, {}, self.left_out)
        encrypted = {
            name: is_text(schema.field(name).type)
            for name in (self.record.columns if self.record else ())
        }
        now = described(before, encrypted)
        record = None
        if self.record:
            changed = {key: value for key, value in before.items() if now.get(key) != value}
            changed |= {} if arrow is None else {ARROW_SCHEMA: arrow}
            record = replace(self.record, keys=changed).dump()
        schema = with_record(schema.with_metadata(now), record)
        return Output(
            schema,
            self.ciphertext,
            frozenset(self.steps) - self.ciphertext,
            self.left_out,
            self.int96,
            None if arrow is None else arrow_schema(arrow, schema, encrypted),
        )


def _pass(
    command: str,
    source: Source,
    target: Target,
    form: CsvFormat,
    plan: Callable[[OpenedTable], _PassPlan],
    options: CryptOptions,
) -> Receipt:
    """Open both ends, pass the table through, and account for it."""
    started = time.monotonic()
    with source.opened() as file, opened_table(file, form, options.units) as table:
        check_ends(file, target)
        made = plan(table)
        with target.opened(overwrite=options.overwrite) as writer:
            sink = table.sink(writer, target.name, made.output(table))
            tally = run(
                table,
                sink,
                made.steps,
                proof=made.proof,
                threads=options.threads or usable_cores(),
                progress=_progress(file, table, options),
                left_out=made.left_out,
                beside=made.watching,
            )
            read = FileFacts(file.name, *file.finish())
            made.at_the_end(read)
            written = FileFacts(target.name, writer.count, writer.sha256())
    columns = {
        name: ColumnFacts(
            step.key, step.mode, step.used_key_ids, tally.cells[name], tally.nulls[name]
        )
        for name, step in made.steps.items()
    }
    seconds = round(time.monotonic() - started, 3)
    return Receipt(command, read, written, tally.rows, columns, seconds, warnings=sink.warnings)


def _left_out(table: OpenedTable, wanted: frozenset[str]) -> frozenset[str]:
    """Return those of the columns to be left out that the file has.

    Raises:
        ConfigError: nothing would be left.
    """
    found = wanted & {*table.columns}
    if found == {*table.columns}:
        raise ConfigError(
            f"{table.name}: all columns are to be left out", hint="leave one in, at the least"
        )
    return found


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
    """Return how the CSV files of a schema are written; without one, the usual way."""
    if schema is None:
        return CsvFormat()
    return CsvFormat(schema.csv.delimiter, schema.csv.quote, schema.csv.encoding)
