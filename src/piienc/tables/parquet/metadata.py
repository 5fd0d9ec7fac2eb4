"""The keys and values of a Parquet footer: piienc's record, and other programs' column metadata.

The key `piienc` records the encryption. pandas, Spark and others store the types of columns in
keys of their own and rely on them: they cannot read a column that is text while its key says
nullable integer. So their keys say text while the column is encrypted; the record keeps the
original.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from piienc.lazy import module

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import pyarrow as pa

    Document = dict[str, Any]
else:
    pa = module("pyarrow")

RECORD_KEY = b"piienc"
"""The key of the entry of what was encrypted."""

ARROW_SCHEMA = b"ARROW:schema"
"""The key of Arrow's own schema."""

_NONE: dict[bytes, bytes] = {}


def record_of(schema: pa.Schema) -> bytes | None:
    """Return what the file's metadata records as encrypted, if anything."""
    record: bytes | None = (schema.metadata or _NONE).get(RECORD_KEY)
    return record


def with_record(schema: pa.Schema, record: bytes | None) -> pa.Schema:
    """Return the schema with the record in its metadata, or without one."""
    metadata = dict(schema.metadata or _NONE)
    metadata.pop(RECORD_KEY, None)
    if record is not None:
        metadata[RECORD_KEY] = record
    return schema.with_metadata(metadata or None)


def arrow_schema(before: bytes, schema: pa.Schema, encrypted: Collection[str]) -> bytes:
    """Return the entry of Arrow's own schema for an output.

    Arrow's reader ignores parts of it, such as `date64` or seconds; polars relies on it. So it is
    not generated from the columns as read: unchanged columns keep their entries, and a fully
    decrypted table has the original entry, byte for byte.

    Args:
        before: the entry from before any encryption.
        schema: of the output.
        encrypted: the columns that are ciphertext.
    """
    try:
        original = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(before)))
    except (ValueError, pa.ArrowException):
        original = schema  # Arrow does without it, too
    fields = [
        _restored(original.field(field.name), field)
        if field.name in original.names and field.name not in encrypted
        else field
        for field in schema
    ]
    metadata = schema.metadata or {}
    if not encrypted:
        metadata = {key: metadata[key] for key in original.metadata or {} if key in metadata}
    candidate = pa.schema(fields, metadata or None)
    if candidate.equals(original, check_metadata=True):
        return before
    return base64.b64encode(candidate.serialize())


def without_metadata(entry: bytes, names: Collection[str]) -> bytes | None:
    """Return the entry of Arrow's own schema without the metadata of some columns.

    Args:
        entry: as it stands in the file.
        names: the columns whose metadata is encrypted.

    Returns:
        The entry; None if it is none.
    """
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(entry)))
    except (ValueError, pa.ArrowException):
        return None
    fields = [field.with_metadata(None) if field.name in names else field for field in schema]
    return base64.b64encode(pa.schema(fields, schema.metadata).serialize())


def _restored(entry: pa.Field, field: pa.Field) -> pa.Field:
    """Return a field of the entry, with metadata that was encrypted and is not any more."""
    metadata = {k: v for k, v in (field.metadata or {}).items() if not k.startswith(b"PARQUET:")}
    return entry if entry.metadata or not metadata else entry.with_metadata(metadata)


def described(
    metadata: Mapping[bytes, bytes], encrypted: Mapping[str, bool], left_out: Collection[str] = ()
) -> dict[bytes, bytes]:
    """Return a footer's keys and values, adapted to changed columns.

    Args:
        metadata: the keys and values of the original table.
        encrypted: the columns that are ciphertext; True if it is text, False if it is bytes.
        left_out: the omitted columns.
    """
    entries = dict(metadata)
    for key, change in _KEYS.items():
        if key not in entries:
            continue
        try:
            document = json.loads(entries[key])
            before = json.dumps(document)
            if not change(document, encrypted, frozenset(left_out)):
                del entries[key]
            elif (after := json.dumps(document)) != before:
                entries[key] = after.encode()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # what is none of its kind tells nothing of columns
    return entries


def _pandas(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    def name(column: Document) -> Any:  # noqa: ANN401  # what stands there
        return column.get("field_name", column["name"])

    document["columns"] = [each for each in document["columns"] if name(each) not in left_out]
    document["index_columns"] = [
        each for each in document["index_columns"] if isinstance(each, dict) or each not in left_out
    ]
    for column in document["columns"]:
        if name(column) in encrypted:
            kind = "unicode" if encrypted[name(column)] else "bytes"
            column |= {"pandas_type": kind, "numpy_type": "object", "metadata": None}
    return True


def _fields(
    document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]
) -> Iterator[tuple[Document, bool]]:
    """Take away the fields that are left out, and yield those that are encrypted."""
    document["fields"] = [each for each in document["fields"] if each["name"] not in left_out]
    for field in document["fields"]:
        if field["name"] in encrypted:
            yield field, encrypted[field["name"]]


def _struct(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    for field, is_text in _fields(document, encrypted, left_out):
        field["type"] = "string" if is_text else "binary"
        field.get("metadata", {}).pop("__CHAR_VARCHAR_TYPE_STRING", None)
    return True


def _avro(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    for field, is_text in _fields(document, encrypted, left_out):
        kind = "string" if is_text else "bytes"
        optional = isinstance(field["type"], list) and "null" in field["type"]
        field["type"] = ["null", kind] if optional else kind
        if field.get("default") is not None or not optional:
            field.pop("default", None)
    return True


def _geo(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    for name in {*encrypted, *left_out}:
        document["columns"].pop(name, None)
    return document["primary_column"] in document["columns"]


def _huggingface(
    document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]
) -> bool:
    features = document["info"]["features"]
    for name in left_out:
        features.pop(name, None)
    for name, is_text in encrypted.items():
        if name in features:
            features[name] = {"dtype": "string" if is_text else "binary", "_type": "Value"}
    return True


_KEYS: dict[bytes, Callable[[Document, Mapping[str, bool], Collection[str]], bool]] = {
    b"pandas": _pandas,
    b"org.apache.spark.sql.parquet.row.metadata": _struct,
    b"iceberg.schema": _struct,
    b"parquet.avro.schema": _avro,
    b"avro.schema": _avro,
    b"geo": _geo,
    b"huggingface": _huggingface,
}
"""For each key, what changes its document, and tells whether the key is true with that."""
