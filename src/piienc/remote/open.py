"""The way in: a destination by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.remote.options import ConnectOptions

if TYPE_CHECKING:
    from piienc.remote.remote import Remote
    from piienc.remote.url import RemoteUrl


def open_remote(url: RemoteUrl, options: ConnectOptions | None = None) -> Remote:
    """Connect to a destination, and check that its folder is there.

    Raises:
        ConnectError: it cannot be reached, its host key is not the known one, or the login
            failed; `transient` where trying again may help.
        ConfigError: the SSH configuration cannot be read, or asks for what is not offered.
        KeyAccessError: a private key cannot be read or is locked.
        IncompleteError: the folder is not there, or may not be entered.
    """
    options = options or ConnectOptions()
    if url.scheme == "file":
        from piienc.remote.folder import FolderRemote  # noqa: PLC0415  # only what is needed

        return FolderRemote(Path(url.folder), limiter=options.limiter, mode=options.file_mode)
    from piienc.remote.sftp.remote import SftpRemote  # noqa: PLC0415  # paramiko is heavy

    return SftpRemote.connect(url, options)


def places_of(url: RemoteUrl, options: ConnectOptions | None = None) -> tuple[str, ...]:
    """Return the URLs that mean this folder: first the one that is the same for every spelling.

    There, the SSH configuration has said host, port and user. The others are as it is written, and
    with the usual port written out.

    Raises:
        ConfigError: the SSH configuration cannot be read, or asks for what is not offered.
    """
    if url.scheme == "file":
        return (str(url),)
    from piienc.remote.ssh.config import SSH_PORT, resolve  # noqa: PLC0415  # paramiko is heavy

    hop = resolve(url, options or ConnectOptions())
    settled = replace(url, host=hop.host.lower(), port=hop.port, user=hop.user)
    usual = replace(settled, port=None) if hop.port == SSH_PORT else settled
    return tuple(dict.fromkeys(map(str, (usual, url, settled))))
