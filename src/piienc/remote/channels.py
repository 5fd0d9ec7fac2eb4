"""Sending through a channel: in packets as large as the server takes, and never for ever."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any, cast

from paramiko.common import cMSG_CHANNEL_DATA

from piienc.remote.wire import Bulk

if TYPE_CHECKING:
    from collections.abc import Callable

    from paramiko import Channel
    from typing_extensions import Buffer

    from piienc.remote.wire import Sendable

_MARGIN = 64  # bytes of the server's packets that paramiko keeps for their heads


def send_message(channel: Channel, message: Sendable) -> None:
    """Send a message; while keys are exchanged, this waits."""
    cast("Any", channel.transport)._send_user_message(message)  # noqa: SLF001


def send_all(channel: Channel, *parts: Buffer, patience: Callable[[], float]) -> None:
    """Send bytes through a channel; only one thread may do so at a time.

    Args:
        channel: its timeout says how often `patience` is asked.
        parts: the bytes, one after the other.
        patience: how many seconds the server's window may stay shut.

    Raises:
        TimeoutError: it stays shut for longer.
        EOFError: the channel or the connection is gone.
    """
    most = channel.out_max_packet_size - _MARGIN
    waiting = [memoryview(part).cast("B") for part in parts]
    while waiting:
        taken, size = _take(waiting, most)
        room = _room(channel, size, patience)
        if room < size:
            whole = memoryview(b"".join(taken))
            waiting.insert(0, whole[room:])
            taken = [whole[:room]]
        head = cMSG_CHANNEL_DATA + struct.pack(">II", channel.remote_chanid, room)
        send_message(channel, Bulk(head, *taken))


def _room(channel: Channel, size: int, patience: Callable[[], float]) -> int:
    """Wait until something may be sent, and take hold of it."""
    since = time.monotonic()
    while True:
        try:
            with channel.lock:
                room: int = cast("Any", channel)._wait_for_send_window(size)  # noqa: SLF001
        except TimeoutError:
            if time.monotonic() - since > patience():
                raise
        else:
            if not room:
                raise EOFError
            return room


def _take(waiting: list[memoryview], most: int) -> tuple[list[memoryview], int]:
    """Take up to so many bytes from the front."""
    taken, size = [], 0
    while waiting and size < most:
        part = waiting.pop(0)
        if len(part) > most - size:
            waiting.insert(0, part[most - size :])
            part = part[: most - size]
        taken.append(part)
        size += len(part)
    return taken, size
