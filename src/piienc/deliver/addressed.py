"""A destination that somebody names, and what is to be done with files that go there."""

from __future__ import annotations

import contextlib
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc import receivers as profiles
from piienc.deliver.push import PushRequest, rules_of
from piienc.errors import ConfigError
from piienc.keys.openpgp.folder import PgpFolder
from piienc.remote import features_of, parse_url, places_of
from piienc.settings.destination import Destination
from piienc.state import Ledger

if TYPE_CHECKING:
    from piienc.deliver.endpoint import Endpoint
    from piienc.remote import RemoteUrl
    from piienc.schema import Schema
    from piienc.settings import Settings

_LOGIN = "."  # the folder where a login begins


def destination_named(where: str, settings: Settings) -> Destination:
    """Return a destination by its name in `piienc.toml`, or by its URL.

    Raises:
        ConfigError: there is none of that name.
    """
    if "://" in where:
        return Destination(where)
    if where in settings.destinations:
        return settings.destinations[where]
    # What is written as for scp may hold a password.
    masked = re.sub(r":[^@]*@", ":***@", where)
    names = ", ".join(sorted(settings.destinations)) or "none"
    raise ConfigError(
        f"there is no destination {masked}; those of piienc.toml are: {names}",
        hint="name one of them, add [destinations.NAME], or give a URL: sftp://user@host/dir/",
    )


def push_request(
    destination: Destination,
    endpoint: Endpoint,
    settings: Settings,
    *,
    schema: Schema | None = None,
    again: bool = False,
) -> PushRequest:
    """Return the request to push files to a destination.

    Args:
        destination: the destination. Without recipients of its own, it has those of the configured
            destination with the same folder or the nearest parent folder. Their keys must exist.
        endpoint: its endpoint.
        settings: the locations of keys and state, and the user's own profiles.
        schema: the schema of the files, for a manifest.
        again: also deliver files that were already delivered.
    """
    profile = profiles.load(destination.profile, settings.profiles)
    recipients = {
        str(key.name): frozenset(part.key_id for part in key.parts)
        for key in PgpFolder(settings.keys_dir).load(_recipients(destination, endpoint, settings))
    }
    rules = rules_of(endpoint, profile, schema=schema, again=again)
    return PushRequest(endpoint, profile, rules, recipients, Ledger(settings.state_dir))


def _recipients(
    destination: Destination, endpoint: Endpoint, settings: Settings
) -> tuple[str, ...]:
    """Return the recipients of a destination, which depend on its location and not on its name."""
    if destination.recipients or not any(
        each.recipients for each in settings.destinations.values()
    ):
        return destination.recipients
    here = _normal(parse_url(endpoint.places[0]))
    destinations = [
        (_place_of(each.url), each.recipients) for each in settings.destinations.values()
    ]
    heights = [(_height(place, here), names) for place, names in destinations]
    around = [(height, names) for height, names in heights if height is not None]
    nearest = min((height for height, _ in around), default=0)  # which says it
    return tuple(dict.fromkeys(key for height, keys in around if height == nearest for key in keys))


def _place_of(url: str) -> RemoteUrl:
    place = parse_url(url)
    with contextlib.suppress(ConfigError):  # of the SSH configuration for another destination
        place = parse_url(places_of(place)[0])
    return _normal(place)


def _normal(place: RemoteUrl) -> RemoteUrl:
    """Return a place with its host as others write it, too: `127.1`, `[0::1]`, `example.com.`."""
    host = place.host.rstrip(".")
    with contextlib.suppress(OSError):
        host = socket.inet_ntoa(socket.inet_aton(host))
    with contextlib.suppress(ValueError):
        host = _written(ip_address(host))
    return replace(place, host=host)


def _written(address: IPv4Address | IPv6Address) -> str:
    """Return the one text of an address."""
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # the socket that it leads to is of IPv4: RFC 4291, 2.5.5.2
        return str(address.ipv4_mapped)
    bare, _, zone = str(address).partition("%")
    if zone.isdecimal():  # an interface has a name and a number: RFC 4007, 11.2
        with contextlib.suppress(OSError, OverflowError):
            zone = socket.if_indextoname(int(zone))
    return f"{bare}%{zone}" if zone else bare


def _height(around: RemoteUrl, place: RemoteUrl) -> int | None:
    """Return how many levels a folder is below another; None if it is not inside it.

    The location of a login folder is unknown: it may be around any folder, or inside any.
    """
    if replace(place, folder="") != replace(around, folder=""):
        return None
    path, base = Path(place.folder), Path(around.folder)
    if place.folder == _LOGIN:
        return 0
    if around.folder == _LOGIN:
        return len(path.parents)
    local = features_of(place).local
    if local:
        path, base = path.resolve(), base.resolve()
    for height, folder in enumerate((path, *path.parents)):
        if folder == base or (local and _is_same(folder, base)):
            return height
    return None


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two paths lead to the same folder, which may be mounted twice."""
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False
