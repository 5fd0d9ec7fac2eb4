"""The SSH connection: through all hosts on the way, to the host that was meant, logged in."""

from __future__ import annotations

import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from paramiko import Message, Transport
from paramiko.ssh_exception import ChannelException, IncompatiblePeer, SSHException

from piienc.errors import ConnectError
from piienc.remote.debug import NAME, following
from piienc.remote.host_keys import KnownHosts
from piienc.remote.login import log_in
from piienc.remote.session import Session
from piienc.remote.ssh_config import resolve
from piienc.remote.translate import connecting, transferring
from piienc.remote.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.remote.options import Options
    from piienc.remote.ssh_config import Hop
    from piienc.remote.url import RemoteUrl

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
_OUR_END = ("127.0.0.1", 0)  # told to a host on the way as where the connection comes from
_ENDING = 2.0  # seconds: a thread looks ten times a second whether its socket is closed
_PROHIBITED = 1  # RFC 4254, 5.1: the code of a forwarding that is not allowed


class SshTransport(Transport):
    """paramiko's transport, with our packets and the host keys that we want to see.

    Attributes:
        offered: what the server offers of each kind of algorithm, if it was not enough.
        farewell: the server's code and words when it ends the connection.
    """

    def __init__(self, peer: socket.socket, host_keys: Sequence[str], *, stall: float) -> None:
        wire: Any = partial(Wire, stall=stall)  # a class, for paramiko's type information
        super().__init__(peer, packetizer_class=wire)
        self._host_keys = tuple(host_keys)
        self.offered: dict[str, list[str]] = {}
        self.farewell: tuple[int, str] | None = None
        self.set_log_channel(NAME)
        options = self.get_security_options()
        options.ciphers = _CIPHERS
        options.digests = _MACS

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host keys to ask for; paramiko would always ask for certificates last."""
        return self._host_keys

    def _parse_kex_init(self, m: Message) -> None:
        offered = Message(m.asbytes())
        try:
            super()._parse_kex_init(m)  # type: ignore[misc]
        except IncompatiblePeer:
            self.offered = self._really_parse_kex_init(offered)  # type: ignore[attr-defined]
            raise

    def _parse_disconnect(self, m: Message) -> None:
        self.farewell = (m.get_int(), m.get_text())


class Connection:
    """A connection that is logged in.

    Attributes:
        transport: to the destination.
        host: what messages call it.
        stall: the longest time in seconds without a sign of the server.
    """

    def __init__(self, host: str, *, stall: float) -> None:
        self.host = host
        self.stall = stall
        self._transports: list[SshTransport] = []
        self._open = contextlib.ExitStack()

    @property
    def transport(self) -> SshTransport:
        """The last transport: the one to the destination."""
        return self._transports[-1]

    @classmethod
    def open(cls, url: RemoteUrl, options: Options) -> Connection:
        """Connect, check the host keys, and log in: see `open_remote`."""
        hop = resolve(url, options)
        connection = cls(hop.shown, stall=options.timeouts.stall)
        connection._open.enter_context(following(options.debug, options.password))
        try:
            for one in (*hop.proxied, hop):
                connection._extend(one, options)
        except BaseException:
            connection.close()
            raise
        return connection

    def first_session(self) -> Session:
        """Begin the session that is always there."""
        with connecting(self.host):
            try:
                return Session.open(self)
            except EOFError:
                raise ConnectError(
                    f"{self.host}: the server ends the SFTP session at once",
                    hint="ask its owner whether this account may use SFTP",
                ) from None

    def broken(self, doing: str) -> contextlib.AbstractContextManager[None]:
        """Turn what goes wrong over this connection into our errors."""
        return transferring(self.host, doing)

    def close(self) -> None:
        """End the connection, and those through which it goes."""
        for transport in reversed(self._transports):
            with contextlib.suppress(OSError, EOFError):  # it has ended already
                transport.sock.shutdown(socket.SHUT_RDWR)  # or its reader notices only later
            transport.close()
            transport.sock.close()
            transport.join(_ENDING)
        self._open.close()

    def _extend(self, hop: Hop, options: Options) -> None:
        times = options.timeouts
        known = KnownHosts(hop)
        with connecting(hop.shown):
            peer = self._reach(hop, hop.connect or times.connect)
            transport = SshTransport(peer, known.algorithms(), stall=times.stall)
            self._transports.append(transport)
            transport.banner_timeout = transport.handshake_timeout = times.banner
            transport.auth_timeout = times.login
            transport.channel_timeout = times.stall
            transport.clear_to_send_timeout = times.stall
            with _explained(transport, hop):
                transport.start_client(timeout=times.banner)
                if not transport.initial_kex_done:
                    raise TimeoutError
            key = transport.get_remote_server_key()
            blob = getattr(key, "public_blob", None)
            known.check(key.asbytes(), blob.key_blob if blob else None)
            log_in(transport, hop, options)
            transport.set_keepalive(max(1, int(times.keepalive)))

    def _reach(self, hop: Hop, seconds: float) -> socket.socket:
        if not self._transports:
            peer = socket.create_connection((hop.host, hop.port), timeout=seconds)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return peer
        through = self._transports[-1]
        try:
            channel: Any = through.open_channel(
                "direct-tcpip", (hop.host, hop.port), _OUR_END, timeout=seconds
            )
        except ChannelException as error:
            refused = error.code == _PROHIBITED
            raise ConnectError(
                f"the host on the way {'does not allow' if refused else 'cannot make'} the "
                f"connection to {hop.shown}",
                hint="check the ProxyJump line in the SSH configuration",
                transient=not refused,
            ) from error
        return channel  # type: ignore[no-any-return]  # a channel has a socket's methods


@contextlib.contextmanager
def _explained(transport: SshTransport, hop: Hop) -> Iterator[None]:
    """Tell of a failed handshake what paramiko leaves in the dark."""
    try:
        yield
    except IncompatiblePeer as error:
        offers = "; ".join(
            f"{what} {', '.join(transport.offered.get(field, []))}"
            for what, field in (
                ("key exchange", "kex_algo_list"),
                ("host key", "server_key_algo_list"),
                ("cipher", "client_encrypt_algo_list"),
                ("MAC", "client_mac_algo_list"),
            )
        )
        shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in offers)[:600]
        raise ConnectError(
            f"{hop.shown}: the server offers only algorithms that are outdated or not known here "
            f"(it offers {shown})",
            hint="it may be old and know only SHA-1 or CBC, which are unsafe: have it updated",
        ) from error
    except SSHException as error:
        if "banner" not in str(error):
            raise
        raise ConnectError(
            f"{hop.shown}: the server does not say what it is",
            hint="it may be too busy, or no SSH server: check the port; if it is right, run the "
            "same command again later",
            transient=True,
        ) from error
