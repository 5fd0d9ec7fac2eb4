"""An SFTP server of asyncssh's: PORT FOLDER HOST_KEY AUTHORIZED_KEYS."""

import asyncio
import sys

import asyncssh

port, folder, host_key, authorized = sys.argv[1:]


class Files(asyncssh.SFTPServer):
    """Shows the folder as the root."""

    def __init__(self, channel):
        super().__init__(channel, chroot=folder)


async def serve():
    """Serve for ever."""
    await asyncssh.listen(
        "127.0.0.1",
        int(port),
        server_host_keys=[host_key],
        authorized_client_keys=authorized,
        sftp_factory=Files,
    )
    await asyncio.Event().wait()


asyncio.run(serve())
