"""A limit on bytes in a second, shared by all that is sent and fetched under it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST = 4 << 10  # bytes
_PIECES = 4  # in a second: so an even flow, whatever the limit


class Limiter:
    """Makes its callers wait, so that all of them together keep to a rate.

    Attributes:
        piece: the number of bytes to take at a time for an even flow.
    """

    def __init__(
        self,
        rate: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if rate <= 0:
            raise ConfigError("a limit of bytes in a second must be above 0")
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self.piece = max(_SMALLEST, rate // _PIECES)

    def take(self, count: int) -> None:
        """Wait until `count` bytes more may be sent."""
        with self._lock:
            now = self._clock()
            begin = max(now, self._next)
            self._next = begin + count / self._rate
        if begin > now:
            self._sleep(begin - now)
