"""What keys of a Parquet footer tell of columns, kept true when a column becomes ciphertext.

pandas, Spark and others write beside the data what its columns are, and believe it when they read:
a column that is text by its values and a nullable integer by such a key cannot be opened. So the
key tells of text while the column is encrypted. What it told before is in the record.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    Document = dict[str, Any]


def described(
    metadata: Mapping[bytes, bytes], encrypted: Mapping[str, bool], left_out: Collection[str] = ()
) -> dict[bytes, bytes]:
    """Return a footer's keys and values, true of a table whose columns are changed.

    Args:
        metadata: keys and values that are true of the table as it was.
        encrypted: the columns that are ciphertext, each with whether that is text or bytes.
        left_out: the columns that are not there any more.
    """
    told = dict(metadata)
    for key, change in _KEYS.items():
        if key not in told:
            continue
        try:
            document = json.loads(told[key])
            before = json.dumps(document)
            if not change(document, encrypted, frozenset(left_out)):
                del told[key]
            elif (after := json.dumps(document)) != before:
                told[key] = after.encode()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # what is none of its kind tells nothing of columns
    return told


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


def _spark(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    for field, is_text in _fields(document, encrypted, left_out):
        field["type"] = "string" if is_text else "binary"
        field.get("metadata", {}).pop("__CHAR_VARCHAR_TYPE_STRING", None)
    return True


def _iceberg(document: Document, encrypted: Mapping[str, bool], left_out: Collection[str]) -> bool:
    for field, is_text in _fields(document, encrypted, left_out):
        field["type"] = "string" if is_text else "binary"
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
    b"org.apache.spark.sql.parquet.row.metadata": _spark,
    b"iceberg.schema": _iceberg,
    b"parquet.avro.schema": _avro,
    b"avro.schema": _avro,
    b"geo": _geo,
    b"huggingface": _huggingface,
}
"""For each key, what changes its document, and tells whether the key is true with that."""
