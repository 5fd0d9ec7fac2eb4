"""What cases of CSV and of Parquet have in common: marked columns, a schema, how they are run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from piienc.schema.finder import built_in


class Wrong(AssertionError):  # noqa: N818  # what piienc does is
    """What was found: the step that it was found in, and what is wrong."""

    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"{step}: {what}")
        self.step = step


@dataclass(frozen=True)
class Mark:
    """How a column is encrypted.

    Attributes:
        key: the name of one of `KEYSETS`.
        context: its own context; None for the column's name.
        binary: whether Parquet stores bytes.
    """

    key: str
    context: str | None = None
    binary: bool = False


@dataclass(frozen=True)
class Run:
    """How a case is run.

    Attributes:
        door: the way into piienc: flow, stream, api, table, cli or pipe.
        threads: units worked on side by side.
        unit: bytes of a block of CSV, rows of a slice of Parquet; 0 for the usual size.
        weight: bytes of a slice of Parquet; what is heavier is halved. 0 for the usual size.
        seed: of the damage that is done to the encrypted file.
        rotated: rotated keysets encrypt by the key that was their primary before.
        mixed: some cells are encrypted again by Tink, under any of the set's keys.
        only: the number of the one marked column that is decrypted; None for all.
        omitted: the number of a column that is left out of another encrypted file; None for none.
        by_record: Parquet is decrypted without its schema.
        finders: whether personal data in clear is looked for.
        others: read the file by DuckDB and polars, too.
        engine: which one does the work: native or plain.
        both: the other engine encrypts the file, too.
    """

    door: str = "flow"
    threads: int = 1
    unit: int = 0
    weight: int = 0
    seed: int = 0
    rotated: bool = False
    mixed: bool = False
    only: int | None = None
    omitted: int | None = None
    by_record: bool = False
    finders: bool = False
    others: bool = True
    engine: str = "native"
    both: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its name, the schema's type, and its mark.

    A column that is not `listed` does not stand in the schema, which then keeps extra ones. For
    some types of Parquet the schema has none: None. CSV may call it like another before it:
    `called`.
    """

    name: str
    type: str | None = "string"
    mark: Mark | None = None
    listed: bool = True
    called: str | None = None

    @property
    def context(self) -> str:
        """What its cells are bound to."""
        own = self.mark.context if self.mark else None
        return self.name if own is None else own


def schema_of(columns: tuple[Column, ...], csv: dict[str, str], *, finders: bool) -> str:
    """Return the schema of a case as TOML; its name is that of its content."""
    lines = ["version = 1"]
    if not all(column.listed for column in columns):
        lines.append('extra_columns = "keep"')
    if csv:
        lines += ["[csv]", *(f"{name} = {_toml(value)}" for name, value in csv.items())]
    for column in columns:
        if column.listed:
            lines += [f"[columns.{_toml(column.name)}]", f'type = "{column.type or "string"}"']
            lines += _marked(column) if column.mark else [] if finders else [_allowing_all()]
    text = "\n".join(lines) + "\n"
    return f'name = "{hashlib.sha256(text.encode()).hexdigest()[:16]}"\n' + text


def _marked(column: Column) -> list[str]:
    mark = column.mark
    lines = [f'encrypt = "{mark.key}"']
    lines += [] if mark.context is None else [f"context = {_toml(mark.context)}"]
    return [*lines, *(['encoding = "binary"'] if mark.binary else [])]


def _allowing_all() -> str:
    return "allow = { " + ", ".join(f'{name} = "random"' for name in sorted(built_in())) + " }"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
