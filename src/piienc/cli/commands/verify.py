"""`piienc verify`: hold a file against its schema, and report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from piienc.cli import options, ui
from piienc.cli.places import begun_source
from piienc.errors import UsageError
from piienc.settings.outputs import require_output
from piienc.storage import FileSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.receivers import Demands, Profile
    from piienc.report.model import Report

Form = Literal["text", "json", "junit", "github", "markdown", "sarif"]


@options.command("verify", "piienc verify profiles.enc.csv --schema schema.toml")
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|-", help="CSV or Parquet, wrapped or not; - is standard input."
        ),
    ],
    schema: Annotated[Path, options.schema("What holds for it.")],
    expect: Annotated[
        Literal["encrypted", "plain"],
        typer.Option("--expect", help="Whether the marked columns are encrypted."),
    ] = "encrypted",
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="ORIGINAL", help="Compare every cell with this file's."),
    ] = None,
    key_column: Annotated[
        str | None,
        typer.Option("--key-column", metavar="C", help="Names the rows, in whatever order."),
    ] = None,
    round_trip: Annotated[
        bool,
        typer.Option("--round-trip", help="Encrypt and decrypt a plain file in memory."),
    ] = False,
    recipient: Annotated[
        list[str] | None,
        options.names("Wrap and unwrap it for this key, too."),
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Look at the form of ciphertexts alone.")
    ] = False,
    profile: options.Profile = None,
    form: Annotated[Form, typer.Option("--format", help="On standard output.")] = "text",
    output: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", metavar="FORMAT=FILE", help="A report more, into a file."),
    ] = None,
    html: Annotated[Path | None, options.path("--html", "The same as -o html=FILE.")] = None,
    max_findings: Annotated[
        int,
        typer.Option("--max-findings", min=0, metavar="N", help="Listed of each column and rule."),
    ] = 100,
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Prove that a file keeps its schema and can be read back."""
    outputs = _outputs(output or [], html)
    settled = common.settings
    for _, path in outputs:
        require_output(path, settled, (file, against, schema))
    with ExitStack() as stack:
        appearing = stack.enter_context(ExitStack())
        reports = _begun_reports(outputs, appearing, overwrite=force)
        source = begun_source(file, stack)
        from piienc import schema as schemas  # start-up
        from piienc.keys import KeyFolder
        from piienc.keys.openpgp.folder import PgpFolder
        from piienc.report.formats import FORMATS
        from piienc.report.model import SchemaFacts
        from piienc.state import Marks
        from piienc.verification.available_keys import AvailableKeys, hold_to_marks_at_hand
        from piienc.verification.request import VerifyRequest
        from piienc.verification.verify import verify

        held = schemas.load(schema)
        at_hand = AvailableKeys(KeyFolder(settled.keys_dir, common.unlocker), used=not without_keys)
        marks = Marks(settled.state_dir)
        entry = stack.enter_context(common.recorded("verify", [("verified", file)], schema=schema))
        report = stack.enter_context(ui.progress("verifying", quiet=common.quiet))
        found = verify(
            source,
            VerifyRequest(
                schema=held,
                facts=SchemaFacts.of(held, schema),
                expect=expect,
                against=FileSource(against) if against else None,
                key_column=key_column,
                round_trip=round_trip,
                recipients=tuple(dict.fromkeys(recipient or ())),
                profile=_profile(profile, settled.profiles),
                most=max_findings,
                hold=lambda columns: hold_to_marks_at_hand(held, at_hand, marks, columns),
                threads=threads,
                progress=report,
            ),
            keys=at_hand,
            pgp=PgpFolder(settled.keys_dir, common.unlocker),
        )
        for name, to in reports:
            to.write(FORMATS[name](found).encode())
        appearing.close()  # before the audit log says that it is done
        entry.receipt(found)
    _tell(found, "json" if common.json else form, quiet=common.quiet)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _outputs(given: Sequence[str], html: Path | None) -> list[tuple[str, Path]]:
    from piienc.report.formats import FORMATS  # start-up

    found = [("html", html)] if html else []
    for each in given:
        name, equals, path = each.partition("=")
        if name not in FORMATS or not equals or not path:
            raise UsageError(
                f"--output {each!r} is not of the form FORMAT=FILE",
                hint=f"formats are {', '.join(FORMATS)}; write -o junit=report.xml, say",
            )
        found.append((name, Path(path)))
    return found


def _begun_reports(
    outputs: Sequence[tuple[str, Path]],
    stack: ExitStack,
    *,
    overwrite: bool,
) -> list[tuple[str, BinaryIO]]:
    """Begin the reports that go to files, before a long run could end in vain.

    They appear when the stack is left without an error, all or none.
    """
    from piienc.base.files import new_file, together  # start-up

    enter = stack.enter_context(together())
    return [(name, enter(new_file(path, overwrite=overwrite), path)) for name, path in outputs]


def _tell(report: Report, form: str, *, quiet: bool) -> None:
    """Show the report in the form that was asked for."""
    from piienc.cli import report as shown  # start-up
    from piienc.report.formats import FORMATS

    if form == "github":
        shown.add_summary(report)
    if form == "text":
        if not quiet:
            shown.show(report)
    else:
        ui.text(FORMATS[form](report).rstrip("\n") + "\n")


def _profile(name: str | None, own: Mapping[str, Demands]) -> Profile | None:
    if name is None:
        return None
    from piienc import receivers as profiles  # start-up

    return profiles.load(name, own)
