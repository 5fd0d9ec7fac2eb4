"""The place in a Parquet file's key-value metadata where it tells what was encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

RECORD_KEY = b"piienc"
"""The key of the entry."""

_NONE: dict[bytes, bytes] = {}


def record_of(schema: pa.Schema) -> bytes | None:
    """Return what the file's metadata records as encrypted, if anything."""
    found: bytes | None = (schema.metadata or _NONE).get(RECORD_KEY)
    return found


def with_record(schema: pa.Schema, record: bytes | None) -> pa.Schema:
    """Return the schema with the record in its metadata, or without one."""
    metadata = dict(schema.metadata or _NONE)
    metadata.pop(RECORD_KEY, None)
    if record is not None:
        metadata[RECORD_KEY] = record
    return schema.with_metadata(metadata or None)
