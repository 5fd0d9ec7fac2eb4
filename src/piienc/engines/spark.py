"""DataFrames of Spark: each partition is encrypted, or decrypted, where it lies.

One `mapInArrow` treats all columns. The driver checks and records, as for a file; workers get the
schema and the place of the keys: see `spark_task.py`.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec import Struct

from piienc.engines.spark_cells import Ticket, counting
from piienc.engines.spark_task import Task, error_in
from piienc.errors import ConfigError, PolicyError, UsageError
from piienc.tables.memory import MemoryTable
from piienc.transform.memory import MemoryPass
from piienc.transform.passes import DecryptRequest, EncryptRequest

try:
    from pyspark.sql.pandas.types import to_arrow_type
    from pyspark.sql.types import BinaryType, StringType, StructField, StructType, TimestampType
except ImportError:
    raise ConfigError(
        "Spark is not installed here", hint="install it: pip install 'piienc[spark]'"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType

    from piienc.keys import Key, Keyset
    from piienc.schema import Schema
    from piienc.state import CellCounter, Marks

RECORD = "piienc"
"""The entry in an encrypted field's metadata that tells what it was."""

_CHAR = "__CHAR_VARCHAR_TYPE_STRING"  # Spark's note of a column's greatest length


class Places(Struct, frozen=True):
    """Where the workers find the keys.

    Attributes:
        keys: the path of the key folder.
        passphrase_file: that of the file with its passphrase; None if they have none.
    """

    keys: str
    passphrase_file: str | None = None


def encrypted(
    df: DataFrame,
    schema: Schema,
    places: Places,
    *,
    keys: Callable[[str], Keyset],
    counter: CellCounter,
    marks: Marks | None,
) -> DataFrame:
    """Return a DataFrame with the columns encrypted that a schema marks.

    Args:
        df: a DataFrame.
        schema: the schema.
        places: where the workers find the keys.
        keys: finds a keyset by its name.
        counter: counts the cells of sealed keys, for all workers.
        marks: the marks that the schema must not undo.

    Raises:
        PiiencError: of the class that tells what is wrong.
    """
    again = [f.name for f in df.schema if f.name in schema.marked and RECORD in f.metadata]
    if again:
        raise PolicyError(
            f"DataFrame: {', '.join(map(repr, again))} encrypted already, as its metadata says",
            hint="encrypt the original DataFrame",
        )
    table = MemoryTable(_arrow_schema(df.schema), (), "DataFrame")
    request = EncryptRequest(schema=schema, keys=keys, counter=counter, marks=marks)
    made = MemoryPass(table, request).schema
    fields = [_encrypted_field(field, schema, keys, made) for field in df.schema]
    keysets = [keys(str(each.encrypt)) for each in schema.marked.values()]
    sealed = {each.primary.fingerprint: each.primary for each in keysets if each.mode == "sealed"}
    ticket = _ticket(df, counter, sealed) if sealed else None
    task = Task(schema, places.keys, places.passphrase_file, ticket=ticket)
    return df.mapInArrow(task.run, StructType(fields))


def decrypted(
    df: DataFrame,
    schema: Schema | None,
    places: Places,
    *,
    keys: Callable[[str], Keyset],
    columns: tuple[str, ...] = (),
) -> DataFrame:
    """Return a DataFrame with encrypted columns decrypted.

    Args:
        df: a DataFrame.
        schema: the schema; None where the fields' metadata tells what was encrypted.
        places: where the workers find the keys.
        keys: finds a keyset by its name.
        columns: only these; none means all.

    Raises:
        PiiencError: of the class that tells what is wrong.
    """
    records = {
        field.name: field.metadata[RECORD] for field in df.schema if RECORD in field.metadata
    }
    if schema is None:
        schema = _recorded(records)
    originals = {name: StructField.fromJson(record["field"]) for name, record in records.items()}
    types = pa.schema([(name, _arrow_type(field.dataType)) for name, field in originals.items()])
    table = MemoryTable(_arrow_schema(df.schema), (), "DataFrame")
    request = DecryptRequest(schema=schema, keys=keys, columns=columns, types=types)
    made = MemoryPass(table, request).schema
    chosen = {name for name in schema.marked if not columns or name in columns}
    fields = [
        _decrypted_field(field, originals.get(field.name), made) if field.name in chosen else field
        for field in df.schema
    ]
    document = types.serialize().to_pybytes()
    task = Task(
        schema, places.keys, places.passphrase_file, decrypt=True, columns=columns, types=document
    )
    return df.mapInArrow(task.run, StructType(fields))


class _Blocks(threading.local):
    """The blocks of `actions` that this thread is in, each with the counters made there."""

    def __init__(self) -> None:
        self.counters: list[list[CellCounter]] = []


_BLOCKS = _Blocks()


@contextmanager
def actions() -> Iterator[None]:
    """Run actions on DataFrames that piienc has made, which raise the errors of `piienc.errors`.

    At its end, the cells of sealed keys that were reserved for DataFrames made in it, and not used,
    are given back; those of others, when the driver ends. It warns of keys that have encrypted over
    half of what is safe.

    Raises:
        PiiencError: a task has raised one: rows count from 1 within the partition.
    """
    _BLOCKS.counters.append([])
    try:
        yield
    except Exception as error:
        if (ours := error_in(str(error))) is not None:
            raise ours from None
        raise
    finally:
        for counter in _BLOCKS.counters.pop():
            for warning in counter.warnings():
                warnings.warn(warning, stacklevel=3)
            counter.close()


def _ticket(df: DataFrame, counter: CellCounter, sealed: Mapping[str, Key]) -> Ticket:
    """Have this driver count cells for its workers.

    Raises:
        ConfigError: it cannot listen to them.
        UsageError: this process is no driver.
    """
    for block in _BLOCKS.counters[-1:]:
        block.append(counter)
    context = getattr(df.sparkSession, "sparkContext", None)
    if context is None:
        raise UsageError(
            "DataFrame is one of Spark Connect, where nobody can count the cells of sealed keys",
            hint="run it in the driver's process, or encrypt under searchable keys",
        )
    given = context.getConf()
    host, port = str(given.get("spark.driver.host")), str(given.get("spark.piienc.port", "0"))
    bind = str(given.get("spark.driver.bindAddress", host))
    if not (port.isascii() and port.isdigit()):
        raise ConfigError(f"spark.piienc.port: {port!r} is no port", hint="give a number, or none")
    return counting(counter, sealed, host, bind=bind, port=int(port))


def _encrypted_field(
    field: StructField, schema: Schema, keys: Callable[[str], Keyset], made: pa.Schema
) -> StructField:
    column = schema.marked.get(field.name)
    if column is None:
        return field
    record = {
        "key": column.encrypt,
        "mode": str(keys(str(column.encrypt)).mode),
        "context": schema.context_of(field.name),
        "field": field.jsonValue(),
    }
    kept = {name: each for name, each in field.metadata.items() if name != _CHAR}
    kind = BinaryType() if pa.types.is_binary(made.field(field.name).type) else StringType()
    return StructField(field.name, kind, field.nullable, {**kept, RECORD: record})


def _recorded(records: Mapping[str, Mapping[str, Any]]) -> Schema:
    """Make a schema of what fields tell of themselves."""
    if not records:
        raise UsageError(
            "DataFrame does not record which of its columns are encrypted",
            hint="give the schema that it was encrypted with: schema=FILE",
        )
    if custom := [name for name, record in records.items() if record["context"] != name]:
        raise UsageError(
            f"DataFrame records a context of its own for {', '.join(map(repr, custom))}, which "
            "only a schema can vouch for",
            hint="give the schema that it was encrypted with: schema=FILE",
        )
    from piienc.base.document import table_of  # noqa: PLC0415  # start-up
    from piienc.schema import Schema as Model  # noqa: PLC0415  # start-up

    columns = {name: {"type": "string", "encrypt": each["key"]} for name, each in records.items()}
    document = {"name": "DataFrame", "version": 1, "extra_columns": "keep", "columns": columns}
    return table_of(document, Model, "DataFrame")


def _decrypted_field(
    field: StructField, original: StructField | None, made: pa.Schema
) -> StructField:
    """Return a decrypted field: of the type it had, or else of the one that the schema tells.

    Its name is today's: a record could have another column's. Null it may be where it was or is:
    an outer join makes nulls of what had none.
    """
    if original is None:
        from pyspark.sql.pandas.types import from_arrow_type  # noqa: PLC0415  # rarely

        return StructField(field.name, from_arrow_type(made.field(field.name).type), field.nullable)
    nullable = field.nullable or original.nullable
    return StructField(field.name, original.dataType, nullable, original.metadata)


def _arrow_schema(struct: StructType) -> pa.Schema:
    return pa.schema(
        [pa.field(each.name, _arrow_type(each.dataType), each.nullable) for each in struct]
    )


def _arrow_type(kind: DataType) -> pa.DataType:
    """Return the Arrow type of which Spark gives batches; null for one that Arrow has not."""
    if isinstance(kind, TimestampType):
        return pa.timestamp("us", "UTC")
    try:
        return to_arrow_type(kind)
    except Exception:  # noqa: BLE001  # of classes that differ between versions of Spark
        return pa.null()
