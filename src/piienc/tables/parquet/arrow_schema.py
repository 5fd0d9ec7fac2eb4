"""The Arrow schema that a Parquet footer may hold beside the format's own, kept as it was.

Arrow's reader does not believe all of it: what is `date64` or in seconds there, it reads as what
is stored. polars believes it. So it is not written anew from what was read: columns that are not
changed keep their words, and where nothing is changed any more, it is the same to the byte.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Collection

ARROW_SCHEMA = b"ARROW:schema"
"""Its key."""


def arrow_schema(before: bytes, schema: pa.Schema, encrypted: Collection[str]) -> bytes:
    """Return the entry for an output.

    Args:
        before: the entry that is true of the table before anything was encrypted.
        schema: of the output.
        encrypted: the columns that are ciphertext.
    """
    try:
        told = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(before)))
    except (ValueError, pa.ArrowException):
        told = schema  # Arrow does without it, too
    fields = [
        told.field(field.name)
        if field.name in told.names and field.name not in encrypted
        else field
        for field in schema
    ]
    metadata = schema.metadata or {}
    if not encrypted:
        metadata = {key: metadata[key] for key in told.metadata or {} if key in metadata}
    made = pa.schema(fields, metadata or None)
    if made.equals(told, check_metadata=True):
        return before
    return base64.b64encode(made.serialize())
