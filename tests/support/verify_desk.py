"""What the tests of verification share: tables with planted faults, and a desk that verifies."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet as pq

from piienc import schema as schemas
from piienc.columns import ColumnCipher
from piienc.errors import KeyAccessError
from piienc.keys import Keyset, Mode, generate
from piienc.keys.openpgp.folder import PgpFolder
from piienc.report.model import SchemaFacts
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget
from piienc.transform import crypt
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.report.model import Report
    from piienc.schema import Schema

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "required": True, "unique": True, "pattern": "c-[0-9]{6}"},
    "email": {
        "type": "string",
        "required": True,
        "unique": True,
        "format": "email",
        "encrypt": "look",
    },
    "note": {"type": "string", "max_length": 20, "encrypt": "seal"},
    "born": {"type": "date", "min": date(1900, 1, 1), "max": date(2020, 1, 1), "encrypt": "seal"},
    "age": {"type": "integer", "min": 0, "max": 150},
    "city": {"type": "string", "enum": ["Oslo", "Bergen"]},
    "zip": {"type": "string", "max_length": 5},
}
"""A schema with every rule, on columns that are marked and on some that are not."""

MODES = {"look": Mode.SEARCHABLE, "seal": Mode.SEALED, "other": Mode.SEARCHABLE}
FORMATS = ["csv", "parquet"]


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


@dataclass
class Sheet:
    """A table that faults are planted in; a cell is its text in CSV, and its value in Parquet."""

    columns: dict[str, list[Any]]
    types: dict[str, pa.DataType] = field(default_factory=dict)
    metadata: dict[bytes, bytes] | None = None

    @classmethod
    def load(cls, path: Path) -> Sheet:
        """Read a file without quotes, but for the empty string."""
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            types = {each.name: each.type for each in table.schema}
            return cls(table.to_pydict(), types, table.schema.metadata)
        known: dict[str, str | None] = {"": None, '""': ""}
        lines = path.read_text("utf-8").splitlines()
        rows = zip(*(line.split(",") for line in lines[1:]), strict=True)
        cells = [[known.get(cell, cell) for cell in column] for column in rows]
        return cls(dict(zip(lines[0].split(","), cells, strict=True)))

    def copy(self) -> Sheet:
        """Return another one, to be changed."""
        return Sheet({k: list(v) for k, v in self.columns.items()}, dict(self.types), self.metadata)

    def save(self, path: Path) -> None:
        """Write it as CSV or Parquet, by the name."""
        if path.suffix == ".parquet":
            arrays = [pa.array(cells, self.types.get(k)) for k, cells in self.columns.items()]
            table = pa.table(dict(zip(self.columns, arrays, strict=True)))
            pq.write_table(table.replace_schema_metadata(self.metadata), path)
            return
        rows = zip(*(map(_field, cells) for cells in self.columns.values()), strict=True)
        lines = [",".join(map(_field, self.columns)), *map(",".join, rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")


def _field(cell: str | None) -> str:
    if cell is None:
        return ""
    quoted = cell == "" or any(mark in cell for mark in ',"\n\r')
    return '"' + cell.replace('"', '""') + '"' if quoted else cell


def people(rows: int, kind: str) -> Sheet:
    """Make people of whom nothing breaks a rule; some notes are null, and some are empty."""
    notes = {3: None, 5: ""}
    born = [date(1950 + i % 50, 1 + i % 12, 1 + i % 28) if i % 5 else None for i in range(rows)]
    ages = [i % 100 for i in range(rows)]
    sheet = Sheet(
        {
            "id": [f"c-{i:06}" for i in range(rows)],
            "email": [f"u{i}@example.com" for i in range(rows)],
            "note": [notes.get(i % 7, f"note {i}") for i in range(rows)],
            "born": born if kind == "parquet" else [day and day.isoformat() for day in born],
            "age": ages if kind == "parquet" else [str(age) for age in ages],
            "city": ["Oslo" if i % 3 else "Bergen" for i in range(rows)],
            "zip": [f"{i % 1000:05}" if i % 11 else None for i in range(rows)],
        }
    )
    if kind == "parquet":
        sheet.types = {name: pa.string() for name in sheet.columns}
        sheet.types |= {"born": pa.date32(), "age": pa.int64()}
    return sheet


@dataclass
class Desk:
    """A folder of files, the keys at hand, and the verification.

    Attributes:
        folder: where all files are.
        keys: the keysets at hand, by name.
        locked: names of those that cannot be opened.
    """

    folder: Path
    keys: dict[str, Keyset] = field(
        default_factory=lambda: {name: generate(mode) for name, mode in MODES.items()}
    )
    locked: set[str] = field(default_factory=set)
    used: bool = True

    def open(self, name: str) -> Keyset | None:
        """Return a keyset, as verification asks for it."""
        if not self.used:
            return None
        if name in self.locked or name not in self.keys:
            raise KeyAccessError(f"no key {name}", hint="none")
        return self.keys[name]

    def facts(self, name: str):
        """Return what may be known of a keyset."""
        return self.keys[name].facts if name in self.keys else None

    def schema(self, columns: dict[str, Any] | None = None, **more: Any) -> Schema:
        """Make a schema."""
        tables = {name: table for name, table in more.items() if isinstance(table, dict)}
        top = {"name": "people", "version": 1, **more}
        lines = [f"{name} = {toml(said)}" for name, said in top.items() if name not in tables]
        for name, column in (columns or COLUMNS).items():
            tables[f"columns.{json.dumps(name)}"] = column
        for name, table in tables.items():
            lines += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
        path = self.folder / "schema.toml"
        path.write_text("\n".join(lines), "utf-8")
        return schemas.load(path)

    def encrypt(self, source: str, target: str, schema: Schema | None = None) -> Path:
        """Encrypt a file of the folder, and return the other."""
        with CellCounter(self.folder / "state") as counter:
            crypt.encrypt_file(
                FileSource(self.folder / source),
                FileTarget(self.folder / target),
                schema=schema or self.schema(),
                keys=self.keys.__getitem__,
                counter=counter,
                options=crypt.CryptOptions(overwrite=True),
            )
        return self.folder / target

    def sealed(self, value: str | bytes, key: str, context: str, *, text: bool = True) -> Any:
        """Encrypt one value."""
        cipher = ColumnCipher(self.keys[key], context, text=text, label="planted")
        return cipher.encrypt(pa.array([value]))[0].as_py()

    def verify(self, file: str, schema: Schema | None = None, **wanted: Any) -> Report:
        """Verify a file of the folder."""
        if "against" in wanted:
            wanted["against"] = FileSource(self.folder / wanted["against"])
        return verify(
            FileSource(self.folder / file),
            VerifyRequest(
                schema=schema or self.schema(),
                facts=SchemaFacts("people", 1, "schema.toml", "0" * 64),
                **wanted,
            ),
            keys=self,
            pgp=PgpFolder(self.folder / "keys"),
        )

    def verify_sheet(self, sheet: Sheet, kind: str, schema: Schema | None = None, **wanted: Any):
        """Save a table and verify it."""
        sheet.save(self.folder / f"faulty.{kind}")
        return self.verify(f"faulty.{kind}", schema, **wanted)


def found(report: Report) -> list[tuple[int | None, str | None, str]]:
    """Return all findings, by row, column and rule; none may be left out."""
    assert sum(report.counts.values()) == len(report.findings)
    return [(one.row, one.column, one.rule) for one in report.findings]


def compressed(path: Path) -> Path:
    """Compress a file with gzip."""
    other = path.with_name(f"{path.name}.gz")
    with path.open("rb") as source, gzip.open(other, "wb") as target:
        shutil.copyfileobj(source, target)
    return other
