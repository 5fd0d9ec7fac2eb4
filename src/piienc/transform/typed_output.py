"""The columns of a Parquet file that is written, and what its footer tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.columns import is_text
from piienc.tables import ARROW_SCHEMA, Output, arrow_schema, described, with_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.tables import OpenedTable
    from piienc.transform.metadata import EncryptionMetadata
    from piienc.transform.plan import Plan


def output_of(
    table: OpenedTable,
    plan: Plan,
    record: EncryptionMetadata | None,
    keys: Mapping[bytes, bytes],
    ciphertext: frozenset[str],
    int96: frozenset[str],
) -> Output:
    """Return the columns of what is written of a table of types.

    Args:
        table: what is read.
        plan: what is done to it.
        record: what is encrypted behind it.
        keys: keys and values of the footer as they were before anything was encrypted.
        ciphertext: the columns that are encrypted on the way.
        int96: the changed columns whose timestamps were stored as INT96.
    """
    schema, keys = plan.schema_of(table.schema), dict(keys)
    arrow = keys.pop(ARROW_SCHEMA, None)
    arrow = table.arrow_schema if arrow is None else arrow
    before = described({**(table.schema.metadata or {}), **keys}, {}, plan.omitted)
    encrypted = {
        name: is_text(schema.field(name).type) for name in (record.columns if record else ())
    }
    now = described(before, encrypted)
    document = None
    if record:
        changed = {key: value for key, value in before.items() if now.get(key) != value}
        changed |= {} if arrow is None else {ARROW_SCHEMA: arrow}
        document = replace(record, keys=changed).dump()
    schema = with_record(schema.with_metadata(now), document)
    return Output(
        schema,
        ciphertext,
        frozenset(plan.changed) - ciphertext,
        plan.omitted,
        int96,
        None if arrow is None else arrow_schema(arrow, schema, encrypted),
    )
