"""DataFrames of Spark: each partition is encrypted, or decrypted, where it lies.

One `mapInArrow` treats all columns. The driver checks and records, as for a file; workers get the
schema and the place of the keys: see `spark_task.py`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec import Struct

from piienc.engines.spark_task import Task, error_in
from piienc.errors import ConfigError, PolicyError, UsageError
from piienc.tables.memory import MemoryTable
from piienc.transform.memory import MemoryPass
from piienc.transform.passes import DecryptRequest, EncryptRequest

try:
    from pyspark.accumulators import AccumulatorParam
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
    rows: int | None = None,
) -> DataFrame:
    """Return a DataFrame with the columns encrypted that a schema marks.

    Args:
        df: a DataFrame.
        schema: the schema.
        places: where the workers find the keys.
        keys: finds a keyset by its name.
        counter: counts the cells of sealed keys: as many are reserved as rows need.
        marks: the marks that the schema must not undo.
        rows: how many rows it has at the most; None has Spark count them.

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
    sealed = [keys(str(each.encrypt)) for each in schema.marked.values()]
    sealed = [keyset for keyset in sealed if keyset.mode == "sealed"]
    task = Task(schema, places.keys, places.passphrase_file)
    if not sealed:
        return df.mapInArrow(task.run, StructType(fields))
    count = df.count() if rows is None else rows
    reserved = Reservation(counter, [keyset.primary for keyset in sealed], count)
    context = df.sparkSession.sparkContext
    speculates = context.getConf().get("spark.speculation", "false") == "true"
    reserved.begin(int(context.getConf().get("spark.task.maxFailures", "4")))
    told = context.accumulator({}, CellReports(reserved.report))
    return df.mapInArrow(_Counted(task, told, 2 if speculates else 1), StructType(fields))


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
        originals.get(field.name, _typed(field, made)) if field.name in chosen else field
        for field in df.schema
    ]
    document = types.serialize().to_pybytes()
    task = Task(
        schema, places.keys, places.passphrase_file, decrypt=True, columns=columns, types=document
    )
    return df.mapInArrow(task.run, StructType(fields))


class Reservation:
    """Cells of sealed keys that are counted before an action encrypts them.

    An action may run again, and so may each task of it; what a task has encrypted is known when it
    has ended, and of failed attempts never. So what all attempts of a whole action could need is
    always reserved ahead; and each task that has ended is counted once more for each attempt
    that failed before it. Of what was ahead, one action's cells are never given back: a stage that
    is begun anew does not tell how far it had come. The count is never less than the cells.
    """

    def __init__(self, counter: CellCounter, keys: list[Key], rows: int) -> None:
        """Take the keys of the sealed columns, one for each, and the rows of an action."""
        self._counter, self._rows, self._lock = counter, rows, threading.Lock()
        self._keys = {key.fingerprint: key for key in keys}
        self._columns = {name: [k.fingerprint for k in keys].count(name) for name in self._keys}
        self._ahead: dict[str, int] = {}

    def begin(self, attempts: int) -> None:
        """Reserve what an action can need, each of whose tasks may be tried so often.

        Raises:
            KeyAccessError: a key would encrypt more cells than is safe.
        """
        for name, key in self._keys.items():
            self._ahead[name] = attempts * self._rows * self._columns[name]
            self._counter.spend(key, self._ahead[name])
        for block in _BLOCKS[-1:]:
            block.append(self)

    def report(self, cells: Mapping[str, int]) -> None:
        """Count what a task has encrypted."""
        with self._lock:
            for name, count in cells.items():
                self._counter.spend(self._keys[name], count)

    def end(self) -> None:
        """Give back what was reserved ahead: all actions have come to their end."""
        with self._lock:
            for name, ahead in self._ahead.items():
                once = self._rows * self._columns[name]
                self._counter.give_back(self._keys[name], max(0, ahead - once))
            self._ahead.clear()
            self._counter.close()


class CellReports(AccumulatorParam[dict[str, int]]):  # type: ignore[misc]  # Spark has no types here
    """Adds up the cells of tasks: in a worker, into one report; in the driver, one by one."""

    def __init__(self, on_report: Callable[[Mapping[str, int]], None] | None = None) -> None:
        """Take what the driver does with a report."""
        self._on_report = on_report

    def __reduce__(self) -> tuple[type[CellReports], tuple[()]]:
        """Travel to workers without what belongs to the driver."""
        return CellReports, ()

    def zero(self, value: dict[str, int]) -> dict[str, int]:  # noqa: ARG002  # any
        """Return no cells."""
        return {}

    def addInPlace(self, value1: dict[str, int], value2: dict[str, int]) -> dict[str, int]:  # noqa: N802  # Spark's name
        """Add a report."""
        if self._on_report is not None:
            self._on_report(value2)
        return {name: value1.get(name, 0) + value2.get(name, 0) for name in {**value1, **value2}}


class _Counted(Struct, frozen=True):
    """A task that tells the driver how many cells it has sealed."""

    task: Task
    told: Any
    copies: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a partition's batches, encrypted."""
        from pyspark import TaskContext  # noqa: PLC0415  # there is one in a worker only

        cells: dict[str, int] = {}

        def count(key: str, number: int) -> None:
            cells[key] = cells.get(key, 0) + number

        yield from self.task.run(batches, count)
        context = TaskContext.get()
        # Attempts that failed tell nothing, so this one tells for them.
        attempts = self.copies * (1 if context is None else 1 + context.attemptNumber())
        self.told.add({key: attempts * number for key, number in cells.items()})


_BLOCKS: list[list[Reservation]] = []


@contextmanager
def actions() -> Iterator[None]:
    """Run actions on DataFrames that piienc has made, which raise the errors of `piienc.errors`.

    At the end of the block, what was reserved in it of the cells of sealed keys, and not used, is
    given back. Where an action fails, the reservation stays counted.

    Raises:
        PiiencError: a task has raised one: rows count from 1 within the partition.
    """
    _BLOCKS.append([])
    try:
        yield
    except Exception as error:
        if (ours := error_in(str(error))) is not None:
            raise ours from None
        raise
    else:
        for reservation in _BLOCKS[-1]:
            reservation.end()
    finally:
        _BLOCKS.pop()


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


def _typed(field: StructField, made: pa.Schema) -> StructField:
    """Return a decrypted field whose type only the schema tells."""
    from pyspark.sql.pandas.types import from_arrow_type  # noqa: PLC0415  # rarely

    return StructField(field.name, from_arrow_type(made.field(field.name).type), field.nullable)


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
