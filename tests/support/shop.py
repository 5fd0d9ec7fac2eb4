"""A shop with keys, schemas and a folder of files, in which tables are rewritten."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from piienc import schema as schemas
from piienc.keys import Keyset, Mode, generate
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget
from piienc.transform import crypt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from piienc.errors import PiiencError
    from piienc.report.receipt import Receipt
    from piienc.schema import Schema

CANARY = "CANARY-4711"
PEOPLE = {
    "id": {"type": "string"},
    "email": {"type": "string", "encrypt": "look"},
    "note": {"type": "string", "encrypt": "seal"},
}
MODES = {"look": Mode.SEARCHABLE, "seal": Mode.SEALED, "other": Mode.SEARCHABLE}


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Shop:
    """A folder of files, and the keys that they are encrypted under.

    Marks cannot be undone, so a shop whose schemas have nothing to do with each other leaves the
    name out, and each is called by its columns.
    """

    folder: Path
    state: Path
    overwrite: bool = False
    name: str = "people"
    keys: dict[str, Keyset] = field(
        default_factory=lambda: {name: generate(mode) for name, mode in MODES.items()}
    )

    def schema(
        self, columns: dict[str, Any] | None = None, version: int = 1, **more: Any
    ) -> Schema:
        """Make a schema; by default of people with an id, an email and a note."""
        tables = {name: table for name, table in more.items() if isinstance(table, dict)}
        name = self.name or json.dumps([columns, more])
        lines = [f"name = {_toml(name)}", f"version = {version}"]
        lines += [f"{name} = {_toml(more[name])}" for name in more if name not in tables]
        for name, column in (columns or PEOPLE).items():
            tables[f"columns.{_toml(name)}"] = column
        for name, table in tables.items():
            lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
        path = self.folder.parent / "schema.toml"
        path.write_text("\n".join(lines), "utf-8")
        return schemas.load(path)

    def write(self, name: str, data: str | bytes) -> Path:
        """Put a file into the folder."""
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.folder / name).read_bytes()

    def encrypt(
        self, source: str, target: str, schema: Schema | None = None, **options: Any
    ) -> Receipt:
        """Encrypt a file of the folder."""
        options.setdefault("overwrite", self.overwrite)
        treatments = options.pop("treatments", {})
        with CellCounter(self.state) as counter:
            return crypt.encrypt_file(
                FileSource(self.folder / source),
                FileTarget(self.folder / target),
                schema=schema or self.schema(),
                keys=self.keys.__getitem__,
                counter=counter,
                options=crypt.CryptOptions(**options),
                treatments=treatments,
            )

    def decrypt(
        self,
        source: str,
        target: str,
        schema: Schema | None = None,
        columns: tuple[str, ...] = (),
        **options: Any,
    ) -> Receipt:
        """Decrypt a file of the folder; Parquet by its own record if there is no schema."""
        options.setdefault("overwrite", self.overwrite)
        return crypt.decrypt_file(
            FileSource(self.folder / source),
            FileTarget(self.folder / target),
            schema=schema,
            keys=self.keys.__getitem__,
            columns=columns,
            options=crypt.CryptOptions(**options),
        )

    def there_and_back(
        self, data: bytes, schema: Schema, suffix: str = "csv", **options: Any
    ) -> tuple[bytes, ...]:
        """Encrypt and decrypt; return both outputs."""
        self.write(f"plain.{suffix}", data)
        self.encrypt(f"plain.{suffix}", f"encrypted.{suffix}", schema, **options)
        self.decrypt(f"encrypted.{suffix}", f"back.{suffix}", schema, **options)
        return self.read(f"encrypted.{suffix}"), self.read(f"back.{suffix}")

    def listing(self) -> dict[str, bytes]:
        """Return all files of the folder with their content."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}

    @contextlib.contextmanager
    def refused(self, kind: type[PiiencError], *patterns: str) -> Iterator[None]:
        """Check an error's class and place, that it shows no value, and that nothing is left."""
        before = self.listing()
        with pytest.raises(kind) as caught:
            yield
        assert type(caught.value) is kind
        message = str(caught.value)
        for pattern in patterns:
            assert re.search(pattern, message), message
        assert CANARY not in message + caught.value.hint
        assert self.listing() == before


@pytest.fixture
def shop(tmp_path):
    """Give a shop of the test's own."""
    (tmp_path / "files").mkdir()
    return Shop(tmp_path / "files", tmp_path / "state")


@pytest.fixture(scope="session")
def bench(tmp_path_factory):
    """Give a shop that the examples of a property share."""
    folder = tmp_path_factory.mktemp("bench") / "files"
    folder.mkdir()
    return Shop(folder, folder.parent / "state", overwrite=True, name="")
