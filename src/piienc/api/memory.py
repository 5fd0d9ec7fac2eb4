"""Encrypt, decrypt and verify tables in memory."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from piienc import schema as schemas
from piienc.api.common import require_one_of, settings_of, unlocker_of
from piienc.api.plan import session
from piienc.audit.entry import recorded
from piienc.engines.frames import cells_of, frame_of
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.report.model import Expect, SchemaFacts
from piienc.state import Marks
from piienc.verification.available_keys import AvailableKeys, require_marks_kept
from piienc.verification.opening import VerifiedFile
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import verify as verify_by

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import pyarrow as pa

    from piienc.api.common import OnWarning, Passphrase, PathLike
    from piienc.api.plan import Marking
    from piienc.engines.frames import Frame
    from piienc.report.model import Report
    from piienc.tables.memory import MemoryTable
    from piienc.transform.memory import MemoryPass

    Begin = Callable[[MemoryTable], MemoryPass]

Table = TypeVar("Table")


def encrypt_table(
    table: Table,
    *,
    schema: Marking,
    name: str = "table",
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Table:
    """Encrypt the columns of a table in memory that a schema marks.

    Args:
        table: a `pyarrow.Table`, `RecordBatch` or `RecordBatchReader`, a DataFrame of pandas or
            polars, or what speaks Arrow's PyCapsule protocol.
        schema: the schema file; or the columns to encrypt, as for `Plan`.
        name: what error messages call the table.
        passphrase: of the keys; None if they have none.
        threads: batches worked on side by side; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Returns:
        A table of the same kind; of kinds that are not named here, a `pyarrow.Table`. A reader
        is encrypted as it is read, and the step ends with it.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong, with column and row.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    frame = frame_of(table, name)
    step = session(
        "encrypt-table", schema, settings=settings, unlocker=unlocker, on_warning=on_warning
    )
    with ExitStack() as stack:
        begin = stack.enter_context(step)
        return _passed(frame, begin, stack, threads)  # type: ignore[no-any-return]  # of its kind


def decrypt_table(
    table: Table,
    *,
    schema: Marking | None = None,
    columns: Sequence[str] = (),
    like: object = None,
    name: str = "table",
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Table:
    """Decrypt encrypted columns of a table in memory; every cell is authenticated.

    Args:
        table: as for `encrypt_table`.
        schema: likewise; tables of Arrow and pandas that piienc has encrypted can do without.
        columns: only these; none means all.
        like: the original table, a part of it, or its Arrow schema: its types are restored. Needed
            where the table cannot record them, as in polars, and the schema's are not enough.
        name: as for `encrypt_table`.
        passphrase: likewise.
        threads: likewise.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Returns:
        As `encrypt_table`.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong, with column and row.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    frame = frame_of(table, name)
    step = session(
        "decrypt-table",
        schema,
        decrypt=True,
        columns=columns,
        like=like,
        settings=settings,
        unlocker=unlocker,
        on_warning=on_warning,
    )
    with ExitStack() as stack:
        begin = stack.enter_context(step)
        return _passed(frame, begin, stack, threads)  # type: ignore[no-any-return]  # of its kind


def _passed(frame: Frame, begin: Begin, stack: ExitStack, threads: int) -> Any:  # noqa: ANN401  # of its kind
    """Pass a table; the step of one that is streamed ends with the stream."""
    memory_pass = begin(frame.table)
    if not frame.streamed:
        return frame.given_back(memory_pass.schema, memory_pass.batches(threads))
    batches = _until_end(stack.pop_all(), memory_pass, threads)
    next(batches)
    return frame.given_back(memory_pass.schema, batches)


def _until_end(
    stack: ExitStack, memory_pass: MemoryPass, threads: int
) -> Generator[pa.RecordBatch]:
    """Yield batches, behind one that is none: it enters the step, so that it is left always."""
    with stack:
        yield None
        yield from memory_pass.batches(threads)


def verify_table(
    table: object,
    *,
    schema: PathLike,
    expect: Expect = "encrypted",
    against: object = None,
    key_column: str | None = None,
    without_keys: bool = False,
    max_findings: int = 100,
    name: str = "table",
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Report:
    """Verify a table in memory against its schema; findings are in the report and raise no error.

    Args:
        table: as for `encrypt_table`.
        schema: the schema file.
        expect: whether the marked columns are `encrypted` or `plain`.
        against: the original table, to compare every cell with.
        key_column: the column that names the rows, where the tables are in different orders.
        without_keys: check only the form of ciphertexts.
        max_findings: the number of findings listed of each column and rule.
        name: as for `encrypt_table`.
        passphrase: likewise.
        threads: likewise.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Returns:
        The report, as of `verify`; its size and hash are those of the table as an Arrow IPC stream.

    Raises:
        piienc.errors.PiiencError: the table could not be checked.
    """
    require_one_of("expect", expect, get_args(Expect))
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    frame, described = frame_of(table, name), Path(schema)
    original = None if against is None else frame_of(against, "original")
    files = [("verified", name)]
    with recorded(
        "verify-table", settings, files, schema=described, on_warning=on_warning
    ) as entry:
        loaded = schemas.load(described)
        available = AvailableKeys(KeyFolder(settings.keys_dir, unlocker), used=not without_keys)
        marks = Marks(settings.state_dir)
        request = VerifyRequest(
            schema=loaded,
            facts=SchemaFacts.of(loaded, described),
            expect=expect,
            against=None if original is None else VerifiedFile.of_memory(original.table),
            key_column=key_column,
            most=max_findings,
            hold=lambda columns: require_marks_kept(loaded, available, marks, columns),
            threads=threads,
            types=None if original is None else original.table.schema,
        )
        report = verify_by(
            VerifiedFile.of_memory(frame.table),
            request,
            keys=available,
            pgp=PgpFolder(settings.keys_dir, unlocker),
        )
        entry.receipt(report)
    return report


def encrypt_values(
    values: Sequence[object],
    *,
    key: str,
    context: str,
    encoding: str = "base64",
    passphrase: Passphrase = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> list[Any]:
    """Encrypt values as the cells of a column are encrypted, for look-ups and tests.

    Args:
        values: text, bytes, numbers, dates or None, all of one type; None stays None. Not text
            itself: give `["a@b"]`.
        key: the name of the key. Under a searchable one, equal values have equal ciphertexts.
        context: what binds them to their column: the column's name, if its schema says no other.
        encoding: `base64` for text, or `binary` for bytes.
        passphrase: of the key; None if it has none.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Returns:
        The ciphertexts.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    mark = {"encrypt": key, "context": context, "encoding": encoding}
    with session(
        "encrypt-values",
        {"value": mark},
        settings=settings,
        unlocker=unlocker,
        on_warning=on_warning,
    ) as begin:
        batch = cells_of(values, "value")
        memory_pass = begin(frame_of(batch, "values").table)
        return memory_pass.apply(batch).column(0).to_pylist()  # type: ignore[no-any-return]  # of pyarrow
