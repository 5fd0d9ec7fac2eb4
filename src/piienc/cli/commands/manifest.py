"""`piienc manifest`: what a receiver is told of a data file, and whether it can be right."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from piienc.cli import options, ui
from piienc.errors import InputError, UsageError

app = options.group("The file that tells a receiver what a data file holds: show, check.")


class RowKind(StrEnum):
    """What the rows of a data file are."""

    PROFILE = "profile"
    EVENT = "event"


Pairs = list[str] | None
_FORM = "manifest"  # of which the options here are


@options.command(
    "show",
    "piienc manifest show profiles.csv --schema schema.toml --type profile "
    "--client-email you@example.com",
    app,
)
def show(
    data: Annotated[Path, options.argument("DATA", "The file to send; only plain CSV is opened.")],
    schema: Annotated[Path, options.schema("Tells the columns and their types.")],
    kind: Annotated[RowKind, typer.Option("--type", help="What the rows are.")],
    client_email: Annotated[
        str, options.value("--client-email", "ADDRESS", "Where notices are sent.")
    ],
    key_id: Annotated[
        str | None, options.value("--key-id", "UUID", "As the receiver gave it, for .asc files.")
    ] = None,
    columns: Annotated[
        Pairs, options.value("--map", "COLUMN=PROPERTY", "Instead of the schema's property.")
    ] = None,
    exclude: Annotated[Pairs, options.value("--exclude", "COLUMN", "Leave a column out.")] = None,
    date_formats: Annotated[
        Pairs, options.value("--date-format", "COLUMN=FORMAT", "How its dates are written.")
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Show the manifest that would be sent behind a data file."""
    from piienc import schema as schemas  # start-up
    from piienc.receivers.manifest import form_of
    from piienc.setup import manifest

    _ = common.settings  # its mistakes are told
    form = form_of(_FORM)
    facts = form.ManifestTable(
        type=kind.value,
        client_email=client_email,
        key_id=key_id,
        columns=_pairs("--map", columns),
        exclude=exclude,
        date_formats=_pairs("--date-format", date_formats),
    )  # `make` checks them
    made, warnings = manifest.make(form, data, facts, schemas.load(schema))
    if common.json:
        from json import loads

        ui.result(manifest=loads(made), findings=to_builtins(warnings))
        return
    if not common.quiet:
        for warning in warnings:
            ui.warn(f"{warning.place}: {warning.message}")
    ui.text(made.decode())


@options.command("check", "piienc manifest check profiles.json --data profiles.csv", app)
def check(
    file: Annotated[Path, options.argument("FILE", "The manifest.")],
    data: Annotated[
        Path | None, options.value("--data", "FILE", "What it is for; only plain CSV is opened.")
    ] = None,
    schema: Annotated[Path | None, options.schema("The data file's.")] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Find what a receiver would refuse, or drop without a word."""
    from piienc.api.common import schema_of  # start-up
    from piienc.receivers.manifest import form_of
    from piienc.setup import manifest

    _ = common.settings  # its mistakes are told
    problems = manifest.check(form_of(_FORM), file, data, schema_of(schema))
    errors = sum(problem.level == "error" for problem in problems)
    if common.json:
        found = {"name": str(file), "findings": to_builtins(problems)}
        ui.document({"schema_version": ui.SCHEMA_VERSION, "ok": not errors, **found})
        if errors:  # the document has told them all
            raise typer.Exit(InputError.exit_code)
        return
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
        column, found, words = pair.rpartition("=")
        if not found or not column or not words:
            raise UsageError(
                f"{option} {pair!r} is not of the form COLUMN=WORDS",
                hint="see the command's --help",
            )
        pairs[column] = words
    return pairs
