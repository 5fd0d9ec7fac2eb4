"""Encrypt and decrypt the marked columns of a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from piienc.lazy import module
from piienc.report.receipt import FileFacts, Receipt
from piienc.state import Marks
from piienc.tables import (
    CsvFormat,
    UnitSize,
    check_ends,
    opened_table,
)
from piienc.transform.passes import DecryptRequest, EncryptRequest
from piienc.transform.pipeline import usable_cores
from piienc.transform.proof import Proof
from piienc.transform.run import BatchObserver, UnitTransform, run

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
    request = EncryptRequest(
        schema=schema,
        keys=keys,
        counter=counter,
        marks=Marks(counter.folder),
        treatments=treatments,
    )
    receipt = _pass("encrypt-file", source, target, request, options, observer)
    return replace(receipt, warnings=counter.warnings() + receipt.warnings)


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
    request = DecryptRequest(schema=schema, keys=keys, columns=columns)
    return _pass("decrypt-file", source, target, request, options)


def _pass(
    command: str,
    source: Source,
    target: Target,
    request: EncryptRequest | DecryptRequest,
    options: CryptOptions,
    observer: Callable[[OpenedTable], FileObserver] | None = None,
) -> Receipt:
    """Open both ends, pass the table through, and account for it."""
    started = time.monotonic()
    form = csv_format(request.schema)
    with source.opened() as file, opened_table(file, form, options.units) as table:
        check_ends(file, target)
        crypt_pass = request.begin(table)
        observing = observer(table) if observer else None
        with target.opened(overwrite=options.overwrite) as writer:
            output = crypt_pass.output(table, bloom_filters=options.bloom_filters)
            sink = table.sink(writer, target.name, output)
            transform = UnitTransform(
                crypt_pass.plan,
                Proof(table.name, table.columns, crypt_pass.plan),
                output.schema,
                observing,
            )
            tally = run(
                table,
                sink,
                transform,
                threads=options.threads or usable_cores(),
                progress=_progress(file, table, options),
            )
            read = FileFacts(file.name, *file.finish())
            if observing:
                observing.conclude(read)
            if not options.rehearsal:
                crypt_pass.record_marks()
            written = FileFacts(target.name, writer.count, writer.sha256())
    columns = crypt_pass.columns(tally)
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
