"""`piienc push` and `piienc pull`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from piienc.cli import destinations, options, ui

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.deliver.push import PushRequest
    from piienc.keys import Unlocker
    from piienc.report.receipt import PushReceipt, SentFile
    from piienc.settings import Settings
    from piienc.settings.destination import Destination


@options.command("push", "piienc push profiles.enc.csv.pgp --to partner")
def push(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What to deliver.")],
    to: Annotated[str, typer.Option("--to", metavar="DESTINATION|URL", help=options.WHERE)],
    if_exists: Annotated[
        Literal["fail", "skip", "replace"] | None,
        typer.Option("--if-exists", help="Where the name is taken. Default: fail."),
    ] = None,
    again: options.Again = False,
    verify_content: Annotated[
        bool, typer.Option("--verify-content", help="Read everything back, and compare.")
    ] = False,
    profile: options.Profile = None,
    schema: Annotated[
        Path | None,
        options.schema("Of the files, where a manifest is made."),
    ] = None,
    dry_run: options.DryRun = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Also remove hidden files of runs that nobody goes on with."),
    ] = False,
    *,
    common: options.RemoteOptions,
) -> None:
    """Deliver files: the receiver sees each once, whole, and never half."""
    from msgspec.structs import replace

    from piienc.deliver import push as flow  # start-up

    settled = common.settings
    said = destinations.DestinationOptions(
        to, common.identity, common.known_hosts, common.password_file, common.debug_ssh
    )
    destination = destinations.destination_of(said, settled).with_said(
        profile=profile, if_exists=if_exists, verify_content=verify_content or None
    )
    unlocker = common.unlocker
    with (
        common.recorded("push", [("sent", file) for file in files], schema=schema) as entry,
        ui.progress("sending", quiet=common.quiet) as report,
    ):
        pushing = _pushing(said, destination, settled, unlocker, schema, again=again)
        pushing = replace(pushing, on_retry=destinations.tell_retry, progress=report, sweep=sweep)
        receipt = flow.rehearse(files, pushing) if dry_run else flow.push(files, pushing)
        entry.receipt(receipt)
    _tell(receipt, entry, as_json=common.json, quiet=common.quiet)
    if receipt.exit_code:
        raise typer.Exit(receipt.exit_code)


def _pushing(
    said: destinations.DestinationOptions,
    destination: Destination,
    settled: Settings,
    unlocker: Unlocker,
    schema: Path | None,
    *,
    again: bool,
) -> PushRequest:
    from piienc import schema as schemas  # start-up
    from piienc.deliver.addressed import pushing_by

    return pushing_by(
        destination,
        destinations.way_of(said, destination, unlocker),
        settled,
        schema=schemas.load(schema) if schema else None,
        again=again,
    )


def _tell(receipt: PushReceipt, entry: AuditEntry, *, as_json: bool, quiet: bool) -> None:
    of_files = (said for file in receipt.files for said in file.warnings)
    for warning in (*receipt.warnings, *of_files):
        ui.say(f"warning: {warning}")
    for name in receipt.orphans:
        if receipt.dry_run:
            ui.say(f"warning: {name} was left by a run that nobody goes on with: see --sweep")
        elif not quiet:
            ui.say(f"removed {name}: it was left by a run that nobody goes on with")
    if as_json:
        ui.document(entry.attested(receipt.document()))
        return
    for file in receipt.files:
        if file.error is not None:
            ui.say(f"error: {file.error.message}")
            ui.say(f"hint: {file.error.hint}")
        elif not quiet:
            ui.say(_line(file, receipt.destination or receipt.url))
    if not quiet:
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
        str, typer.Argument(metavar="REMOTE", help="A file's name, or a pattern: 'failed-*.csv'.")
    ],
    dst: Annotated[Path, typer.Argument(metavar="[DST]", help="A folder or a new file.")] = Path(),
    source: Annotated[
        str,
        typer.Option("--from", metavar="DESTINATION|URL", help=options.WHERE, show_default=False),
    ] = "",
    force: options.Force = False,
    *,
    common: options.RemoteOptions,
) -> None:
    """Fetch files from a destination; each appears whole or not at all."""
    from piienc.deliver.pull import PullRequest, pull  # start-up
    from piienc.errors import UsageError
    from piienc.state import Ledger

    if not source:
        raise UsageError("from where? no destination is named", hint="say --from DESTINATION")
    settled = common.settings
    said = destinations.DestinationOptions(
        source, common.identity, common.known_hosts, common.password_file, common.debug_ssh
    )
    unlocker = common.unlocker
    way = destinations.way_of(said, destinations.destination_of(said, settled), unlocker)
    with (
        common.recorded("pull", [("fetched", Path(remote))]) as entry,
        ui.progress("fetching", quiet=common.quiet) as report,
    ):
        ledger = Ledger(settled.state_dir)
        receipt = pull(
            remote, dst, PullRequest(way, ledger, force, destinations.tell_retry, report)
        )
        entry.receipt(receipt)
    for warning in receipt.warnings:
        ui.say(f"warning: {warning}")
    if common.json:
        ui.document(entry.attested(receipt.document()))
    elif not common.quiet:
        for file in receipt.files:
            ui.say(f"fetched {file.bytes:,} bytes: {file.name}")
