"""The SSH connection: through all hosts on the way, to the host that was meant, logged in."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from paramiko.ssh_exception import ChannelException, IncompatiblePeer, SSHException

from piienc.errors import ConnectError, PiiencError
from piienc.remote.sftp.session import Session
from piienc.remote.ssh.config import resolve
from piienc.remote.ssh.debug import following
from piienc.remote.ssh.host_keys import KnownHosts
from piienc.remote.ssh.login import log_in
from piienc.remote.ssh.peer import PeerError
from piienc.remote.ssh.translate import FOREIGN, connecting, transferring
from piienc.remote.ssh.transport import SshTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.remote.options import ConnectOptions
    from piienc.remote.ssh.config import Hop
    from piienc.remote.ssh.peer import Stream
    from piienc.remote.url import RemoteUrl

_OUR_END = ("127.0.0.1", 0)  # told to a host on the way as where the connection comes from
_ENDING = 2.0  # seconds: a thread looks ten times a second whether its socket is closed
_PROHIBITED = 1  # RFC 4254, 5.1: the code of a forwarding that is not allowed


class Connection:
    """A connection that is logged in.

    Attributes:
        transport: to the destination.
        host: its name in messages.
        stall: the longest silence of the server, in seconds.
        sessions: the open sessions.
    """

    def __init__(self, host: str, *, stall: float) -> None:
        self.host = host
        self.stall = stall
        self.sessions: list[Session] = []
        self._transports: list[SshTransport] = []
        self._open = contextlib.ExitStack()

    @property
    def transport(self) -> SshTransport:
        """The last transport: the one to the destination."""
        return self._transports[-1]

    @classmethod
    def open(cls, url: RemoteUrl, options: ConnectOptions) -> Connection:
        """Connect, check the host keys, and log in: see `open_remote`."""
        hop = resolve(url, options)
        connection = cls(hop.shown, stall=options.timeouts.stall)
        connection._open.enter_context(following(options.on_debug, options.password))
        try:
            for one in (*hop.proxied, hop):
                connection._extend(one, options)
        except BaseException:
            connection.close()
            raise
        connection.transport.peer.is_flooded = lambda: any(
            session.flooded for session in connection.sessions
        )
        return connection

    def first_session(self) -> Session:
        """Begin the session that is always there."""
        with connecting(self.host):
            try:
                return self.new_session()
            except EOFError:
                raise ConnectError(
                    f"{self.host}: the server ends the SFTP session at once",
                    hint="ask its owner whether this account may use SFTP",
                ) from None

    def new_session(self) -> Session:
        """Begin a session.

        Raises:
            SSHException, TimeoutError, EOFError: the server refuses, or says nothing.
        """
        session = Session.open(self.transport, stall=self.stall)
        self.sessions.append(session)
        return session

    def broken(self, doing: str) -> contextlib.AbstractContextManager[None]:
        """Turn what goes wrong over this connection into our errors."""
        return transferring(self.host, doing, lambda: self.transport.peer.failure)

    def close(self) -> None:
        """End the connection, and those through which it goes."""
        for transport in reversed(self._transports):
            with contextlib.suppress(OSError, EOFError):  # it has ended already
                transport.peer.shutdown(socket.SHUT_RDWR)  # or its reader notices only later
            transport.close()
            transport.peer.close()
            transport.join(_ENDING)
            transport.packetizer.complete_handshake()  # or its timer runs on, as a thread
        self._open.close()

    def _extend(self, hop: Hop, options: ConnectOptions) -> None:
        times = options.timeouts
        known_hosts = KnownHosts(hop)
        with contextlib.ExitStack() as stack:
            stack.enter_context(connecting(hop.shown))
            stream = self._reach(hop, hop.connect or times.connect)
            transport = SshTransport(stream, known_hosts.algorithms(), stall=times.stall)
            self._transports.append(transport)
            stack.enter_context(_explained(transport, hop))
            transport.banner_timeout = transport.handshake_timeout = times.banner
            transport.auth_timeout = times.login
            transport.channel_timeout = times.stall
            transport.clear_to_send_timeout = times.stall
            transport.start_client(timeout=times.banner)
            if not transport.initial_kex_done:
                raise TimeoutError
            key = transport.get_remote_server_key()
            blob = getattr(key, "public_blob", None)
            known_hosts.check(key.asbytes(), blob.key_blob if blob else None)
            transport.peer.end_handshake()
            log_in(transport, hop, options)
            transport.set_keepalive(max(1, int(times.keepalive)))

    def _reach(self, hop: Hop, seconds: float) -> Stream:
        if not self._transports:
            peer = socket.create_connection((hop.host, hop.port), timeout=seconds)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return peer
        through = self._transports[-1]
        try:
            return through.open_channel(
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


@contextlib.contextmanager
def _explained(transport: SshTransport, hop: Hop) -> Iterator[None]:
    """Explain a failed handshake better than paramiko does."""
    try:
        yield
    except (PiiencError, TimeoutError):
        raise
    except IncompatiblePeer as error:
        raise _incompatible(transport, hop) from error
    except Exception as error:
        if failure := transport.peer.failure:
            raise failure from error
        if isinstance(error, SSHException) and "banner" in str(error):
            raise ConnectError(
                f"{hop.shown}: the server does not say what it is",
                hint="it may be too busy, or no SSH server: check the port; if it is right, run "
                "the same command again later",
                transient=True,
            ) from error
        if isinstance(error, FOREIGN) or transport.is_active():
            raise
        # paramiko lets through whatever its parser stumbles over in a malformed message.
        raise PeerError("it does not speak SSH") from error


def _incompatible(transport: SshTransport, hop: Hop) -> ConnectError:
    offered = transport.peer.offered()
    kinds = {
        "kex": ("key exchange", transport.preferred_kex),
        "keys": ("host key", transport.preferred_keys),
        "ciphers": ("cipher", transport.preferred_ciphers),
        "macs": ("MAC", transport.preferred_macs),
    }
    lacking = [
        (what, offered[kind], supported)
        for kind, (what, supported) in kinds.items()
        if kind in offered and not {*supported} & {*offered[kind]}
    ]
    if not lacking:
        return ConnectError(f"{hop.shown}: the server and piienc have no algorithm in common")
    differences = "; ".join(
        f"it offers the {what} {', '.join(offers)}, and piienc knows {', '.join(supported)}"
        for what, offers, supported in lacking
    )
    text = "".join(c if c.isascii() and c.isprintable() else "?" for c in differences)[:600]
    modern = any("chacha20" in name for _, offers, _ in lacking for name in offers)
    return ConnectError(
        f"{hop.shown}: the server and piienc have no {lacking[0][0]} in common: {text}",
        hint="ask the server's owner to allow aes256-gcm@openssh.com or aes256-ctr, too"
        if modern
        else "it may be old and know only SHA-1 or CBC, which are unsafe: have it updated",
    )
