"""The progress of reading, writing or sending, for a progress bar."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    OnProgress = Callable[[int, int, float | None], None]
    """Called with the rows and the bytes that are done, and their share of the whole, if known."""


class Meter:
    """Adds up bytes, which may come in several threads."""

    def __init__(self, on_progress: OnProgress | None, total: int) -> None:
        """Begin at 0.

        Args:
            on_progress: called with 0 rows.
            total: how many bytes there will be; 0 if that is not known.
        """
        self._on_progress, self._total = on_progress, total
        self._count = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes."""
        if self._on_progress is None:
            return
        with self._lock:
            self._count += count
            share = min(1.0, self._count / self._total) if self._total else None
            self._on_progress(0, self._count, share)
