"""How long what may take: no peer that has gone silent can hold a run for ever."""

from __future__ import annotations

from msgspec import Struct


class Timeouts(Struct, frozen=True):
    """Seconds.

    Attributes:
        connect: until the network's connection stands.
        banner: until the server has named itself, and again until keys are exchanged.
        login: until the server has answered one way of logging in.
        stall: while something is under way, the longest time without a sign of the server.
        keepalive: of silence, until a sign of life is sent.
    """

    connect: float = 15.0
    banner: float = 15.0
    login: float = 30.0
    stall: float = 60.0
    keepalive: float = 15.0
