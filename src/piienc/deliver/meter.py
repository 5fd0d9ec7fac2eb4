"""How much of several files has arrived, for a progress bar."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[[int, int, float | None], None]


class Meter(Struct):
    """Adds up bytes, which may arrive in several threads.

    Attributes:
        report: called with 0, the bytes that have arrived, and the share that is done.
        total: how many bytes there will be.
    """

    report: Report | None
    total: int = 0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(self, count: int) -> None:
        """Count bytes."""
        if self.report is None:
            return
        with self._lock:
            self._count += count
            self.report(0, self._count, min(1.0, self._count / max(1, self.total)))
