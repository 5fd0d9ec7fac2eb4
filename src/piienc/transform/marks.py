"""Which columns of a table are encrypted, decrypted or treated otherwise, under which key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from piienc.errors import ConfigError, InputError, PolicyError, UsageError
from piienc.lazy import module
from piienc.tables import record_of
from piienc.transform.metadata import EncryptionMetadata, parse
from piienc.transform.treatments import TREATMENTS
from piienc.transform.treatments.treatment import ColumnMark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pyarrow as pa

    from piienc.schema import Schema
    from piienc.tables import OpenedTable
    from piienc.transform.place import ColumnPlace
else:
    pa = module("pyarrow")


def marks_of(schema: Schema, *, typed: bool) -> dict[str, ColumnMark]:
    """Return the marks of a schema, by column; ciphertext in a table without types is text."""
    return {
        name: ColumnMark(
            str(column.encrypt),
            schema.context_of(name),
            text=column.encoding == "base64" or not typed,
        )
        for name, column in schema.marked.items()
    }


def chosen_treatments(schema: Schema, treatments: Mapping[str, str]) -> dict[str, str]:
    """Return the treatments that encrypt a table, by column: those of the marks, and others.

    Args:
        schema: says which columns are marked.
        treatments: treatments by column. One that hides the values replaces encryption.

    Raises:
        ConfigError: there is no such treatment, or the schema has no such column.
        PolicyError: a marked column would become readable.
    """
    for name, treatment in treatments.items():
        kind = TREATMENTS.get(treatment)
        if kind is None or kind.keyed:
            free = ", ".join(each for each, kind in TREATMENTS.items() if not kind.keyed)
            raise ConfigError(
                f"treatments: {treatment!r}, for column {name!r}, is none that can be chosen",
                hint=f"these are: {free}; a column is encrypted if the schema marks it",
            )
        if name in schema.marked and not kind.hides:
            raise PolicyError(
                f"treatments: column {name!r} is marked, and {treatment!r} would leave it readable",
                hint="leave the column to its mark",
            )
        if name not in schema.columns and schema.extra_columns == "error":
            raise ConfigError(
                f"leave_out or treatments names {name!r}, which the schema {schema.name!r} "
                "does not know",
                hint="write it as the schema does, or add it there",
            )
    return dict.fromkeys(schema.marked, "encrypt") | dict(treatments)


def check_columns(table: OpenedTable, schema: Schema, treated: Collection[str] = ()) -> None:
    """Compare a table's columns with the schema's, in any order.

    Args:
        table: the table.
        schema: the schema.
        treated: the columns that are not kept as they are, beside those that are marked.

    Raises:
        InputError: columns are missing, or not in the schema.
    """
    present = {*table.columns}
    missing = [name for name in schema.columns if name not in present]
    strange = schema.extra_columns == "error" and present - {*schema.columns}
    if missing or strange:
        table.require_columns(schema.columns)
    if len(missing) == len(schema.columns):
        # The first line may be a row of data: none of it is shown.
        raise InputError(
            f"{table.name}: none of the {_listed(missing)} of the schema {schema.name!r} is in "
            "the file",
            hint="see that line 1 is the header, and no title, and that the schema is this file's",
        )
    for name, other in unknown_repeats(table, schema, treated):
        raise InputError(
            f"{table.name}: column {other!r} stands there more than once, and the schema "
            f"{schema.name!r} does not name them all: one is {name!r} to it",
            hint=f"add [columns.{json.dumps(name)}] to the schema, marked or not; or remove the "
            "column from the file",
        )
    unknown = [name for name in table.columns if name not in schema.columns]
    if missing:
        raise InputError(
            f"{table.name}: {_listed(missing)} of the schema {schema.name!r} not in the file"
            + (f", which has {_listed(unknown)} instead" if unknown else ""),
            hint="mend the export, or correct the schema",
        )
    if unknown and schema.extra_columns == "error":
        raise InputError(
            f"{table.name}: {_listed(unknown)} not in the schema {schema.name!r}",
            hint='name it there, or let unnamed columns pass: extra_columns = "keep"',
        )


def unknown_repeats(
    table: OpenedTable, schema: Schema, treated: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Return the columns that may not pass, as they are called like another one in the file.

    Where one of these is not kept as it is, what stands in the others would pass in clear.
    """
    hidden = {*treated, *schema.marked}
    hidden |= {re.sub(r"\.\d+$", "", name) for name in hidden}  # it may itself be one that repeats
    strict = schema.extra_columns == "error"
    return [
        (name, other)
        for name, other in table.repeats
        if name not in schema.columns and name not in treated and (strict or other in hidden)
    ]


def record_in(table: OpenedTable, schema: Schema | None) -> EncryptionMetadata | None:
    """Return what a Parquet file records as encrypted; None for CSV and for plain files.

    Raises:
        InputError: the record is damaged, and there is no schema to do without it.
    """
    document = record_of(table.schema) if table.typed else None
    if document is None:
        return None
    try:
        record = parse(document, table.name)
        return record.without({*record.columns} - {*table.columns})  # some may have been taken away
    except InputError:
        if schema is None:
            raise
        return None


def refuse_recorded(
    table: OpenedTable, record: EncryptionMetadata | None, marked: Iterable[str]
) -> None:
    """Refuse to encrypt what the file records as encrypted.

    Raises:
        PolicyError: a marked column is.
    """
    again = [name for name in marked if record is not None and name in record.columns]
    if again:
        raise PolicyError(
            f"{table.name}: {_listed(again)} encrypted already, as it records itself",
            hint="encrypt the original file; what this keyset has encrypted is refused",
        )


def encrypted_columns(
    table: OpenedTable,
    schema: Schema | None,
    record: EncryptionMetadata | None,
    columns: Collection[str],
) -> dict[str, ColumnMark]:
    """Return the columns to decrypt, some of them or all.

    A schema takes precedence: a file's record is not authenticated, so it must neither choose a
    context nor exempt a marked column from authentication.

    Raises:
        UsageError: there is neither schema nor record, the record alone does not suffice, or a
            column of `columns` is not encrypted.
        ConfigError: no column is marked.
        InputError: the record contradicts the schema.
    """
    if schema is not None:
        marks = marks_of(schema, typed=table.typed)
        if record is not None and not columns:
            _require_agreement(table, schema, record)
        return _chosen(marks, columns)
    if record is None:
        raise UsageError(
            f"{table.name} does not record which of its columns are encrypted",
            hint="name the schema it was encrypted with: --schema FILE",
        )
    custom = [name for name, facts in record.columns.items() if facts.context != name]
    if custom:
        raise UsageError(
            f"{table.name} records a context of its own for {_listed(custom)}, which only a schema "
            "can vouch for",
            hint="name the schema it was encrypted with: --schema FILE",
        )
    marks = {name: ColumnMark(facts.key, facts.context) for name, facts in record.columns.items()}
    return _chosen(marks, columns)


def _require_agreement(table: OpenedTable, schema: Schema, record: EncryptionMetadata) -> None:
    marked = schema.marked
    unmarked = [name for name in record.columns if name not in marked]
    if unmarked:
        raise ConfigError(
            f"{table.name} records {_listed(unmarked)} as encrypted, "
            f"which the schema {schema.name!r} does not mark",
            hint="decrypt with the schema that it was encrypted with",
        )
    plain = [name for name in marked if name not in record.columns]
    if plain:
        raise InputError(
            f"{table.name} does not record {_listed(plain)} as encrypted, "
            f"which the schema {schema.name!r} marks",
            hint="if some were decrypted before, name the others: --columns A,B",
        )


def _chosen(marks: dict[str, ColumnMark], columns: Collection[str]) -> dict[str, ColumnMark]:
    unknown = [name for name in columns if name not in marks]
    if unknown:
        raise UsageError(
            f"{_listed(unknown)} not among the encrypted columns",
            hint=f"these are: {', '.join(marks) or 'none'}",
        )
    if not marks:
        raise ConfigError("no column is marked, so there is nothing to decrypt")
    selection = {*columns} or {*marks}
    return {name: mark for name, mark in marks.items() if name in selection}


def original_field(
    place: ColumnPlace,
    schema: Schema | None,
    record: EncryptionMetadata | None,
    types: pa.Schema | None = None,
) -> pa.Field:
    """Return the field that decryption restores: the file's own word, else a type that is given.

    Args:
        place: the column.
        schema: its type counts last.
        record: what the file records.
        types: the original fields, as far as they are known.
    """
    if not place.typed:
        return place.field
    if record is not None and place.name in record.columns:
        return record.fields.field(place.name)
    if types is not None and place.name in types.names:
        return types.field(place.name)
    assert schema is not None  # noqa: S101  # without one, the columns are those of the record
    # What the schema's types become where no file tells better: SQL's usual ones.
    usual = {
        "string": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "decimal": pa.decimal128(38, 9),
        "binary": pa.binary(),
    }
    return place.field.with_type(usual[schema.columns[place.name].type])


def _listed(names: Collection[str]) -> str:
    word = "column" if len(names) == 1 else "columns"
    return f"{word} {', '.join(map(repr, names))}"
