"""The columns of a Parquet file that is written, and what its footer tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.columns import is_text
from piienc.tables import ARROW_SCHEMA, Output, arrow_schema, described, with_record

if TYPE_CHECKING:
    from piienc.tables import OpenedTable
    from piienc.transform.metadata import EncryptionMetadata
    from piienc.transform.plan import Plan


def output_of(
    table: OpenedTable,
    plan: Plan,
    before: EncryptionMetadata | None,
    record: EncryptionMetadata | None,
) -> Output:
    """Return the columns of what is written of a table of types.

    Args:
        table: what is read.
        plan: what is done to it.
        before: what the table records as encrypted.
        record: what is encrypted behind it.
    """
    schema, ciphertext = plan.schema_of(table.schema), frozenset(plan.sealed)
    recorded, keys = (before.columns, dict(before.keys)) if before else ({}, {})
    int96 = frozenset(name for name in plan.keyed if name in recorded and recorded[name].physical)
    # The footer as it was before anything was encrypted.
    arrow = keys.pop(ARROW_SCHEMA, None)
    arrow = table.arrow_schema if arrow is None else arrow
    original = described({**(table.schema.metadata or {}), **keys}, {}, plan.omitted)
    encrypted = {
        name: is_text(schema.field(name).type) for name in (record.columns if record else ())
    }
    now = described(original, encrypted)
    document = None
    if record:
        changed = {key: value for key, value in original.items() if now.get(key) != value}
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
