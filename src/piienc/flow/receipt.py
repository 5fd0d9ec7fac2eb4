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
        return _document(self)


@dataclass(frozen=True, slots=True)
class PgpKeyFacts:
    """An OpenPGP key that took part.

    Attributes:
        name: its name in the key folder; None for one that is not there.
        fingerprint: of its primary key; its key id where no more is known.
    """

    name: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """A signature that was found.

    Attributes:
        key: who made it.
        trust: good, unknown, expired or revoked.
        made: when, in UTC, as ISO 8601.
    """

    key: PgpKeyFacts
    trust: str
    made: str | None


@dataclass(frozen=True, slots=True)
class WrapReceipt:
    """What wrapping a file did.

    Attributes:
        step: the command's name.
        input: what was read.
        outputs: what was written: one file, or its parts in order.
        recipients: who can read it.
        signed_by: who signed it.
        profile: the receiver's demands that it was held to.
        cipher: the symmetric cipher.
        compression: none, zip or zlib.
        armor: whether it is text.
        seconds: how long it took.
        warnings: what the user should know.
    """

    step: str
    input: FileFacts
    outputs: tuple[FileFacts, ...]
    recipients: tuple[PgpKeyFacts, ...]
    signed_by: PgpKeyFacts | None
    profile: str
    cipher: str
    compression: str
    armor: bool
    seconds: float
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document."""
        return _document(self)


@dataclass(frozen=True, slots=True)
class UnwrapReceipt:
    """What unwrapping a file did.

    Attributes:
        step: the command's name.
        input: what was read.
        output: what was written.
        signatures: those that were found; a bad one is an error and never stands here.
        seconds: how long it took.
        warnings: what the user should know.
    """

    step: str
    input: FileFacts
    output: FileFacts
    signatures: tuple[SignatureFacts, ...]
    seconds: float
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document."""
        return _document(self)


def _document(receipt: Receipt | WrapReceipt | UnwrapReceipt) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "ok": True, **asdict(receipt)}
