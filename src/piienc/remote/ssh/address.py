"""Where an SSH server is, as the parts of a URL tell it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from piienc.remote.url import RemoteUrl, decoded, folder_of

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_HOST = re.compile(r"[0-9A-Za-z_.:%-]+")  # names, aliases, IPv4, and IPv6 with its zone


def address_of(parts: SplitResult) -> RemoteUrl:
    """Return the URL that the parts of one make.

    Raises:
        ValueError: it holds a password, or host, port, user or folder cannot be one.
    """
    if parts.password is not None:
        raise ValueError(
            "a password must not stand in a URL, where logs and process lists show it; keep it "
            "in a file that only you may read"
        )
    if parts.port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the port must be a number from 1 to 65535")
    user = decoded(parts.username) if parts.username is not None else None
    if user == "":
        raise ValueError("the user's name is empty")
    return RemoteUrl("sftp", folder_of(parts.path) or ".", _host(parts.netloc), parts.port, user)


def _host(netloc: str) -> str:
    # Not `hostname`, which is in lower case: aliases of the SSH configuration keep their case.
    at = netloc.rpartition("@")[2]
    kept = at[1:].partition("]")[0] if at.startswith("[") else at.partition(":")[0]
    host = decoded(kept)
    if not host:
        raise ValueError("it names no host")
    if not _HOST.fullmatch(host) or host.startswith("-"):
        raise ValueError("the host's name is malformed")
    return host
