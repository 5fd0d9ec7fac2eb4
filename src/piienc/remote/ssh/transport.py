"""paramiko's transport, over a bounded socket and with the algorithms that we want."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paramiko import Transport

from piienc.remote.ssh.debug import NAME
from piienc.remote.ssh.peer import Peer, PeerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paramiko import PKey

    from piienc.remote.ssh.peer import Stream

# The fastest first; no CBC, and nothing with MD5.
_CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
REKEY = 1 << 30  # bytes: RFC 4253, 9


class SshTransport(Transport):
    """paramiko's transport, over a bounded socket and with the host keys that we want to see.

    Attributes:
        peer: the socket.
        tried: how many keys were shown to the server.
    """

    def __init__(self, stream: Stream, host_keys: Sequence[str], *, stall: float) -> None:
        self.peer = Peer(stream, stall=stall)
        self.tried = 0
        self._shown_key: PKey | None = None
        socket_like: Any = self.peer  # any object with a socket's methods, by paramiko's word
        super().__init__(socket_like)
        self._host_keys = tuple(host_keys)
        self.packetizer.REKEY_BYTES = REKEY
        self.set_log_channel(NAME)
        options = self.get_security_options()
        options.ciphers = _CIPHERS
        options.digests = _MACS

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host keys to ask for; paramiko would always ask for certificates last."""
        return self._host_keys

    @property
    def host_key(self) -> PKey | None:
        """The key that the host has proven to have; paramiko sets it at each key exchange."""
        return self._shown_key

    @host_key.setter
    def host_key(self, key: PKey | None) -> None:
        shown_key = self._shown_key
        if shown_key and key and shown_key.asbytes() != key.asbytes():
            raise self.peer.given_up(PeerError("it shows another host key than at the beginning"))
        self._shown_key = key

    @property
    def said_farewell(self) -> bool:
        """Whether the server has ended the connection in words, and is not just gone."""
        return not (self.is_active() or self.peer.lost or self.peer.failure)
