"""`piienc push` and `piienc pull`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from piienc.cli import options, ui
from piienc.errors import UsageError

if TYPE_CHECKING:
    from piienc.report.receipt import PushReceipt, SentFile


@options.command("push", "piienc push profiles.enc.csv.pgp --to partner")
def push(
    files: Annotated[list[Path], options.argument("FILE...", "Files to deliver.")],
    to: Annotated[str, options.value("--to", "DESTINATION|URL", options.WHERE)],
    if_exists: Annotated[
        Literal["fail", "skip", "replace"] | None,
        typer.Option("--if-exists", help="If the file exists already. Default: fail."),
    ] = None,
    again: options.Again = False,
    verify_content: Annotated[
        bool, typer.Option("--verify-content", help="Read each file back, and compare.")
    ] = False,
    profile: options.Profile = None,
    schema: Annotated[Path | None, options.schema("Schema of the files, for a manifest.")] = None,
    dry_run: options.DryRun = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also remove hidden files of abandoned runs.")
    ] = False,
    *,
    common: options.RemoteOptions,
) -> None:
    """Deliver files: each appears at the receiver once, and whole."""
    from piienc.api.delivery import push  # start-up

    with ui.progress("sending", quiet=common.quiet) as report:
        receipt = push(
            files,
            to=to,
            if_exists=if_exists,
            again=again,
            verify_content=verify_content,
            profile=profile,
            schema=schema,
            dry_run=dry_run,
            sweep=sweep,
            on_progress=report,
            **common.remote,
        )
    _tell(receipt, common)
    if receipt.exit_code:
        raise typer.Exit(receipt.exit_code)


def _tell(receipt: PushReceipt, common: options.CommonOptions) -> None:
    of_files = (warning for file in receipt.files for warning in file.warnings)
    for warning in (*receipt.warnings, *of_files):
        ui.warn(warning)
    for name in receipt.orphans:
        if receipt.dry_run:
            ui.warn(f"{name} was left by an abandoned run: see --sweep")
        elif not common.quiet:
            ui.say(f"removed {name}: it was left by an abandoned run")
    if common.json:
        ui.document(receipt.document())
        return
    for file in receipt.files:
        if file.error is not None:
            ui.say(f"error: {file.error.message}")
            ui.say(f"hint: {file.error.hint}")
        else:
            common.say(_line(file, receipt.destination or receipt.url))
    if not common.quiet:
        _summarise(receipt)


def _summarise(receipt: PushReceipt) -> None:
    if len(receipt.files) > 1:
        rows = [(file.name, f"{file.bytes:,}", _outcome(file)) for file in receipt.files]
        ui.table(receipt.url, ("file", "bytes", "outcome"), rows, aside=True)
    if receipt.free_space is not None:
        ui.say(f"the destination has room for {receipt.free_space:,} bytes")


def _line(file: SentFile, where: str) -> str:
    if file.outcome == "planned":
        return f"would {file.why}: {file.name}, {file.bytes:,} bytes, to {where}"
    if file.outcome == "skipped":
        return f"skipped {file.name}: {file.why}"
    behind = f", and {file.trigger} behind it" if file.trigger else ""
    resumed = f", from byte {file.resumed_at:,} on" if file.resumed_at else ""
    return f"delivered {file.name} to {where} in {file.seconds:.1f} s{resumed}{behind}"


def _outcome(file: SentFile) -> str:
    if file.error is not None:
        return f"failed, exit code {file.error.code}"
    return f"{file.outcome}: {file.why}" if file.why else file.outcome


@options.command("pull", "piienc pull 'failed-*.csv' in --from partner")
def pull(
    remote: Annotated[
        str, options.argument("REMOTE", "A file's name, or a pattern: 'failed-*.csv'.")
    ],
    dst: Annotated[Path, options.argument("[DST]", "Target folder, or a new file.")] = Path(),
    source: Annotated[
        str, options.value("--from", "DESTINATION|URL", options.WHERE, show_default=False)
    ] = "",
    force: options.Force = False,
    *,
    common: options.RemoteOptions,
) -> None:
    """Fetch files from a destination; each appears whole or not at all."""
    from piienc.api.delivery import pull  # start-up

    if not source:
        raise UsageError("from where? no destination is named", hint="say --from DESTINATION")
    with ui.progress("fetching", quiet=common.quiet) as report:
        receipt = pull(
            remote, dst, source=source, overwrite=force, on_progress=report, **common.remote
        )
    lines = (f"fetched {file.bytes:,} bytes: {file.name}" for file in receipt.files)
    common.finish(receipt, *lines)
