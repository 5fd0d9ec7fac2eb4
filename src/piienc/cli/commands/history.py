"""`piienc history`: the ledger of transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import to_builtins

from piienc.cli import options, ui
from piienc.cli.moments import moment_of

if TYPE_CHECKING:
    from piienc.state import Transfer


@options.command("history", "piienc history --destination partner --outcome failed")
def history(
    destination: Annotated[
        str | None, options.value("--destination", "NAME|URL", "Only to or from this destination.")
    ] = None,
    job: Annotated[str | None, options.value("--job", "NAME", "Only of this job.")] = None,
    outcome: Annotated[
        Literal["delivered", "failed", "running", "interrupted", "given-up"] | None,
        typer.Option("--outcome", help="Only with this outcome."),
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    most: options.Most = 50,
    *,
    common: options.CommonOptions,
) -> None:
    """Show what was sent and fetched, the newest first."""
    from piienc.state import Ledger  # start-up

    places = None
    if destination is not None:
        from piienc.deliver.addressed import destination_named
        from piienc.remote import parse_url, places_of  # start-up

        places = places_of(parse_url(destination_named(destination, common.settings).url))
    transfers = Ledger(common.settings.state_dir).history(
        places=places,
        job=job,
        outcome=outcome,
        since=moment_of(since, "--since"),
        until=moment_of(until, "--until", behind=True),
        most=most,
    )
    if common.json:
        ui.result(transfers=[to_builtins(transfer) for transfer in transfers])
    elif transfers:
        head = ("begun", "", "file", "bytes", "destination", "outcome")
        ui.table("transfers", head, [_row(transfer) for transfer in transfers])
    else:
        common.say("no transfers")


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
