"""The kinds of destinations, by the scheme of their URLs.

`DESTINATIONS` lists every kind. Kinds are cheap to import: heavy libraries are imported to connect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import ConfigError
from piienc.remote.kinds.file import FILE_KIND
from piienc.remote.kinds.sftp import SFTP_KIND
from piienc.remote.options import ConnectOptions
from piienc.remote.url import shown, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.errors import PiiencError
    from piienc.remote.kinds.kind import DestinationFeatures, DestinationKind
    from piienc.remote.remote import Remote
    from piienc.remote.url import RemoteUrl

DESTINATIONS: Mapping[str, DestinationKind] = {
    "sftp": SFTP_KIND,
    "file": FILE_KIND,
}
"""By the scheme of its URLs, what a kind of destination is."""


def parse_url(text: str, *, error: type[PiiencError] = ConfigError) -> RemoteUrl:
    """Read a URL.

    Args:
        text: the URL. Its folder is absolute; `sftp://host` alone is the login folder.
        error: the class to raise: `UsageError` for a URL of the command line.

    Raises:
        PiiencError: of the class `error`; the message never shows what may be a password.
    """
    try:
        parts = split(text)
        kind = DESTINATIONS.get(parts.scheme)
        if kind is None:
            schemes = " and ".join(f"{scheme}://" for scheme in DESTINATIONS)
            raise ValueError(f"only {schemes} are known")  # noqa: TRY301  # as the kinds do
        return kind.parse(parts)
    except ValueError as reason:
        problem = str(reason) or "it is no URL of a destination"
        forms = " or ".join(kind.form for kind in DESTINATIONS.values())
        raise error(f"the destination {shown(text)}: {problem}", hint=f"write {forms}") from None


def open_remote(url: RemoteUrl, options: ConnectOptions | None = None) -> Remote:
    """Connect to a destination, and check that its folder is there.

    Raises:
        ConnectError: it cannot be reached, its host key is not the known one, or the login
            failed; `transient` where trying again may help.
        ConfigError: the SSH configuration cannot be read, or asks for what is not offered.
        KeyAccessError: a private key cannot be read or is locked.
        IncompleteError: the folder is not there, or may not be entered.
    """
    return DESTINATIONS[url.scheme].connect(url, options or ConnectOptions())


def places_of(url: RemoteUrl, options: ConnectOptions | None = None) -> tuple[str, ...]:
    """Return the URLs that mean this folder: first the one that is the same for every spelling.

    There, the SSH configuration has said host, port and user. The others are as it is written, and
    with the usual port written out.

    Raises:
        ConfigError: the SSH configuration cannot be read, or asks for what is not offered.
    """
    return DESTINATIONS[url.scheme].places(url, options or ConnectOptions())


def features_of(url: RemoteUrl) -> DestinationFeatures:
    """Return what a destination can do."""
    return DESTINATIONS[url.scheme].features
