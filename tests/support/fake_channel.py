"""A channel to a server that is a function."""

from __future__ import annotations

import struct

from piienc.remote.sftp.protocol import u32


class Channel:
    """A channel that answers each request by a function; a window without end."""

    def __init__(self, respond):
        self._respond = respond
        self._out = b""
        self._ahead = b""
        self.closed = False

    def send(self, data):
        """Take it, and answer what is whole by now."""
        self._out += data
        while len(self._out) >= 4 and len(self._out) - 4 >= (size := _length(self._out)):
            frame, self._out = self._out[4 : 4 + size], self._out[4 + size :]
            self._ahead += self._respond(frame[0], frame[1:5], frame[5:])
        return len(data)

    def recv(self, _):
        """Return all that has been answered."""
        data, self._ahead = self._ahead, b""
        if not data:
            raise TimeoutError
        return data

    def recv_stderr_ready(self):
        """Nothing is said beside."""
        return False

    def close(self):
        """Remember."""
        self.closed = True


def _length(data):
    return struct.unpack(">I", data[:4])[0]


def frame(kind, number, body):
    """Return an answer."""
    return u32(1 + len(number) + len(body)) + bytes([kind]) + number + body
