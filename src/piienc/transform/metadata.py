"""The encryption record of a Parquet file, which allows decryption without a schema.

A JSON document in the file's key-value metadata, under `piienc`:

    {"version": 1,
     "columns": {"email": {"key": …, "mode": …, "context": …, "key_ids": […], "type": …}},
     "types": base64 of an Arrow IPC schema: the columns' fields before encryption,
     "keys": {"pandas": …}: the original keys of the footer that describe columns}

The record is neither secret nor authenticated. Each cell is authenticated with its context, so a
schema, if given, decides on key and context.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from msgspec import MsgspecError, Struct, convert, to_builtins
from msgspec.json import decode

from piienc.errors import InputError
from piienc.lazy import module

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
else:
    pa = module("pyarrow")

_VERSION = 1


class EncryptedColumn(Struct, frozen=True, omit_defaults=True):
    """How one column was encrypted.

    Attributes:
        key: the keyset's name where it was encrypted.
        mode: searchable or sealed.
        context: the associated data.
        key_ids: the keys of the set that encrypted its cells.
        type: the original type, for people.
        physical: INT96, if its timestamps were stored as such.
        categories: those of a dictionary column, as one cell: see `columns/categories.py`.
    """

    key: str
    mode: str
    context: str
    key_ids: tuple[int, ...]
    type: str
    physical: str | None = None
    categories: str | None = None


class EncryptionMetadata(Struct, frozen=True):
    """The encryption record of a file.

    Attributes:
        columns: the encrypted columns.
        fields: their original Arrow fields.
        keys: the original keys and values of the footer, where they had to change.
    """

    columns: dict[str, EncryptedColumn]
    fields: pa.Schema
    keys: Mapping[bytes, bytes] = {}

    def dump(self) -> bytes:
        """Return the document."""
        columns = {name: to_builtins(column) for name, column in self.columns.items()}
        types = base64.b64encode(self.fields.serialize()).decode()
        document = {"version": _VERSION, "columns": columns, "types": types}
        if self.keys:
            document["keys"] = {key.decode(): value.decode() for key, value in self.keys.items()}
        return json.dumps(document).encode()

    def without(self, names: set[str]) -> EncryptionMetadata | None:
        """Return the record of the columns that stay encrypted; None if there are none."""
        columns = {name: column for name, column in self.columns.items() if name not in names}
        fields = pa.schema([field for field in self.fields if field.name in columns])
        return EncryptionMetadata(columns, fields, self.keys) if columns else None

    def and_also(self, other: EncryptionMetadata | None) -> EncryptionMetadata:
        """Return both records as one."""
        if other is None:
            return self
        fields = pa.schema([*self.fields, *other.fields])
        return EncryptionMetadata(self.columns | other.columns, fields, other.keys)


class _Document(Struct, frozen=True):
    columns: dict[str, EncryptedColumn]
    types: bytes
    keys: dict[str, str] = {}


def parse(document: bytes, name: str) -> EncryptionMetadata:
    """Read the document of a file called `name`.

    Raises:
        InputError: it is malformed, or its version is unknown.
    """
    try:
        members = decode(document)
        _require_version(members["version"], name)
        content = convert(members, _Document)
        fields = pa.ipc.read_schema(pa.py_buffer(content.types))
        for column in content.columns:
            fields.field(column)
    except (RecursionError, ValueError, KeyError, TypeError, MsgspecError, pa.ArrowException):
        raise InputError(
            f"{name}: its record of what is encrypted is damaged",
            hint="name the schema that it was encrypted with: --schema",
        ) from None
    keys = {key.encode(): value.encode() for key, value in content.keys.items()}
    return EncryptionMetadata(content.columns, fields, keys)


def _require_version(version: object, name: str) -> None:
    if version != _VERSION:
        raise InputError(
            f"{name}: its record of what is encrypted is of another version than {_VERSION}",
            hint="a newer piienc wrote it: update yours",
        )
