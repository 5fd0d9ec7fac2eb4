"""Folders of SFTP servers, by URLs as `sftp://user@host:port/folder/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.remote.kinds.kind import DestinationKind
from piienc.remote.url import address_of

if TYPE_CHECKING:
    from piienc.remote.options import ConnectOptions
    from piienc.remote.remote import Remote
    from piienc.remote.url import RemoteUrl


def _places(url: RemoteUrl, options: ConnectOptions) -> tuple[str, ...]:
    from piienc.remote.ssh.config import SSH_PORT, resolve  # noqa: PLC0415  # paramiko is heavy

    hop = resolve(url, options)
    resolved = replace(url, host=hop.host.lower(), port=hop.port, user=hop.user)
    usual = replace(resolved, port=None) if hop.port == SSH_PORT else resolved
    return tuple(dict.fromkeys(map(str, (usual, url, resolved))))


def _connect(url: RemoteUrl, options: ConnectOptions) -> Remote:
    from piienc.remote.sftp.remote import SftpRemote  # noqa: PLC0415  # paramiko is heavy

    return SftpRemote.connect(url, options)


SFTP_KIND = DestinationKind("sftp://user@host:port/folder/", address_of, _places, _connect)
