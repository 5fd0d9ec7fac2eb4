"""What a worker of Spark does with the batches of a partition.

What is pickled lies in broadcasts, and maybe on disks: it has no key and no passphrase, but the
places where the worker finds them. Keys are opened once a worker process.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec import Struct

from piienc import errors
from piienc.keys import KeyFolder, Unlocker
from piienc.keys.passphrase import read_passphrase
from piienc.tables.memory import MemoryTable
from piienc.transform.memory import MemoryPass
from piienc.transform.passes import DecryptRequest, EncryptRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.keys import Key
    from piienc.schema import Schema

NAME = "partition"
_MARK = "piienc-error:"


class TaskError(Exception):
    """An error of ours on its way to the driver, which gets no more of it than its text."""

    def __init__(self, error: errors.PiiencError) -> None:
        facts = {"class": type(error).__name__, "message": str(error), "hint": error.hint}
        super().__init__(_MARK + json.dumps(facts))


def error_in(text: str) -> errors.PiiencError | None:
    """Return the error of ours that a text of Spark's tells of, if there is one."""
    _, mark, rest = text.partition(_MARK)
    if not mark:
        return None
    try:
        facts, _ = json.JSONDecoder().raw_decode(rest)
        kind = getattr(errors, facts["class"])
        made: errors.PiiencError = kind(facts["message"], hint=facts["hint"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return made


class Task(Struct, frozen=True):
    """What is done to the partitions of a DataFrame.

    Attributes:
        schema: what is marked.
        keys: the key folder's path on the workers.
        passphrase_file: that of the file with the passphrase of the keys there; None if they have
            none.
        decrypt: decrypt; else, encrypt.
        columns: decrypt only these.
        types: the original types, as an Arrow IPC schema.
    """

    schema: Schema
    keys: str
    passphrase_file: str | None = None
    decrypt: bool = False
    columns: tuple[str, ...] = ()
    types: bytes | None = None

    def run(
        self,
        batches: Iterator[pa.RecordBatch],
        on_sealed: Callable[[str, int], None] = lambda *_: None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a partition, changed.

        Args:
            batches: all of one schema.
            on_sealed: called with the fingerprint of a sealed key and the cells under it.

        Raises:
            TaskError: of an error of ours, with the row in the partition, from 1.
        """
        budget, memory_pass, row = _Reported(on_sealed), None, 1
        try:
            for batch in batches:
                if memory_pass is None:
                    table = MemoryTable(batch.schema, (), NAME)
                    memory_pass = MemoryPass(table, self.request(budget))
                yield memory_pass.apply(batch, row)
                row += batch.num_rows
        except errors.PiiencError as error:
            raise TaskError(error) from None

    def request(self, budget: _Reported) -> EncryptRequest | DecryptRequest:
        """Return what is asked for, with the keys of this process."""
        keys = _opened(self.keys, self.passphrase_file).load
        if self.decrypt:
            types = None if self.types is None else pa.ipc.read_schema(pa.py_buffer(self.types))
            return DecryptRequest(schema=self.schema, keys=keys, columns=self.columns, types=types)
        return EncryptRequest(schema=self.schema, keys=keys, counter=budget, marks=None)


class _Reported(Struct, frozen=True):
    """Tells of the cells of sealed keys, which the driver has reserved."""

    on_sealed: Callable[[str, int], None]

    def spend(self, key: Key, cells: int) -> None:
        """Tell of cells."""
        self.on_sealed(key.fingerprint, cells)


@lru_cache(8)
def _opened(keys: str, passphrase_file: str | None) -> KeyFolder:
    """Return a key folder, of which each key is opened once a process."""
    if passphrase_file is None:
        return KeyFolder(Path(keys))
    path = Path(passphrase_file)
    return KeyFolder(Path(keys), Unlocker(lambda _: read_passphrase(path)))
