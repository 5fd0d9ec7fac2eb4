"""`piienc manifest`: what describes a data file to its receiver, and whether it can be right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import to_builtins

from piienc.cli import options, ui
from piienc.errors import InputError, UsageError

app = options.group("The file that describes a data file: show, check.")


RowKind = Literal["profile", "event"]
Pairs = list[str] | None
_FORM = "manifest"  # of which the options here are


@options.command(
    "show",
    "piienc manifest show profiles.csv --schema schema.toml --type profile "
    "--client-email you@example.com",
    app,
)
def show(
    data: Annotated[Path, options.argument("DATA", "The data file; only plain CSV is read.")],
    schema: Annotated[Path, options.schema("Schema of the data file.")],
    kind: Annotated[RowKind, typer.Option("--type", help="Kind of the rows.")],
    client_email: Annotated[
        str, options.value("--client-email", "ADDRESS", "Address for the receiver's notices.")
    ],
    key_id: Annotated[
        str | None, options.value("--key-id", "UUID", "Key id from the receiver, for .asc files.")
    ] = None,
    columns: Annotated[
        Pairs, options.value("--map", "COLUMN=PROPERTY", "Property, in place of the schema's.")
    ] = None,
    exclude: Annotated[Pairs, options.value("--exclude", "COLUMN", "Column to leave out.")] = None,
    date_formats: Annotated[
        Pairs, options.value("--date-format", "COLUMN=FORMAT", "Date format of a column.")
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Show the manifest that would be sent after a data file."""
    from piienc import schema as schemas  # start-up
    from piienc.receivers.manifest import form_of
    from piienc.setup import manifest

    _ = common.settings  # its mistakes are told
    form = form_of(_FORM)
    facts = form.ManifestTable(
        type=kind,
        client_email=client_email,
        key_id=key_id,
        columns=_pairs("--map", columns),
        exclude=exclude,
        date_formats=_pairs("--date-format", date_formats),
    )  # `make` checks them
    document, warnings = manifest.make(form, data, facts, schemas.load(schema))
    if common.json:
        from json import loads

        ui.result(manifest=loads(document), findings=to_builtins(warnings))
        return
    if not common.quiet:
        for warning in warnings:
            ui.warn(f"{warning.place}: {warning.message}")
    ui.text(document.decode())


@options.command("check", "piienc manifest check profiles.json --data profiles.csv", app)
def check(
    file: Annotated[Path, options.argument("FILE", "The manifest.")],
    data: Annotated[
        Path | None, options.value("--data", "FILE", "The data file; only plain CSV is read.")
    ] = None,
    schema: Annotated[Path | None, options.schema("Schema of the data file.")] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Report what a receiver would refuse, or drop silently."""
    from piienc.api.common import schema_of  # start-up
    from piienc.receivers.manifest import form_of
    from piienc.setup import manifest

    _ = common.settings  # its mistakes are told
    problems = manifest.check(form_of(_FORM), file, data, schema_of(schema))
    errors = sum(problem.level == "error" for problem in problems)
    if common.json:
        facts = {"name": str(file), "findings": to_builtins(problems)}
        ui.document({"schema_version": ui.SCHEMA_VERSION, "ok": not errors, **facts})
        raise typer.Exit(InputError.exit_code if errors else 0)
    if problems:
        rows = [(each.level, each.rule, each.place, each.message) for each in problems]
        ui.table(str(file), ("level", "rule", "place", "message"), rows)
    if errors:
        raise InputError(
            f"{file}: {errors} {'error' if errors == 1 else 'errors'}",
            hint="mend them before it is sent: a receiver may drop it without a word",
        )
    common.say(f"{file}: no errors")


def _pairs(option: str, said: Pairs) -> dict[str, str]:
    """Take `COLUMN=WORDS` apart at the last equals sign, which a column's name may have."""
    pairs = {}
    for pair in said or ():
        column, separator, words = pair.rpartition("=")
        if not separator or not column or not words:
            raise UsageError(
                f"{option} {pair!r} is not of the form COLUMN=WORDS",
                hint="see the command's --help",
            )
        pairs[column] = words
    return pairs
