"""The socket below paramiko: it limits how long a peer can stall and how much memory it can use.

paramiko accepts any object with a socket's methods. It reads a packet in two calls: its beginning,
and then the rest, whose length the peer has sent. So the second call shows a packet that is too
long, before the host key is known and after.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

from piienc.errors import IncompleteError
from piienc.remote.sftp.protocol import Fields

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from paramiko import Channel

    Stream = socket.socket | Channel
    """A channel goes through another host, and has the methods of a socket."""

_PACKET = 1 << 20  # bytes; OpenSSH's PACKET_MAX_SIZE is 256 KiB
_HANDSHAKE = 256 << 10  # bytes until the host key is known: some 4 KB at OpenSSH
_READ = 256 << 10
_LOOK = 4 << 20  # bytes

_BANNER = re.compile(rb"^SSH-.*\n", re.MULTILINE)
_KEXINIT = 20  # RFC 4253, 7.1
_KINDS = ("kex", "keys", "ciphers", "_", "macs")
"""The first lists of a KEXINIT, by paramiko's names; the third and fourth are alike."""


class PeerError(Exception):
    """The peer went beyond a bound; the text says which."""


class Peer:
    """A socket to an untrusted peer.

    Attributes:
        is_flooded: called from time to time; returns whether more data has come than requested.
        failure: the error that ended the connection; None before that.
        lost: whether the peer or the network is gone.
    """

    def __init__(self, stream: Stream, *, stall: float) -> None:
        """Take a stream.

        Args:
            stream: connected.
            stall: how many seconds the peer may accept no data.
        """
        self._stream, self._stall = stream, stall
        self._ahead, self._at = b"", 0
        self._heard: bytearray | None = bytearray()
        self._stuck: float | None = None
        self._closed = False  # paramiko looks at it, as at a socket's
        self._unseen = 0
        self.is_flooded: Callable[[], bool] = lambda: False
        self.failure: Exception | None = None
        self.lost = False

    def end_handshake(self) -> None:
        """Lift the limit of the handshake, when the host key was checked."""
        self._heard = None

    def recv(self, count: int) -> bytes:
        """Return up to so many bytes; none at the end.

        Raises:
            TimeoutError: nothing comes for now.
            PeerError: the peer sends more than it may.
        """
        if count > _PACKET:
            raise self.given_up(PeerError(f"it announces a packet of {count:,} bytes"))
        if self._at == len(self._ahead):
            self._ahead, self._at = self._receive(), 0
        data = self._ahead[self._at : self._at + count]
        self._at += len(data)
        if self._heard is not None:
            self._heard += data
            if len(self._heard) > _HANDSHAKE:
                raise self.given_up(PeerError("it sends too much before the keys are agreed on"))
        return data

    def send(self, data: bytes) -> int:
        """Send some bytes, and return how many.

        Raises:
            TimeoutError: the peer takes nothing for now; or for too long, and then it is given up.
        """
        try:
            sent = self._stream.send(data)
        except TimeoutError as error:
            now = time.monotonic()
            self._stuck = self._stuck or now
            if now - self._stuck > self._stall:
                # Half a packet may be out: nothing sensible can follow.
                raise self.given_up(error) from None
            raise
        self._stuck = None
        return sent

    def settimeout(self, seconds: float | None) -> None:
        """Set how long `recv` and `send` wait."""
        self._stream.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        """End it in one direction, or in both."""
        self._stream.shutdown(how)

    def close(self) -> None:
        """Close it."""
        self._closed = True
        self._stream.close()

    def offered(self) -> dict[str, list[str]]:
        """Return the peer's algorithms of each kind: kex, keys, ciphers, macs.

        They are known until the end of the handshake; empty if the peer has not sent them.
        """
        heard = bytes(self._heard or b"")
        if banner := _BANNER.search(heard):
            fields = Fields(heard[banner.end() :])
            with contextlib.suppress(IncompleteError):
                head = fields.take(4 + 1 + 1 + 16)  # length, padding, kind, cookie
                if head[5] == _KEXINIT:
                    return {kind: fields.text().split(",") for kind in _KINDS}
        return {}

    def given_up(self, failure: Exception) -> Exception:
        """End the connection for a reason, and return it."""
        self.failure = failure
        self.close()
        return failure

    def _receive(self) -> bytes:
        try:
            data = self._stream.recv(_READ)
        except TimeoutError:
            raise
        except OSError:
            self.lost = True
            raise
        self.lost = self.lost or not data
        self._unseen += len(data)
        if self._unseen > _LOOK:
            self._unseen = 0
            if self.is_flooded():
                raise self.given_up(PeerError("it sends more than it was asked for"))
        return data
