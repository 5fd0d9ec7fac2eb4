"""What a verification found: counts, rows, columns and rules. Never a value of a cell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct, field, to_builtins

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.report.receipt import FileFacts
    from piienc.schema import Schema

SCHEMA_VERSION = 1

RULES = {
    "columns": "the file has the columns of the schema, each once",
    "type": "the value is of the column's type",
    "required": "the value is not null",
    "unique": "the value appears in no earlier row",
    "pattern": "the whole value matches the column's pattern",
    "enum": "the value is one of the allowed values",
    "min": "the value is not below the minimum",
    "max": "the value is not above the maximum",
    "max_length": "the value is not longer than the maximum",
    "format": "the value has the column's format",
    "plaintext": "a cell of a marked column is a ciphertext",
    "key": "a ciphertext is of the column's own key, and that key may be used",
    "authentic": "a ciphertext is authentic under the column's key and context",
    "encrypted": "a file that is still to be encrypted holds no ciphertext",
    "personal": "an unmarked column holds nothing that looks like personal data",
    "profile": "the rows follow the rules of the receiver",
    "rows": "both files have the same number of rows",
    "row": "each row of one file is in the other",
    "value": "a cell is the same in both files",
    "round-trip": "encrypted cells decrypt to the original values",
    "leak": "equal values of a searchable column do not give away what they are",
}
"""Every rule, by its name in findings, and what it requires."""

Severity = Literal["error", "warning"]
Expect = Literal["encrypted", "plain"]


class Finding(Struct, frozen=True):
    """One thing that is not as it should be.

    Attributes:
        row: from 1, the first row after the header; None if it is of a whole column or file.
        column: the column's name; None if it is of whole rows or of the file.
        rule: a key of `RULES`.
        detail: what is wrong, without the value: `longer than 80 characters`.
        severity: a warning alone leaves the verdict a good one.
    """

    row: int | None
    column: str | None
    rule: str
    detail: str
    severity: Severity = "error"


class ColumnReport(Struct, frozen=True):
    """One column's counts.

    Attributes:
        type: the schema's type; None for a column that the schema does not name.
        marked: whether the schema marks it.
        key: the name of the marked column's key.
        mode: searchable or sealed; None if the key is not there.
        context: the marked column's context.
        key_ids: the keys whose ciphertexts were found.
        nulls: cells that are null.
        encrypted: cells that have the form of a ciphertext; None for an unmarked column.
        authentic: cells that are authentic; None where no key was there to tell.
        failures: by rule, how many cells or rows broke it; `personal` stands in `suspicious`.
        suspicious: by finder, how many cells look like personal data.
        distinct: how many different values a searchable column holds.
        most_frequent: how many cells of a searchable column hold its most frequent value.
        unchecked: by rule, why it could not be checked.
    """

    type: str | None
    marked: bool
    key: str | None = None
    mode: str | None = None
    context: str | None = None
    key_ids: tuple[int, ...] = ()
    nulls: int = 0
    encrypted: int | None = None
    authentic: int | None = None
    failures: dict[str, int] = field(default_factory=dict)
    suspicious: dict[str, int] = field(default_factory=dict)
    distinct: int | None = None
    most_frequent: int | None = None
    unchecked: dict[str, str] = field(default_factory=dict)


class SchemaFacts(Struct, frozen=True):
    """The schema that a file was held against.

    Attributes:
        name: what it calls itself.
        version: its own.
        file: its path.
        sha256: the hash of the file's bytes, in hex.
    """

    name: str
    version: int
    file: str
    sha256: str

    @classmethod
    def of(cls, schema: Schema, path: Path) -> Self:
        """Return the facts of a schema that was read from a file."""
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(schema.name, schema.version, str(path), content)


class Report(Struct, frozen=True):
    """What a verification found.

    Attributes:
        step: the command's name.
        tool: piienc and its version.
        time: when it began, in UTC, as ISO 8601.
        file: what was verified: as it lies there, wrapped or not.
        schema: what it was held against.
        expect: whether the marked columns should be encrypted, or plain still.
        against: the original that it was compared with.
        profile: the receiver whose rules on rows it was held to.
        wrapped: whether the file was an OpenPGP message.
        round_trip: what was tried: `columns`, and `message` if it was wrapped and unwrapped too.
        rows: rows in the file.
        columns: by name, in the order of the file.
        findings: in order of row and column, those of whole columns first; of each column and
            rule only the first, as many as was asked for.
        counts: by rule, how many findings there are in all, warnings included.
        errors: how many of them are errors.
        missing_keys: the names of keys that were needed and not there.
        seconds: how long it took.
        warnings: what the user should know beside the findings.
    """

    step: str
    tool: str
    time: str
    file: FileFacts
    schema: SchemaFacts
    expect: Expect
    against: FileFacts | None
    profile: str | None
    wrapped: bool
    round_trip: tuple[str, ...]
    rows: int
    columns: dict[str, ColumnReport]
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    errors: int
    missing_keys: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found but warnings, and no key was missing."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """6 if a cell is not authentic, 10 for any other error, 5 for a missing key, else 0."""
        if self.counts.get("authentic"):
            return 6
        if self.errors:
            return 10
        return 5 if self.missing_keys else 0

    @property
    def key_ids(self) -> tuple[int, ...]:
        """The keys of all columns, each once."""
        return tuple(sorted({one for column in self.columns.values() for one in column.key_ids}))

    def document(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {"schema_version": SCHEMA_VERSION, "ok": self.ok, **to_builtins(self)}
