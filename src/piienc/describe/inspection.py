"""What a file was found to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.openpgp.packets import PgpMessage

SCHEMA_VERSION = 1


class PgpInspection(Struct, frozen=True):
    """What an OpenPGP file is.

    Attributes:
        name: its path, or `-`.
        message: what its head tells.
        names: the names of those of its key ids that are known.
    """

    name: str
    message: PgpMessage
    names: Mapping[str, str]

    @property
    def kind(self) -> str:
        """`pgp` for a message or a signature, `pgp-key` for keys."""
        return "pgp-key" if self.message.keys else "pgp"

    def document(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        facts = to_builtins(self.message)
        for entry in (*facts["recipients"], *facts["signatures"], *facts["keys"]):
            entry["name"] = self.names.get(entry["key_id"])
        facts |= {
            "encrypted": self.message.container is not None,
            "detached": self.message.is_detached,
            "secret": self.message.has_secret_key,
        }
        head = {"schema_version": SCHEMA_VERSION, "ok": True, "kind": self.kind}
        return {**head, "name": self.name, **facts}


class ColumnInspection(Struct, frozen=True):
    """What can be told of a column.

    Attributes:
        name: as the header has it.
        recorded: whether the file itself records it as encrypted.
        cells: those that were looked at and are not null.
        encrypted_cells: those of them that look encrypted.
        encoding: of those: base64 or binary; None if there are none.
        key_ids: that they bear, or the file records.
        key: the keyset's name, here, or where the file was encrypted; None if not known.
        mode: the keyset's; None if not known.
    """

    name: str
    recorded: bool
    cells: int
    encrypted_cells: int
    encoding: str | None
    key_ids: tuple[int, ...]
    key: str | None
    mode: str | None

    @property
    def encrypted(self) -> bool | None:
        """Whether it is encrypted; None if there is neither a record nor a cell to tell by.

        Cells of a key without a prefix look like nothing, and only a record can tell.
        """
        if self.recorded:
            return True
        return self.encrypted_cells == self.cells if self.cells else None


class TableInspection(Struct, frozen=True):
    """What a table holds.

    Attributes:
        kind: the name of its format: csv or parquet.
        name: its path, or `-`.
        compression: of the whole file; None if it is not compressed.
        rows_looked_at: the rows at its beginning by which columns were judged.
        columns: in the file's order.
    """

    kind: str
    name: str
    compression: str | None
    rows_looked_at: int
    columns: list[ColumnInspection]

    def document(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        facts = to_builtins(self)
        for column, described in zip(self.columns, facts["columns"], strict=True):
            described["encrypted"] = column.encrypted
        return {"schema_version": SCHEMA_VERSION, "ok": True, **facts}
