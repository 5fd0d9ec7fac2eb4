"""The record of one finished step: counts, hashes, key ids. Never a value of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET, Struct, UnsetType, to_builtins

if TYPE_CHECKING:
    from piienc.errors import PiiencError

SCHEMA_VERSION = 1


class FileFacts(Struct, frozen=True):
    """A file that was read or written.

    Attributes:
        name: its path, or `-`.
        bytes: its size.
        sha256: the hash of its bytes, in hex.
    """

    name: str
    bytes: int
    sha256: str


class ColumnFacts(Struct, frozen=True):
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


class RecordedStep(Struct, frozen=True, kw_only=True):
    """What the receipts of all steps may have.

    Attributes:
        warnings: what the user should know.
        audit: the place that the audit log has come to: how many lines, and the hash of the last.
    """

    warnings: tuple[str, ...] = ()
    audit: dict[str, Any] | UnsetType = UNSET


class StepReceipt(RecordedStep, frozen=True):
    """What a step did.

    Attributes:
        step: the command's name.
    """

    step: str

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document."""
        return {"schema_version": SCHEMA_VERSION, "ok": True, **to_builtins(self)}


class Receipt(StepReceipt, frozen=True):
    """What a step did to a table.

    Attributes:
        input: what was read.
        output: what was written.
        rows: the rows in both.
        columns: by name, those that were changed.
        seconds: how long it took.
    """

    input: FileFacts
    output: FileFacts
    rows: int
    columns: dict[str, ColumnFacts]
    seconds: float


class TableReceipt(StepReceipt, frozen=True):
    """What a step did to a table in memory.

    Attributes:
        rows: its rows.
        columns: by name, those that were changed.
        seconds: how long it took.
        files: none.
    """

    files: ClassVar[tuple[Receipt, ...]] = ()
    rows: int
    columns: dict[str, ColumnFacts]
    seconds: float


class FolderReceipt(StepReceipt, frozen=True):
    """What a step did to the files of a folder.

    Attributes:
        input: the folder that was read.
        output: the folder that was made.
        files: what was done to each file, in the order of their names.
        rows: the rows of all files.
        columns: by name, those that were changed, counted over all files.
        seconds: how long it took.
    """

    input: str
    output: str
    files: tuple[Receipt, ...]
    rows: int
    columns: dict[str, ColumnFacts]
    seconds: float


class PgpKeyFacts(Struct, frozen=True):
    """An OpenPGP key that took part.

    Attributes:
        name: its name in the key folder; None for one that is not there.
        fingerprint: of its primary key; its key id where no more is known.
    """

    name: str | None
    fingerprint: str


class SignatureFacts(Struct, frozen=True):
    """A signature that was found.

    Attributes:
        key: who made it.
        trust: good, unknown, expired or revoked.
        made: when, in UTC, as ISO 8601.
    """

    key: PgpKeyFacts
    trust: str
    made: str | None


class WrapReceipt(StepReceipt, frozen=True):
    """What wrapping a file did.

    Attributes:
        input: what was read.
        outputs: what was written: one file, or its parts in order.
        recipients: who can read it.
        signed_by: who signed it.
        profile: the receiver's demands that it was held to.
        cipher: the symmetric cipher.
        compression: none, zip or zlib.
        armor: whether it is text.
        seconds: how long it took.
    """

    input: FileFacts
    outputs: tuple[FileFacts, ...]
    recipients: tuple[PgpKeyFacts, ...]
    signed_by: PgpKeyFacts | None
    profile: str
    cipher: str
    compression: str
    armor: bool
    seconds: float


class UnwrapReceipt(StepReceipt, frozen=True):
    """What unwrapping a file did.

    Attributes:
        input: what was read.
        output: what was written.
        signatures: those that were found; a bad one is an error and never stands here.
        seconds: how long it took.
    """

    input: FileFacts
    output: FileFacts
    signatures: tuple[SignatureFacts, ...]
    seconds: float


class ErrorFacts(Struct, frozen=True):
    """What a file has failed with.

    Attributes:
        code: the exit code.
        kind: the class of errors.
        message: what happened, and where.
        hint: what can be done next.
    """

    code: int
    kind: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: PiiencError) -> ErrorFacts:
        """Return the facts of an error."""
        return cls(error.exit_code, error.kind, str(error), error.hint)

    def document(self) -> dict[str, Any]:
        """Return the JSON document of a command that has failed."""
        return {"schema_version": SCHEMA_VERSION, "ok": False, "error": to_builtins(self)}


class SentFile(Struct, frozen=True):
    """What became of a file that was pushed.

    Attributes:
        source: its local path.
        name: its name at the destination.
        bytes: its size.
        outcome: delivered, skipped, failed or, in a rehearsal, planned.
        sha256: the hash of its bytes, in hex, if it is known.
        why: why it was skipped, or what is planned.
        transfer: the id in the ledger.
        trigger: the name of the trigger file behind it.
        attempts: how often it was tried, those of earlier runs included.
        resumed_at: where sending went on, in bytes.
        seconds: how long it took.
        warnings: what the user should know.
        error: what it has failed with.
    """

    source: str
    name: str
    bytes: int
    outcome: str
    sha256: str | None
    why: str | None = None
    transfer: str | None = None
    trigger: str | None = None
    attempts: int = 0
    resumed_at: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    error: ErrorFacts | None = None


class PushReceipt(StepReceipt, frozen=True):
    """What became of files that were pushed.

    Attributes:
        url: of the destination.
        destination: its name in `piienc.toml`.
        files: in the order in which they were given.
        seconds: how long it took.
        dry_run: nothing was sent.
        free_space: bytes that there is room for, if the destination tells; only of a rehearsal.
        orphans: hidden files of transfers that nobody goes on with; they were removed, and in a
            rehearsal are still there.
    """

    url: str
    destination: str | None
    files: tuple[SentFile, ...]
    seconds: float
    dry_run: bool = False
    free_space: int | None = None
    orphans: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The code of the first file that has failed; 0 if none has."""
        return next((file.error.code for file in self.files if file.error), 0)

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document; not `ok` if a file has failed."""
        errors = [to_builtins(file.error) for file in self.files if file.error]
        return super().document() | ({"ok": False, "error": errors[0]} if errors else {})


class PullReceipt(StepReceipt, frozen=True):
    """What was fetched.

    Attributes:
        url: of the destination.
        destination: its name in `piienc.toml`.
        files: what was written, with the local paths.
        seconds: how long it took.
    """

    url: str
    destination: str | None
    files: tuple[FileFacts, ...]
    seconds: float
