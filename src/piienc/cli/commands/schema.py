"""`piienc schema`: what a kind of file holds, and which of its columns are marked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import to_builtins

from piienc.base.printable import command
from piienc.cli import options, ui
from piienc.cli.options import value
from piienc.schema.dialect import CsvDialect
from piienc.settings.outputs import require_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.errors import ConfigError, PolicyError
    from piienc.schema import Column
    from piienc.setup.schema_check import CheckedSchema
    from piienc.state import RecordedMark

app = options.group("The columns of a kind of file, and their marks: infer, check, show, mark.")

_DEFAULT = Path("schema.toml")
SchemaFile = Annotated[Path, options.argument("[SCHEMA]", "The schema file. Default: schema.toml.")]


class DialectOptions(options.CommonOptions, frozen=True, dict=True):
    """The fields of `[csv]`, by which a sample is read."""

    delimiter: Annotated[
        str | None, value("--delimiter", "TEXT", r"Between fields; \t is a tab. Default: found.")
    ] = None
    quote: Annotated[
        str | None, value("--quote", "CHAR", 'Around fields, or none. Default: ".')
    ] = None
    encoding: Annotated[str | None, value("--encoding", "NAME", "Default: found.")] = None
    no_header: Annotated[
        bool, typer.Option("--no-header", help="No line names the columns: number them.")
    ] = False
    null: Annotated[
        list[str] | None, value("--null", "TEXT", "Null where it has no quotes; repeatable.")
    ] = None
    escape: Annotated[str | None, value("--escape", "CHAR", "Before data, as a backslash.")] = None
    comment: Annotated[str | None, value("--comment", "TEXT", "Before lines of no row.")] = None
    skip_rows: Annotated[int, value("--skip-rows", "N", "Lines above the table.", min=0)] = 0
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Quotes may stand inside of fields.")
    ] = False

    @property
    def csv(self) -> dict[str, Any]:
        """The fields that are given."""
        fields = {name: getattr(self, name, None) for name in CsvDialect.__struct_fields__}
        given = {name: value for name, value in fields.items() if value not in (None, 0, [])}
        if self.delimiter:
            given["delimiter"] = self.delimiter.replace("\\t", "\t")  # none holds a letter
        return given | ({"header": False} if self.no_header else {})


@options.command("infer", "piienc schema infer profiles.csv -o schema.toml", app)
def infer(
    sample: Annotated[Path, options.argument("SAMPLE", "CSV (also compressed) or Parquet.")],
    output: Annotated[
        Path | None, value("-o --output", "FILE", "Default: standard output.")
    ] = None,
    name: Annotated[
        str | None, value("--name", "NAME", "Name of the schema. Default: SAMPLE's.")
    ] = None,
    rows: Annotated[int, value("--rows", "N", "Number of rows to read; 0: all.", min=0)] = 100_000,
    searchable: Annotated[
        str, value("--key-searchable", "NAME", "Key for columns that are searched.")
    ] = "searchable",
    sealed: Annotated[
        str, value("--key-sealed", "NAME", "Key for the other marked columns.")
    ] = "sealed",
    force: options.Force = False,
    *,
    common: DialectOptions,
) -> None:
    """Propose a schema from a sample: types, rules and marks, each with its reason."""
    from piienc.errors import InputError  # start-up
    from piienc.keys.names import require_name  # start-up
    from piienc.schema.propose import dump  # start-up
    from piienc.setup.infer.dialect import as_options  # start-up
    from piienc.setup.infer.infer import infer as infer_schema  # start-up
    from piienc.setup.infer.judge import KeyNames

    if output is not None:
        require_output(output, common.settings, (sample,))
    for key in (searchable, sealed):
        require_name(key)
    names = KeyNames(searchable, sealed)
    try:
        proposal = infer_schema(sample, name=name, rows=rows, keys=names, csv=common.csv)
    except InputError as error:
        error.hint = as_options(error.hint)
        raise
    text = dump(proposal.schema)
    if output is not None:
        from piienc.base.files import new_file

        with new_file(output, overwrite=force) as file:
            file.write(text.encode())
    if common.json:
        ui.result(
            output=str(output) if output else None,
            toml=None if output else text,
            rows=proposal.rows,
            whole=proposal.whole,
            **to_builtins(proposal.schema),
        )
    elif output is None:
        ui.text(text)
    if output is not None:
        marked = [c.name for c in proposal.schema.columns if c.value("encrypt")]
        common.say(
            f"proposed by {proposal.rows:,} rows: {output}; marked: {', '.join(marked) or 'none'}"
        )


@options.command("check", "piienc schema check schema.toml", app)
def check(
    schemas: Annotated[
        list[Path] | None, options.argument("[SCHEMA]...", "Schema files. Default: schema.toml.")
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Report mistakes, doubtful settings, and marks that would be undone."""
    from piienc.setup import schema_check  # start-up
    from piienc.state import Marks  # start-up

    settings = common.settings
    keys, marks = schema_check.known_keys(settings.keys_dir), Marks(settings.state_dir)
    checked = [schema_check.check(path, keys, marks) for path in schemas or [_DEFAULT]]
    errors = [result.error for result in checked if result.error]
    # Mistakes go before marks: what cannot be read undoes nothing yet.
    worst = min(errors, key=lambda error: error.exit_code, default=None)
    if common.json:
        documents = [_checked(result) for result in checked]
        ui.document({"schema_version": ui.SCHEMA_VERSION, "ok": not errors, "schemas": documents})
        raise typer.Exit(worst.exit_code if worst else 0)
    if not common.quiet:
        for result in checked:
            _tell(result)
    if worst:
        first, *others = errors
        more = [line for other in others for line in (other.summary, *other.details)]
        raise type(worst)(first.summary, details=[*first.details, *more], hint=worst.hint)


def _tell(result: CheckedSchema) -> None:
    for warning in result.warnings:
        ui.warn(f"{result.path}: {warning}")
    if result.schema and not result.error:
        columns = f"{len(result.schema.columns)} columns, {len(result.schema.marked)} marked"
        ui.say(f"{result.path}: no mistakes; {columns}")


def _checked(result: CheckedSchema) -> dict[str, Any]:
    error: ConfigError | PolicyError | None = result.error
    schema = result.schema
    return {
        "file": str(result.path),
        "ok": error is None,
        "name": schema.name if schema else None,
        "version": schema.version if schema else None,
        "columns": len(schema.columns) if schema else None,
        "marked": list(schema.marked) if schema else None,
        "warnings": list(result.warnings),
        "error": error and {"code": error.exit_code, "kind": error.kind, "message": str(error)},
    }


@options.command("show", "piienc schema show", app)
def show(schema: SchemaFile = _DEFAULT, *, common: options.CommonOptions) -> None:
    """Show the columns, their rules and their marks."""
    from piienc import schema as schemas  # start-up
    from piienc.setup.schema_check import known_keys  # start-up
    from piienc.state import Marks  # start-up

    settings = common.settings
    definition = schemas.load(schema)
    modes = known_keys(settings.keys_dir).modes or {}
    recorded = Marks(settings.state_dir).of(definition.name)
    facts = {
        name: _facts(
            column, definition.context_of(name), modes.get(str(column.encrypt)), recorded.get(name)
        )
        for name, column in definition.columns.items()
    }
    if common.json:
        ui.result(
            name=definition.name,
            version=definition.version,
            extra_columns=definition.extra_columns,
            columns=facts,
        )
        return
    ui.table(
        f"{definition.name}, version {definition.version}",
        ("column", "type", "rules", "key", "mode", "context", "property", "encrypted since"),
        [_row(name, column) for name, column in facts.items()],
    )


def _facts(
    column: Column, context: str, mode: str | None, recorded: RecordedMark | None
) -> dict[str, Any]:
    marked = column.encrypt is not None
    return {
        "type": column.type,
        "rules": _rules(column),
        "marked": marked,
        "key": column.encrypt,
        "mode": mode if marked else None,
        "context": context if marked else None,
        "property": column.property,
        "since": recorded.since if recorded else None,
    }


def _rules(column: Column) -> list[str]:
    """Name the rules of a column; the values of an enum are counted and not shown."""
    flags = [name for name in ("required", "unique") if getattr(column, name)]
    valued = ("format", "pattern", "max_length", "min", "max")
    pairs = [(name, getattr(column, name)) for name in valued]
    rules = flags + [f"{name} {value}" for name, value in pairs if value is not None]
    return rules + ([f"enum of {len(column.enum)}"] if column.enum else [])


def _row(name: str, facts: dict[str, Any]) -> Sequence[str]:
    rules = ", ".join(facts["rules"])
    marks = [facts[fact] or "" for fact in ("key", "mode", "context", "property", "since")]
    if facts["context"] == "":
        marks[2] = "(empty)"
    return (name, facts["type"], rules, *marks)


@options.command("mark", "piienc schema mark email phone --key searchable", app)
def mark(
    columns: Annotated[list[str], options.argument("COLUMN...", "The columns to mark.")],
    key: Annotated[str, value("--key", "NAME", "Key to encrypt with.")],
    schema: Annotated[Path, options.schema("Default: schema.toml.")] = _DEFAULT,
    context: Annotated[
        str | None, value("--context", "TEXT", "Context of one column. Default: its name.")
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Mark columns for encryption, all or none; this cannot be undone."""
    from piienc.keys.names import require_name  # start-up
    from piienc.schema.mark import mark as mark_columns  # start-up
    from piienc.setup.schema_check import known_keys  # start-up

    require_name(key)
    key_names = known_keys(common.settings.keys_dir).modes
    change = mark_columns(schema, columns, key, context)
    warnings = [] if key_names is None or key in key_names else [f"there is no key {key!r} yet"]
    if common.json:
        ui.result(
            file=str(schema),
            key=key,
            version=change.version,
            marked=list(change.marked),
            marked_before=list(change.before),
            warnings=warnings,
        )
        return
    for warning in warnings:
        generate = command("piienc", "keys", "generate-aes", key, "--mode", "MODE")
        ui.warn(f"{warning}: {generate}")
    if change.before:
        common.say(f"marked with {key} already: {', '.join(change.before)}")
    if change.marked:
        marked = ", ".join(change.marked)
        common.say(f"marked with {key}: {marked}; {schema} is version {change.version}")
