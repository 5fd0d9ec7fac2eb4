"""The record of one finished step: counts, hashes, key ids. Never a value of a cell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file that was read or written.

    Attributes:
        name: its path, or `-`.
        bytes: its size.
        sha256: the hash of its bytes, in hex.
    """

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column that was encrypted or decrypted.

    Attributes:
        key: the keyset's name.
        mode: searchable or sealed.
        key_ids: the keys of the set that were used.
        cells: the number of cells that are not null.
        nulls: the number of those that are.
    """

    key: str
    mode: str
    key_ids: tuple[int, ...]
    cells: int
    nulls: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a step did.

    Attributes:
        step: the command's name.
        input: what was read.
        output: what was written.
        rows: the rows in both.
        columns: by name, those that were changed.
        seconds: how long it took.
        warnings: what the user should know.
    """

    step: str
    input: FileFacts
    output: FileFacts
    rows: int
    columns: dict[str, ColumnFacts]
    seconds: float
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document."""
        return {"schema_version": SCHEMA_VERSION, "ok": True, **asdict(self)}
