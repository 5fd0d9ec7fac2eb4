"""SSH packets, with less work for each than paramiko's own, and never for ever.

paramiko's `Packetizer` copies a packet six times on its way out, and reads each with two calls
to the system. At 300 MB/s that is what a transfer waits for. So `Wire` does the same work for
AES-GCM, which `ssh.py` prefers, with two copies; every other cipher takes paramiko's way.
Measured on loopback, 512 MB up: 0.66 s of processor time, and 0.99 s without it.

paramiko's `packetizer_class` is a documented seam; but the methods that are overridden here are
promised nowhere, nor is what `channels.py` and `ssh.py` call. So pyproject.toml holds paramiko
below the next minor version, and tests look at each signature.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from typing import TYPE_CHECKING, Protocol, cast

from cryptography.exceptions import InvalidTag
from paramiko.message import Message
from paramiko.packet import NeedRekeyException, Packetizer
from paramiko.ssh_exception import SSHException

if TYPE_CHECKING:
    import socket

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from typing_extensions import Buffer

_TAG = 16  # bytes; RFC 5647, 7.3
_BLOCK = 16
_LENGTH = 4
_LONGEST = 1 << 20  # bytes in a packet; OpenSSH's PACKET_MAX_SIZE is 256 KiB
_READ = 256 << 10


class Bulk:
    """A message that is sent without being put together before."""

    def __init__(self, *parts: Buffer) -> None:
        self.parts = parts

    def asbytes(self) -> bytes:
        """Return the message whole, for other ciphers."""
        return b"".join(self.parts)


class Sendable(Protocol):
    """A message, as paramiko's own is one."""

    def asbytes(self) -> bytes:
        """Return the message."""


class _Gcm:
    """One direction of aes256-gcm@openssh.com: RFC 5647, 7.1, counts the invocations."""

    def __init__(self, engine: AESGCM, iv: bytes) -> None:
        self.engine = engine
        self._fixed = iv[:4]
        self._count = int.from_bytes(iv[4:], "big")
        self.passed = 0  # bytes under this key

    def nonce(self) -> bytes:
        """Return the nonce of the next packet."""
        nonce = self._fixed + self._count.to_bytes(8, "big")
        self._count = (self._count + 1) & 0xFFFF_FFFF_FFFF_FFFF
        return nonce


class Wire(Packetizer):
    """The packets of one connection."""

    # RFC 4253, 9, recommends new keys after a gigabyte.
    REKEY_BYTES = 1 << 30

    def __init__(self, peer: socket.socket, *, stall: float) -> None:
        super().__init__(peer)
        self._peer = peer
        self._stall = stall
        self._sending = threading.RLock()
        self._out: _Gcm | None = None
        self._in: _Gcm | None = None
        self._ahead = b""  # read from the peer, from `_at` on not yet used
        self._at = 0
        self._until: float | None = None

    # paramiko's own timer is a thread, which a failed handshake leaves running.

    def start_handshake(self, timeout: float) -> None:
        """Begin to measure the time of the handshake."""
        self._until = time.monotonic() + timeout

    def handshake_timed_out(self) -> bool:
        """Tell whether the handshake has taken too long."""
        return self._until is not None and time.monotonic() > self._until

    def complete_handshake(self) -> None:
        """No longer measure the time."""
        self._until = None

    def set_outbound_cipher(self, **to: object) -> None:  # type: ignore[override]
        """Switch to new keys."""
        super().set_outbound_cipher(**to)  # type: ignore[arg-type]
        engine, iv = cast("AESGCM", to["block_engine"]), cast("bytes", to["iv_out"])
        self._out = _Gcm(engine, iv) if to["aead"] else None

    def set_inbound_cipher(self, **to: object) -> None:  # type: ignore[override]
        """Switch to new keys."""
        super().set_inbound_cipher(**to)  # type: ignore[arg-type]
        engine, iv = cast("AESGCM", to["block_engine"]), cast("bytes", to["iv_in"])
        self._in = _Gcm(engine, iv) if to["aead"] else None

    def send_message(self, data: Sendable) -> None:
        """Send a message as one packet."""
        with self._sending:
            if self._out is None:
                super().send_message(data)  # type: ignore[arg-type]
                return
            parts = data.parts if isinstance(data, Bulk) else (data.asbytes(),)
            self._send_sealed(self._out, parts)

    def _send_sealed(self, gcm: _Gcm, parts: tuple[Buffer, ...]) -> None:
        size = sum(map(len, cast("tuple[bytes, ...]", parts)))
        # RFC 4253, 6: at least 4 bytes of padding; length and tag are outside of the blocks.
        padding = _LENGTH + -(1 + size + _LENGTH) % _BLOCK
        plain = b"".join((bytes((padding,)), *parts, os.urandom(padding)))
        length = len(plain).to_bytes(_LENGTH, "big")
        sealed = gcm.engine.encrypt(gcm.nonce(), plain, length)
        self.write_all(length + sealed)
        gcm.passed += len(sealed)
        if gcm.passed >= self.REKEY_BYTES and not self.need_rekey():
            self._trigger_rekey()  # type: ignore[attr-defined]

    def write_all(self, out: Buffer) -> None:
        """Send bytes; without any progress for long enough, give up.

        Raises:
            TimeoutError: the peer takes nothing any more.
            EOFError: the connection is gone.
        """
        rest = memoryview(out)
        deadline = time.monotonic() + self._stall
        while rest:
            try:
                sent = self._peer.send(rest)
            except TimeoutError:
                sent = 0
            except OSError as error:
                raise EOFError from error
            if sent:
                rest = rest[sent:]
                deadline = time.monotonic() + self._stall if rest else 0.0
            elif self.closed:
                raise EOFError
            elif time.monotonic() > deadline:
                self.close()  # half a packet may be out: nothing sensible can follow
                raise TimeoutError(errno.ETIMEDOUT, "the server takes nothing any more")

    def read_message(self) -> tuple[int, Message]:
        """Return the next message, and its number.

        Raises:
            SSHException: the packet was changed on its way.
            EOFError: the connection is gone.
            NeedRekeyException: new keys are due; call again.
        """
        if self._in is None:
            return super().read_message()
        gcm = self._in
        length = self.read_all(_LENGTH, check_rekey=True)
        size = int.from_bytes(length, "big")
        if not _BLOCK <= size <= _LONGEST:
            raise SSHException(f"A packet of {size} bytes")
        sealed = self.read_all(size + _TAG)
        try:
            plain = gcm.engine.decrypt(gcm.nonce(), sealed, length)
        except InvalidTag:
            raise SSHException("A packet does not authenticate") from None
        gcm.passed += size
        self._renew_inbound(gcm)
        if plain[0] > size - 2:
            raise SSHException("A packet is padding alone")
        message = Message(plain[2 : size - plain[0]])
        message.seqno = 0  # only told where a message is unknown
        return plain[1], message

    def _renew_inbound(self, gcm: _Gcm) -> None:
        if gcm.passed < self.REKEY_BYTES:
            return
        if not self.need_rekey():
            self._trigger_rekey()  # type: ignore[attr-defined]
        elif gcm.passed > self.REKEY_BYTES + self.REKEY_BYTES_OVERFLOW_MAX:
            raise SSHException("The server does not heed that new keys are due")

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002  # paramiko's signature
        """Return the next `n` bytes.

        Raises:
            TimeoutError: the handshake takes too long.
            EOFError: the connection is gone.
            NeedRekeyException: only with `check_rekey`, and while there is nothing to read.
        """
        while len(self._ahead) - self._at < n:
            self._read_more(n, check_rekey=check_rekey)
        data = self._ahead[self._at : self._at + n]
        self._at += n
        return data

    def readline(self, timeout: float) -> str:
        """Return a line of the banner.

        Raises:
            TimeoutError: the server says nothing.
            EOFError: the connection is gone.
        """
        self._until = time.monotonic() + timeout
        while (end := self._ahead.find(b"\n", self._at)) < 0:
            if len(self._ahead) - self._at > _LONGEST:
                raise SSHException("A banner without an end")
            self._read_more(1, check_rekey=False)
        line = self._ahead[self._at : end].removesuffix(b"\r")
        self._at = end + 1
        self._until = None
        return line.decode("utf-8", "replace")

    def _read_more(self, wanted: int, *, check_rekey: bool) -> None:
        rest = self._ahead[self._at :]
        while True:
            if self.handshake_timed_out():
                raise TimeoutError(errno.ETIMEDOUT, "the server says nothing")
            try:
                more = self._peer.recv(max(_READ, wanted - len(rest)))
            except TimeoutError:
                if self.closed:
                    raise EOFError from None
                if check_rekey and not rest and self.need_rekey():
                    raise NeedRekeyException from None
                self._check_keepalive()  # type: ignore[attr-defined]
                continue
            except OSError as error:
                raise EOFError from error
            if not more:
                raise EOFError
            self._ahead, self._at = rest + more, 0
            return
