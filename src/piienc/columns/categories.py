"""The categories of a dictionary column, which its cells alone do not tell.

A dictionary may hold values that no row has, and their order may mean something. So the whole
dictionary is encrypted as one cell, in a context of its own: an Arrow IPC stream of its values. Its
field has the metadata of the column's: polars lists all values of an Enum there once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from piienc.columns.bad_cells import BadCells
from piienc.columns.column import ColumnCipher
from piienc.core import Strings
from piienc.errors import AuthenticationError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.keys import Keyset

    Metadata = Mapping[bytes, bytes]

_CONTEXT = "\0categories"  # behind the column's: no cell of the column passes for its categories


def sealed_categories(
    values: pa.Array, metadata: Metadata, keyset: Keyset, context: str, label: str
) -> str:
    """Return a dictionary's values as one encrypted cell, in base64.

    Args:
        values: the dictionary.
        metadata: of the column's field.
        keyset: encrypts under its primary key.
        context: the column's.
        label: what error messages call the column.
    """
    schema = pa.schema([pa.field("values", values.type, metadata=dict(metadata) or None)])
    batch = pa.RecordBatch.from_arrays([values], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    cell = Strings.of([sink.getvalue().to_pybytes()])
    return _cipher(keyset, context, label).seal(cell).one(0).decode()


def opened_categories(
    cell: str, keyset: Keyset, context: str, label: str
) -> tuple[pa.Array, Metadata]:
    """Return the values of a dictionary, and the metadata of its field, from their encrypted cell.

    Raises:
        AuthenticationError: it is not authentic.
        KeyAccessError: its key is not there.
    """
    try:
        plain = _cipher(keyset, context, label).open(Strings.of([cell.encode()]), text=False)
        with pa.ipc.open_stream(pa.py_buffer(plain.one(0))) as reader:
            batch = reader.read_next_batch()
            return batch.column(0), batch.schema.field(0).metadata or {}
    except (BadCells, pa.ArrowException, StopIteration, IndexError):
        raise AuthenticationError(
            f"{label}: the record's list of its categories does not authenticate"
        ) from None


def categorised(values: pa.Array, kind: pa.DataType, categories: pa.Array, label: str) -> pa.Array:
    """Return values as a dictionary array of given categories.

    Args:
        values: of the dictionary's type of values.
        kind: the dictionary's type.
        categories: its values, in order.
        label: what error messages call the column.

    Raises:
        InputError: a value is none of them.
    """
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which runs on CSV do without

    places = pc.index_in(values, value_set=categories.cast(values.type))
    if places.null_count > values.null_count:
        raise InputError(
            f"{label}: a decrypted cell is none of the column's categories",
            hint="the file was put together of several: decrypt those",
        )
    return pa.DictionaryArray.from_arrays(
        places.cast(kind.index_type), categories.cast(kind.value_type), ordered=kind.ordered
    )


def _cipher(keyset: Keyset, context: str, label: str) -> ColumnCipher:
    return ColumnCipher(keyset, context + _CONTEXT, text=True, label=f"{label}, its categories")
