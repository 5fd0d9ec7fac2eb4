"""Destinations on the command line: by their names in `piienc.toml`, or as URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.cli import ui

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.deliver.endpoint import Endpoint
    from piienc.errors import PiiencError
    from piienc.keys import Unlocker
    from piienc.settings import Settings
    from piienc.settings.destination import Destination


class DestinationOptions(Struct, frozen=True):
    """What the command line says of a destination.

    Attributes:
        where: a name or a URL.
        identity: the private key.
        known_hosts: the keys of hosts.
        password_file: holds a password.
        debug: whether the SSH connection is told of.
    """

    where: str
    identity: Path | None = None
    known_hosts: Path | None = None
    password_file: Path | None = None
    debug: bool = False


def destination_of(said: DestinationOptions, settled: Settings) -> Destination:
    """Return a destination, with what the command line says over what `piienc.toml` says.

    Raises:
        ConfigError: there is none of that name.
    """
    from piienc.deliver.addressed import destination_named  # start-up

    return destination_named(said.where, settled).with_said(
        identity_file=said.identity,
        known_hosts=said.known_hosts,
        password_file=said.password_file,
    )


def way_of(said: DestinationOptions, destination: Destination, unlocker: Unlocker) -> Endpoint:
    """Return how a destination is reached; secrets are read now, and nothing is connected."""
    from piienc.deliver.addressed import way_by  # start-up

    return way_by(destination, unlocker, ui.say if said.debug else None)


def tell_retry(error: PiiencError, pause: float) -> None:
    """Tell what is tried again, and when."""
    ui.say(f"{error}; trying again in {pause:.0f} s")
