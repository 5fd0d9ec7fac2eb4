"""An SFTP server as a destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.remote.options import Options
    from piienc.remote.remote import Remote
    from piienc.remote.url import RemoteUrl


class SftpRemote:
    """A `Remote` on an SFTP server."""

    @classmethod
    def connect(cls, url: RemoteUrl, options: Options) -> Remote:
        """Connect."""
        raise NotImplementedError
