"""`piienc verify`: hold a file against its schema, and report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from piienc.cli import options, ui
from piienc.cli.places import begun_source
from piienc.errors import UsageError
from piienc.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.report.model import Report

    Form = str
else:
    Form = Literal[("text", *(name for name in FORMATS if name != "html"))]  # a page is a file


@options.command("verify", "piienc verify profiles.enc.csv --schema schema.toml")
def verify(
    file: Annotated[
        str, options.argument("FILE|-", "CSV or Parquet, wrapped or not; - is standard input.")
    ],
    schema: Annotated[Path, options.schema("Schema of the file.")],
    expect: Annotated[
        Literal["encrypted", "plain"],
        typer.Option("--expect", help="Whether the marked columns are encrypted."),
    ] = "encrypted",
    against: Annotated[
        Path | None, options.value("--against", "ORIGINAL", "Compare every cell with this file.")
    ] = None,
    key_column: Annotated[
        str | None, options.value("--key-column", "C", "Column that identifies rows, in any order.")
    ] = None,
    round_trip: Annotated[
        bool, typer.Option("--round-trip", help="Encrypt and decrypt a plain file in memory.")
    ] = False,
    recipient: Annotated[
        list[str] | None, options.names("Also wrap and unwrap it for this key.")
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Check only the form of ciphertexts.")
    ] = False,
    profile: options.Profile = None,
    form: Annotated[Form, typer.Option("--format", help="Format on standard output.")] = "text",
    output: Annotated[
        list[str] | None, options.value("--output -o", "FORMAT=FILE", "Also write this report.")
    ] = None,
    html: Annotated[Path | None, options.value("--html", "FILE", "Same as -o html=FILE.")] = None,
    max_findings: Annotated[
        int, options.value("--max-findings", "N", "Findings listed per column and rule.", min=0)
    ] = 100,
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Check that a file matches its schema and can be read back."""
    reports = _reports(output or [], html)
    with ExitStack() as stack:
        source = begun_source(file, stack)
        from piienc.api.verification import verify  # start-up

        report = verify(
            source,
            schema=schema,
            expect=expect,
            against=against,
            key_column=key_column,
            round_trip=round_trip,
            recipients=recipient or (),
            without_keys=without_keys,
            profile=profile,
            max_findings=max_findings,
            reports=reports,
            overwrite=force,
            threads=threads,
            on_progress=stack.enter_context(ui.progress("verifying", quiet=common.quiet)),
            **common.shared,
        )
    _tell(report, "json" if common.json else form, quiet=common.quiet)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _reports(given: Sequence[str], html: Path | None) -> list[tuple[str, Path]]:
    reports = [("html", html)] if html else []
    for each in given:
        name, equals, path = each.partition("=")
        if name not in FORMATS or not equals or not path:
            raise UsageError(
                f"--output {each!r} is not of the form FORMAT=FILE",
                hint=f"formats are {', '.join(FORMATS)}; write -o junit=report.xml, say",
            )
        reports.append((name, Path(path)))
    return reports


def _tell(report: Report, form: str, *, quiet: bool) -> None:
    """Show the report in the form that was asked for."""
    from piienc.cli import report as shown  # start-up

    if form == "github":
        shown.add_summary(report)
    if form == "text":
        if not quiet:
            shown.show(report)
    else:
        ui.text(FORMATS[form](report).rstrip("\n") + "\n")
