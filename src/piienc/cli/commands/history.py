"""`piienc history`: the ledger of transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import to_builtins

from piienc.cli import options, ui
from piienc.cli.moments import moment_of

if TYPE_CHECKING:
    from piienc.state import Transfer


def history(
    destination: Annotated[
        str | None,
        typer.Option("--destination", metavar="NAME|URL", help="Only to or from this one."),
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="NAME", help="Only of a job.")] = None,
    outcome: Annotated[
        Literal["delivered", "failed", "running", "interrupted", "given-up"] | None,
        typer.Option("--outcome", help="Only those that ended so."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="2026-11-24 or later, in UTC.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="2026-11-24 or earlier, in UTC.")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, metavar="N", help="Only the newest.")] = 50,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,  # noqa: ARG001  # every command takes it; this never asks
) -> None:
    """Show what was sent and fetched, the newest first."""
    from piienc.state import Ledger  # start-up

    settled = options.settled(config, keys, state)
    places = None
    if destination is not None:
        from piienc.cli.destinations import DestinationOptions, destination_of
        from piienc.remote import parse_url, places_of  # start-up

        places = places_of(parse_url(destination_of(DestinationOptions(destination), settled).url))
    found = Ledger(settled.state_dir).history(
        places=places,
        job=job,
        outcome=outcome,
        since=moment_of(since, "--since"),
        until=moment_of(until, "--until", behind=True),
        most=most,
    )
    if json:
        transfers = [to_builtins(transfer) for transfer in found]
        ui.document({"schema_version": ui.SCHEMA_VERSION, "ok": True, "transfers": transfers})
    elif found:
        head = ("begun", "", "file", "bytes", "destination", "outcome")
        ui.table("transfers", head, [_row(transfer) for transfer in found])
    elif not quiet:
        ui.say("no transfers")


def _row(transfer: Transfer) -> tuple[str, ...]:
    outcome = transfer.outcome
    if transfer.error_code is not None and outcome == "failed":
        outcome = f"failed, exit code {transfer.error_code}"
    arrow = "to" if transfer.direction == "push" else "from"
    return (
        transfer.begun,
        arrow,
        transfer.name,
        f"{transfer.size:,}",
        transfer.destination,
        outcome,
    )
