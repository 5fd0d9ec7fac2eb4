"""The function of batches that all is made of, with its keys, counts and marks."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from piienc import schema as schemas
from piienc.api.common import keyring, settings_of, unlocker_of
from piienc.audit.entry import recorded
from piienc.base.document import table_of
from piienc.engines.frames import schema_of_frame
from piienc.errors import UsageError
from piienc.state import CellCounter, Marks
from piienc.tables.memory import MemoryTable
from piienc.transform.memory import MemoryPass
from piienc.transform.passes import DecryptRequest, EncryptRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from piienc.api.common import OnWarning, Passphrase, PathLike
    from piienc.keys import Unlocker
    from piienc.schema import Schema
    from piienc.settings import Settings

    Marking = PathLike | Mapping[str, str | Mapping[str, Any]]
    """A schema file; or the columns to encrypt, each with the name of its key, or with what a
    schema would say of it."""


class Plan:
    """What is done to each column of record batches: what the schema marks is encrypted.

    Files, tables in memory and Spark's partitions pass through this function. Use a plan as a
    context, or close it: then its run is complete in the audit log, and cells of sealed keys that
    were reserved and not used are given back.
    """

    def __init__(
        self,
        schema: Marking | None = None,
        *,
        decrypt: bool = False,
        columns: Sequence[str] = (),
        like: object = None,
        name: str = "batch",
        passphrase: Passphrase = None,
        keys: PathLike | None = None,
        state: PathLike | None = None,
        config: PathLike | None = None,
        on_warning: OnWarning = warnings.warn,
    ) -> None:
        """Make a plan, and record its beginning in the audit log.

        Args:
            schema: the schema file; or the columns to encrypt: `{"email": "lookup"}`, by the name
                of a key. Such columns are held to no marks of earlier runs. Decrypting batches
                that piienc has encrypted can do without.
            decrypt: decrypt what is encrypted; else, encrypt.
            columns: decrypt only these; none means all.
            like: a table, or the schema of one, whose types are restored; where it has none of a
                column's, and the batch records none, the schema decides.
            name: what error messages call a batch.
            passphrase: of the keys; None if they have none.
            keys: as for `encrypt_file`.
            state: likewise.
            config: likewise.
            on_warning: likewise.

        Raises:
            piienc.errors.PiiencError: the schema, the audit log or a setting is not as it should
                be.
        """
        if schema is None and not decrypt:
            raise UsageError(
                "a plan that encrypts needs a schema", hint='give one: Plan("schema.toml")'
            )
        self._name, self._lock = name, threading.Lock()
        self._passes: list[tuple[pa.Schema, MemoryPass]] = []
        stack = ExitStack()
        self._begin = stack.enter_context(
            session(
                "decrypt-batches" if decrypt else "encrypt-batches",
                schema,
                decrypt=decrypt,
                columns=columns,
                like=like,
                settings=settings_of(keys, state, config),
                unlocker=unlocker_of(passphrase),
                on_warning=on_warning,
            )
        )
        self._closing = weakref.finalize(self, stack.close)

    def schema_of(self, schema: pa.Schema) -> pa.Schema:
        """Return the Arrow schema of what `apply` makes of batches of a schema.

        Raises:
            piienc.errors.PiiencError: a column is missing, or cannot be treated.
        """
        return self._pass(schema).schema

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with its columns encrypted, or decrypted; safe in several threads.

        Raises:
            piienc.errors.PiiencError: of the class that tells what is wrong, with column and row;
                rows count from 1.
        """
        return self._pass(batch.schema).apply(batch)

    def close(self) -> None:
        """Complete the run; closing it twice does no harm."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pass(self, schema: pa.Schema) -> MemoryPass:
        """Return the pass over batches of a schema; the metadata may record what is encrypted."""
        with self._lock:
            if not self._closing.alive:
                raise UsageError(
                    "the plan is closed", hint="make a new one, and use it as a context"
                )
            for known, made in self._passes:
                if known.equals(schema, check_metadata=True):
                    return made
            made = self._begin(MemoryTable(schema, (), self._name))
            self._passes.append((schema, made))
            return made


@contextmanager
def session(
    step: str,
    schema: Marking | None,
    *,
    settings: Settings,
    unlocker: Unlocker,
    decrypt: bool = False,
    columns: Sequence[str] = (),
    like: object = None,
    on_warning: OnWarning = warnings.warn,
) -> Iterator[Callable[[MemoryTable], MemoryPass]]:
    """Record a step over tables in memory; yields what prepares the pass over one."""
    types = None if like is None else schema_of_frame(like)
    path = None if schema is None or isinstance(schema, Mapping) else Path(schema)
    passes: list[MemoryPass] = []
    with (
        recorded(step, settings, schema=path, on_warning=on_warning) as entry,
        CellCounter(settings.state_dir) as counter,
    ):
        loaded = schemas.load(path) if path else None
        if isinstance(schema, Mapping):
            loaded = _of_columns(schema)
        found = keyring(settings, unlocker, entry)

        def begin(table: MemoryTable) -> MemoryPass:
            request: DecryptRequest | EncryptRequest
            if decrypt or loaded is None:
                request = DecryptRequest(schema=loaded, keys=found, columns=columns, types=types)
            else:
                marks = Marks(settings.state_dir) if path else None
                request = EncryptRequest(schema=loaded, keys=found, counter=counter, marks=marks)
            passes.append(MemoryPass(table, request))
            return passes[-1]

        try:
            yield begin
        finally:
            for each in passes:
                entry.receipt(each.receipt(step))
        for warning in counter.warnings():
            on_warning(warning)


def _of_columns(columns: Mapping[str, str | Mapping[str, Any]]) -> Schema:
    """Make a schema of columns that are marked without a file."""
    tables = {
        name: {"type": "string", **({"encrypt": each} if isinstance(each, str) else each)}
        for name, each in columns.items()
    }
    document = {"name": "columns", "version": 1, "extra_columns": "keep", "columns": tables}
    return table_of(document, schemas.Schema, "columns")
