"""The endpoint of a destination: its URL and how to connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.files import reading
from piienc.base.home import expanded
from piienc.base.secret import SecretBytes
from piienc.base.trust import open_trusted, require_trusted
from piienc.errors import ConfigError, KeyAccessError, UsageError
from piienc.keys import Unlocker
from piienc.remote import (
    ConnectOptions,
    Limiter,
    RemoteUrl,
    Timeouts,
    open_remote,
    parse_url,
    places_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.errors import PiiencError
    from piienc.remote import Remote
    from piienc.settings.destination import Destination

_LONGEST = 64 << 10  # bytes of a password


class Endpoint(Struct, frozen=True):
    """A destination, and how it is reached.

    Attributes:
        destination: what the settings say.
        url: of its folder.
        options: how to connect.
        places: the URL of its folder as the ledger has it, and as older entries may.
    """

    destination: Destination
    url: RemoteUrl
    options: ConnectOptions
    places: tuple[str, ...]

    def connect(self) -> Remote:
        """Connect: see `piienc.remote.open_remote`."""
        return open_remote(self.url, self.options)


def endpoint_of(
    destination: Destination,
    unlocker: Unlocker,
    on_debug: Callable[[str], object] | None = None,
) -> Endpoint:
    """Return the endpoint of a destination; this reads its secrets and opens no connection.

    Args:
        destination: of `piienc.toml`, or made from a URL.
        unlocker: provides the private key's passphrase, unless the settings name a file with it.
        on_debug: called with each debug line of the SSH connection.

    Raises:
        UsageError, ConfigError: the URL is invalid, on the command line or in `piienc.toml`.
        ConfigError: the SSH configuration cannot be read, or needs an unsupported feature.
        KeyAccessError: the password or the passphrase cannot be read, or others may read it.
        PolicyError: a named file belongs to another user: see `piienc.base.trust`.
    """
    error: type[PiiencError] = UsageError if destination.name is None else ConfigError
    url = parse_url(destination.url, error=error)
    for file in (destination.known_hosts, destination.certificate_file):
        if file and expanded(file).exists():  # if not, it is missed when it is needed
            require_trusted(expanded(file))
    if destination.passphrase_file:
        secret = _secret(destination.passphrase_file)
        unlocker = Unlocker(lambda _: secret)
    options = ConnectOptions(
        identity_file=destination.identity_file,
        certificate_file=destination.certificate_file,
        password=_secret(destination.password_file) if destination.password_file else None,
        unlocker=unlocker,
        agent=destination.agent,
        known_hosts=destination.known_hosts,
        timeouts=Timeouts(**dict(destination.timeouts)),
        sessions=destination.sessions,
        limiter=Limiter(destination.bandwidth) if destination.bandwidth else None,
        file_mode=destination.file_mode,
        on_debug=on_debug,
    )
    return Endpoint(destination, url, options, places_of(url, options))


def _secret(file: Path) -> SecretBytes:
    with reading(file, kind=KeyAccessError), open_trusted(file, secret=True) as stream:
        value = stream.read(_LONGEST + 1)
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value or len(value) > _LONGEST:
        raise KeyAccessError(
            f"{file} holds no password: it is {'over 64 KiB' if value else 'empty'}",
            hint="write the password into it, and nothing else",
        )
    return SecretBytes(value)
