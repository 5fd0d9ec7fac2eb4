"""A TCP proxy that does what networks do: it is slow, it stalls, it cuts, it refuses.

As a program it only delays, for benchmarks: `python proxy.py PORT SECONDS` prints its own port.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECE = 64 << 10


class Proxy:
    """Passes connections on to a port of this machine.

    Attributes:
        port: where it listens.
        delay: seconds that each piece takes, in each direction.
        cut_after: bytes towards the server, after which all connections are cut.
        stall_after: bytes towards the server, after which nothing passes any more.
        sent: bytes that have passed towards the server, over all connections.
        connections: how many connections there have been.
    """

    def __init__(self, target: int, *, delay: float = 0.0) -> None:
        self._target = target
        self.delay = delay
        self.cut_after: int | None = None
        self.stall_after: int | None = None
        self.refuse = 0
        self.sent = 0
        self.received = 0
        self.connections = 0
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Count from 0 again, and let everything pass."""
        with self._lock:
            self.sent = self.received = 0
            self.cut_after = self.stall_after = None

    def cut(self) -> None:
        """Cut all connections now."""
        with self._lock:
            ends, self._ends = self._ends, []
        _end(ends)

    def close(self) -> None:
        """End it."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.refuse > 0:  # as a server does that has too many connections
                self.refuse -= 1
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._ends += [near, far]
            for one, other, up in ((near, far, True), (far, near, False)):
                pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                ends = (near, far)
                threading.Thread(
                    target=self._read, args=(one, ends, pieces, up), daemon=True
                ).start()
                threading.Thread(target=self._write, args=(other, pieces), daemon=True).start()

    def _read(
        self,
        end: socket.socket,
        ends: tuple[socket.socket, ...],
        pieces: queue.SimpleQueue,
        up: bool,  # noqa: FBT001
    ) -> None:
        while True:
            try:
                data = end.recv(_PIECE)
            except OSError:
                data = b""
            data = self._passed(data, ends, up=up)
            pieces.put((time.monotonic() + self.delay, data))
            if not data:
                return

    def _passed(self, data: bytes, ends: tuple[socket.socket, ...], *, up: bool) -> bytes:
        """Count what passes, and stop it where it is to be stopped."""
        with self._lock:
            before = self.sent
            if up:
                self.sent += len(data)
            else:
                self.received += len(data)
            stall, cut = self.stall_after, self.cut_after
        if stall is not None and self.sent >= stall:
            self._closed.wait()
            return b""
        if cut is not None and self.sent >= cut:
            if up and before < cut:
                time.sleep(0.01 + self.delay)  # what came before shall arrive
            _end(ends)
            return b""
        return data

    def _write(self, end: socket.socket, pieces: queue.SimpleQueue) -> None:
        while True:
            due, data = pieces.get()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            with contextlib.suppress(OSError):
                if data:
                    end.sendall(data)
                    continue
                end.shutdown(socket.SHUT_WR)
            return


def _end(ends: Iterable[socket.socket]) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


if __name__ == "__main__":
    proxy = Proxy(int(sys.argv[1]), delay=float(sys.argv[2]))
    print(proxy.port, flush=True)
    sys.stdin.read()  # until whoever started it lets go
