"""One SFTP session, over one channel of an SSH connection, with many requests in flight.

Any thread may send a request and wait for its answer. One of the waiting threads reads for all, so
the session needs no thread of its own, and answers may come in any order.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

from piienc.base.printable import printable
from piienc.errors import IncompleteError
from piienc.remote.sftp import protocol
from piienc.remote.sftp.protocol import Fields, u32

if TYPE_CHECKING:
    from paramiko import Channel, Transport
    from typing_extensions import Buffer

    from piienc.remote.remote import FileAttributes

# All that has come is taken out of the channel's buffer, for that moves what is left.
_ALL = 64 << 20
_WINDOW = 16 << 20  # bytes that the server may send ahead
_PACKET = 128 << 10  # bytes in a packet of the server; OpenSSH's own limit is 256 KiB
_LONGEST = 1 << 20  # bytes in an answer; those of OpenSSH have at most 256 KiB
_LONGEST_TEXT = 100  # characters of what the server says
_SLOWEST = 4 << 10  # bytes in a second, of an answer that has begun

_MALFORMED = "check that an SFTP server answers there, and nothing that prints a greeting"


class Answer:
    """The answer to one request, once it has come."""

    __slots__ = ("body", "kind", "patience")

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.kind = 0
        self.body = memoryview(b"")

    @property
    def code(self) -> int:
        """The code of a status; `OK` for an answer of any other kind."""
        return Fields(self.body).u32() if self.kind == protocol.STATUS else protocol.OK

    def message(self) -> str:
        """Return what the server says of its status, as a message may show it."""
        if self.kind != protocol.STATUS or len(self.body) < 2 * 4:
            return ""
        fields = Fields(self.body)
        fields.u32()
        return printable(fields.text()[:_LONGEST_TEXT])

    def attributes(self) -> FileAttributes | None:
        """Return what is told of a file; None if nothing is."""
        return self.fields(protocol.ATTRS).facts() if self.kind == protocol.ATTRS else None

    def fields(self, kind: int) -> Fields:
        """Return the fields of an answer that must be of this kind.

        Raises:
            IncompleteError: it is of another.
        """
        if self.kind != kind:
            raise IncompleteError("the server's answer does not fit the request", hint=_MALFORMED)
        return Fields(self.body)


class Session:
    """An SFTP session.

    Attributes:
        extensions: the server's protocol extensions.
        window: how many bytes the server accepts without an answer.
        users: the number of threads that use it; the pool counts them.
        stall: the longest silence of the server, in seconds.
    """

    def __init__(self, channel: Channel, *, stall: float) -> None:
        self._channel = channel
        self.stall = stall
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._reading = False
        self._waiting: dict[int, Answer] = {}
        self._number = 0
        self._rest = memoryview(b"")
        self.extensions: dict[str, bytes] = {}
        self.window = 0
        self.users = 0

    @classmethod
    def open(cls, transport: Transport, *, stall: float) -> Session:
        """Open a channel and begin a session in it.

        Raises:
            SSHException, TimeoutError, EOFError: the server refuses, or says nothing.
        """
        channel = transport.open_session(
            window_size=_WINDOW, max_packet_size=_PACKET, timeout=stall
        )
        session = cls(channel, stall=stall)
        channel.settimeout(min(1.0, stall))
        _begin_sftp(channel, stall)
        session._greet()
        session.window = channel.out_window_size or 1  # OpenSSH opens it with the subsystem
        return session

    def ask(self, kind: int, *body: Buffer, patience: float = 0.0) -> Answer:
        """Send a request.

        Args:
            kind: the type of the request.
            body: its fields, without its number.
            patience: how long the server may take to answer, if longer than `stall`.

        Raises:
            TimeoutError: the server no longer accepts data.
            EOFError: the connection is gone.
        """
        answer = Answer(max(patience, self.stall))
        with self._changed:
            self._number = (self._number + 1) & 0xFFFF_FFFF
            number = self._number
            self._waiting[number] = answer
        size = sum(map(len, body))  # type: ignore[arg-type]
        head = u32(size + 5) + bytes((kind,)) + u32(number)
        with self._sending:
            try:
                self._send(b"".join((head, *body)))
            except BaseException:
                self._channel.close()  # what came next would be taken for the rest of this
                raise
        return answer

    def wait(self, answer: Answer) -> Answer:
        """Wait for an answer.

        Raises:
            TimeoutError: nothing comes.
            EOFError: the connection is gone.
        """
        while True:
            with self._changed:
                while self._reading and not answer.kind:
                    self._changed.wait()
                if answer.kind:
                    return answer
                self._reading = True
            try:
                while not answer.kind:
                    self._hand_out(self._next_frame())
            finally:
                with self._changed:
                    self._reading = False
                    self._changed.notify_all()

    def call(self, kind: int, *body: Buffer, patience: float = 0.0) -> Answer:
        """Send a request and wait for its answer."""
        return self.wait(self.ask(kind, *body, patience=patience))

    @property
    def alive(self) -> bool:
        """Whether the channel is open in both directions."""
        return not (self._channel.closed or self._channel.eof_received)

    @property
    def flooded(self) -> bool:
        """Whether the server has sent far more data than was requested."""
        channel = self._channel
        return len(channel.in_buffer) + len(channel.in_stderr_buffer) > 2 * _WINDOW

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _greet(self) -> None:
        with self._sending:
            frame = u32(5) + bytes((protocol.INIT,)) + u32(protocol.VERSION)
            self._send(frame)
        reply = self._next_frame()
        if not reply or reply[0] != protocol.VERSION_REPLY:
            raise IncompleteError("the peer is not an SFTP server", hint=_MALFORMED)
        fields = Fields(reply[1:])
        if fields.u32() < protocol.VERSION:
            raise IncompleteError("the server's SFTP is older than version 3", hint="update it")
        while fields:
            name = fields.text()
            self.extensions[name] = bytes(fields.string())

    def _send(self, frame: bytes) -> None:
        rest = memoryview(frame)
        since = time.monotonic()
        while rest:
            try:
                sent = self._channel.send(rest)  # type: ignore[arg-type]  # any buffer will do
            except TimeoutError:
                if time.monotonic() - since > self._patience():
                    raise
                continue
            if not sent:
                raise EOFError
            rest, since = rest[sent:], time.monotonic()

    def _hand_out(self, frame: memoryview) -> None:
        fields = Fields(frame)
        kind = fields.take(1)[0]
        number = fields.u32()
        with self._changed:
            answer = self._waiting.pop(number, None)
            if answer is None:
                raise IncompleteError(
                    "the server sent an answer without a request", hint=_MALFORMED
                )
            answer.body = frame[5:]
            answer.kind = kind
            self._changed.notify_all()

    def _next_frame(self) -> memoryview:
        """Return the next answer, without its length; all of it must come in time."""
        start = time.monotonic()
        size = Fields(self._gather(4, start)).u32()
        if not 1 <= size <= _LONGEST:
            raise IncompleteError("the server's answer is malformed", hint=_MALFORMED)
        return self._gather(size, start + size / _SLOWEST)

    def _gather(self, count: int, start: float) -> memoryview:
        """Return the next bytes; what came with them is kept, and not copied."""
        if len(self._rest) < count:
            pieces: list[Buffer] = [self._rest] if self._rest else []
            have = len(self._rest)
            while have < count:
                pieces.append(more := self._receive(start))
                have += len(more)
            self._rest = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        frame, self._rest = self._rest[:count], self._rest[count:]
        return frame

    def _receive(self, start: float) -> bytes:
        while True:
            if time.monotonic() - start > self._patience():
                self._channel.close()  # an answer that comes later would be taken for another
                raise TimeoutError
            try:
                more = self._channel.recv(_ALL)
            except TimeoutError:
                continue
            finally:
                self._hush()
            if not more:
                raise EOFError
            return more

    def _hush(self) -> None:
        """Drop the server's stderr, which is never read."""
        while self._channel.recv_stderr_ready():
            self._channel.recv_stderr(_ALL)

    def _patience(self) -> float:
        with self._changed:
            return max((one.patience for one in self._waiting.values()), default=self.stall)


def _begin_sftp(channel: Channel, seconds: float) -> None:
    """Begin SFTP in a channel; paramiko itself would wait for the answer without an end.

    Raises:
        TimeoutError: the server says nothing.
        EOFError: it refuses, and has closed the channel.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        channel.close()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        channel.invoke_subsystem("sftp")
    except SSHException as error:
        raise (TimeoutError if late.is_set() else EOFError) from error
    finally:
        timer.cancel()
        timer.join()
