"""The columns of a table that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import pyarrow as pa


class Output(Struct, frozen=True):
    """The columns of an output.

    Attributes:
        schema: its Arrow schema.
        ciphertext: the columns that are encrypted on the way.
        decrypted: those that are decrypted.
        left_out: those of the source that are not there.
        int96: those of the decrypted whose timestamps were stored as INT96.
        arrow_schema: what a Parquet footer tells beside its own schema, if anything.
    """

    schema: pa.Schema
    ciphertext: frozenset[str] = frozenset()
    decrypted: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    int96: frozenset[str] = frozenset()
    arrow_schema: bytes | None = None
