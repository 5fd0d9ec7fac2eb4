"""A manifest held against the data file that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.base.document import MAX_BYTES
from piienc.base.files import open_input
from piienc.errors import InputError
from piienc.storage import FileSource

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.base.document import Table
    from piienc.receivers.manifest import ManifestForm, Problem
    from piienc.schema import Schema

_PLAIN = ".csv"


def make(
    form: ManifestForm, data: Path, facts: Table, schema: Schema
) -> tuple[bytes, list[Problem]]:
    """Make the manifest of a data file; only a plain CSV is opened.

    Returns:
        The manifest, and warnings.

    Raises:
        InputError: the file cannot be read, or its columns are not those of the schema.
        ConfigError: the receiver would refuse or drop the manifest.
    """
    header = _header(data, schema, strict=True)
    document = form.build(facts, data_name=data.name, schema=schema, header=header)
    return document, form.lint(document, data_name=data.name, header=header, schema=schema)


def check(
    form: ManifestForm, manifest: Path, data: Path | None, schema: Schema | None
) -> list[Problem]:
    """Find what is wrong with a manifest; of data files, only a plain CSV is opened.

    Raises:
        InputError: a file cannot be read.
    """
    with open_input(manifest) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{manifest} is larger than 1 MiB", hint="check that it is the manifest, not the data"
        )
    return form.lint(
        content,
        data_name=data.name if data else None,
        header=_header(data, schema) if data else None,
        schema=schema,
        name=manifest.name,
    )


def _header(data: Path, schema: Schema | None, *, strict: bool = False) -> list[str] | None:
    """Return the columns of a plain CSV file, `strict` held against the schema; else None."""
    if data.suffix.lower() != _PLAIN:
        return None
    from piienc.tables import opened_table  # noqa: PLC0415  # start-up
    from piienc.transform.crypt import csv_format  # noqa: PLC0415  # start-up
    from piienc.transform.marks import check_columns  # noqa: PLC0415  # start-up

    with FileSource(data).opened() as file, opened_table(file, csv_format(schema)) as table:
        if strict and schema is not None:
            check_columns(table, schema)
        return table.columns
