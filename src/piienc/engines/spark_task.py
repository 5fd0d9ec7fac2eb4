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
from piienc.engines.spark_cells import CellClient, error_of, facts_of, other_keys
from piienc.keys import KeyFolder, Unlocker
from piienc.keys.passphrase import read_passphrase
from piienc.tables.memory import MemoryTable
from piienc.transform.memory import MemoryPass
from piienc.transform.passes import DecryptRequest, EncryptRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.engines.spark_cells import Ticket
    from piienc.keys import Key
    from piienc.schema import Schema

NAME = "partition"
_MARK = "piienc-error:"


class TaskError(Exception):
    """An error of ours on its way to the driver, which gets no more of it than its text."""

    def __init__(self, error: errors.PiiencError) -> None:
        super().__init__(_MARK + json.dumps(facts_of(error)))


def error_in(text: str) -> errors.PiiencError | None:
    """Return the error of ours that a text of Spark's tells of, if there is one."""
    _, mark, rest = text.partition(_MARK)
    if not mark:
        return None
    try:
        facts, _ = json.JSONDecoder().raw_decode(rest)
        return error_of(facts)
    except (ValueError, AttributeError):
        return None


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
        ticket: to have the cells of sealed keys counted.
    """

    schema: Schema
    keys: str
    passphrase_file: str | None = None
    decrypt: bool = False
    columns: tuple[str, ...] = ()
    types: bytes | None = None
    ticket: Ticket | None = None

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a partition, changed.

        Args:
            batches: all of one schema.

        Raises:
            TaskError: of an error of ours, with the row in the partition, from 1.
        """
        client = None if self.ticket is None else CellClient(self.ticket)
        memory_pass, row = None, 1
        try:
            for batch in batches:
                if memory_pass is None:
                    table = MemoryTable(batch.schema, (), NAME)
                    memory_pass = MemoryPass(table, self.request(client))
                yield memory_pass.apply(batch, row)
                row += batch.num_rows
        except errors.PiiencError as error:
            raise TaskError(error) from None
        finally:
            if client is not None:
                client.close()

    def request(self, client: CellClient | None) -> EncryptRequest | DecryptRequest:
        """Return what is asked for, with the keys of this process."""
        keys = _opened(self.keys, self.passphrase_file).load
        if self.decrypt:
            types = None if self.types is None else pa.ipc.read_schema(pa.py_buffer(self.types))
            return DecryptRequest(schema=self.schema, keys=keys, columns=self.columns, types=types)
        return EncryptRequest(
            schema=self.schema, keys=keys, counter=client or _NO_CELLS, marks=None
        )


class _NoCells:
    """Counts nothing: the driver has found no sealed key."""

    def spend(self, key: Key, cells: int) -> None:  # noqa: ARG002  # none is right
        """Refuse."""
        raise other_keys()


_NO_CELLS = _NoCells()


@lru_cache(8)
def _opened(keys: str, passphrase_file: str | None) -> KeyFolder:
    """Return a key folder, of which each key is opened once a process."""
    if passphrase_file is None:
        return KeyFolder(Path(keys))
    path = Path(passphrase_file)
    return KeyFolder(Path(keys), Unlocker(lambda _: read_passphrase(path)))
