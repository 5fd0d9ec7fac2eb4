"""Tables in memory, of whatever library: taken as Arrow, and given back as they came."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec import Struct

from piienc.errors import InputError, UsageError
from piienc.tables import record_of, with_record
from piienc.tables.memory import MemoryTable
from piienc.tables.parquet.slices import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_STREAM = "__arrow_c_stream__"
_ARRAY = "__arrow_c_array__"
_ATTRIBUTE = "piienc"  # of a DataFrame of pandas, which keeps no metadata of Arrow


class Frame(Struct, frozen=True):
    """A table in memory.

    Attributes:
        table: what it holds.
        given_back: makes a table of the same kind of a schema and its batches.
        streamed: whether that takes the batches only when they are asked for.
    """

    table: MemoryTable
    given_back: Callable[[pa.Schema, Iterator[pa.RecordBatch]], Any]
    streamed: bool = False


def frame_of(value: object, name: str) -> Frame:
    """Return a table in memory as Arrow has it.

    Args:
        value: a table, batch or reader of Arrow, a DataFrame of pandas or polars, or anything
            that speaks Arrow's PyCapsule protocol.
        name: what error messages call it.

    Raises:
        UsageError: it is none of these.
        InputError: two columns are called alike.
    """
    if isinstance(value, pa.RecordBatchReader):
        return Frame(MemoryTable(value.schema, value, name), _reader, streamed=True)
    if isinstance(value, pa.RecordBatch):
        return Frame(MemoryTable(value.schema, [value], name, whole=[value]), _batch)
    if isinstance(value, pa.Table):
        return _whole(value, name, _table)
    library = type(value).__module__.partition(".")[0]
    if library == "pandas" and hasattr(value, "attrs") and hasattr(value, "columns"):
        return _of_pandas(value, name)
    if library == "polars" and hasattr(value, "to_arrow") and hasattr(value, "columns"):
        return _whole(_of_polars(value, name), name, _polars)
    if hasattr(value, _STREAM) or hasattr(value, _ARRAY):
        return _whole(_taken(lambda: _of_capsules(value), name), name, _table)
    raise UsageError(
        f"{name}: a {type(value).__qualname__} of {library} is no table in memory",
        hint="give a table or reader of pyarrow, a DataFrame of pandas or polars, or what has "
        f"{_STREAM}",
    )


def schema_of_frame(value: object) -> pa.Schema:
    """Return the Arrow schema of a table in memory, or one that is given itself.

    Raises:
        UsageError: it has none.
    """
    if isinstance(value, pa.Schema):
        return value
    if hasattr(value, "__arrow_c_schema__"):
        return pa.schema(value)
    return frame_of(value, "like").table.schema


def cells_of(values: Sequence[object], name: str) -> pa.RecordBatch:
    """Return values as a batch of one column.

    Raises:
        UsageError: they are text or bytes themselves, or of different types.
    """
    if isinstance(values, str | bytes):
        raise UsageError(
            "values: one value is no list of values", hint="give it in a list: [value]"
        )
    array = None
    with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
        array = pa.array(values)
    if array is None:  # outside of the handler: Arrow's own message may quote a value
        raise UsageError(
            "values: Arrow knows no type for them",
            hint="give text, bytes, numbers or dates, all of one type",
        )
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    return pa.RecordBatch.from_arrays([array], [name])


def _whole(table: pa.Table, name: str, given_back: Callable[..., Any]) -> Frame:
    batches = table.to_batches()
    return Frame(MemoryTable(table.schema, batches, name, whole=batches), given_back)


def _taken(make: Callable[[], pa.Table], name: str) -> pa.Table:
    """Return what Arrow makes of another library's table.

    Raises:
        UsageError: it cannot; its own message may quote a value, and so is no context of this one.
    """
    with suppress(pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError):
        return make()
    raise UsageError(
        f"{name}: Arrow cannot take it as a table: a column has values of several types, or of one "
        "that Arrow has not",
        hint="give every column one type: text, numbers, dates; or make a pyarrow.Table of it",
    )


def _of_capsules(value: Any) -> pa.Table:  # noqa: ANN401  # of a library that is not known
    return pa.table(value) if hasattr(value, _STREAM) else pa.table(pa.record_batch(value))


def _reader(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(schema, batches)


def _table(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches, schema)
    with suppress(pa.ArrowException):  # it joins no dictionaries of nested values, or with nulls
        return table.unify_dictionaries()
    return table


def _batch(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch:
    parts = [*batches]
    none = [pa.nulls(0, field.type) for field in schema]
    return together(parts) if parts else pa.RecordBatch.from_arrays(none, schema=schema)


def _of_pandas(frame: Any, name: str) -> Frame:  # noqa: ANN401  # pandas need not be there
    record, index = frame.attrs.get(_ATTRIBUTE), frame.index
    if index.nlevels == 1 and index.name is not None and index.name in frame.columns:
        raise InputError(
            f"{name}: its index is called {str(index.name)!r}, and so is a column",
            hint="rename the index, or remove it: reset_index(drop=True)",
        )
    if record is not None:
        frame = frame.copy(deep=False)
        frame.attrs = {key: each for key, each in frame.attrs.items() if key != _ATTRIBUTE}
    # Numbers of rows are no column. Every other index is one, which may be personal.
    numbers = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    keep = False if numbers else None
    table = _taken(lambda: pa.Table.from_pandas(frame, preserve_index=keep), name)
    if record is not None:
        now = _described_anew(str(record), table.schema.metadata)
        table = table.replace_schema_metadata(with_record(table.schema, now).metadata)

    def given_back(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Any:  # noqa: ANN401  # see above
        made = _table(schema, batches).to_pandas()
        if numbers:
            made.index = index.copy()
        if (now := record_of(schema)) is not None:
            made.attrs[_ATTRIBUTE] = now.decode()
        return made

    return _whole(table, name, given_back)


def _described_anew(record: str, metadata: Mapping[bytes, bytes]) -> bytes:
    """Return a record whose description of the frame is that of today.

    Only of encrypted columns, it tells what they were: others may have come, gone or changed.
    """
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        document = json.loads(record)
        before = json.loads(document.get("keys", {}).get("pandas", '{"columns": []}'))
        now = json.loads(metadata[b"pandas"])
        were = {each["field_name"]: each for each in before["columns"]}
        now["columns"] = [
            were.get(each["field_name"], each)
            if each["field_name"] in document["columns"]
            else each
            for each in now["columns"]
        ]
        document.setdefault("keys", {})["pandas"] = json.dumps(now)
        return json.dumps(document).encode()
    return record.encode()


def _of_polars(frame: Any, name: str) -> pa.Table:  # noqa: ANN401  # polars need not be there
    if objects := [str(each) for each, kind in frame.schema.items() if str(kind) == "Object"]:
        raise UsageError(
            f"{name}: {', '.join(map(repr, objects))} of type Object, of which Arrow sees no value",
            hint="cast it to a type of polars, or leave it out",
        )
    return _taken(frame.to_arrow, name)


def _polars(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Any:  # noqa: ANN401  # see above
    import polars as pl  # noqa: PLC0415  # whoever gives one has it

    table = _table(schema, batches)
    made = pl.DataFrame(table)
    for column in table.schema.names:
        if made[column].null_count() != table[column].null_count:
            raise InputError(
                f"column {column!r} has a value that is no category of its type",
                hint="give `like` with all categories",
            )
    return made
