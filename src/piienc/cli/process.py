"""The process itself, set up for one short run over much data: worth a tenth of its time."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

# glibc's mallopt(3): its parameters, and the most that it takes for the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 1 << 30
_LARGEST_ON_HEAP = 32 << 20


def prepare() -> None:
    """Set up garbage collection, NumPy's threads and the allocator; before NumPy is imported."""
    # A short life that imports much and leaves few cycles: the collector would only cost time.
    gc.set_threshold(100_000)
    # NumPy's linear algebra, which nothing here uses, would start threads that spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The arrays of one block are let go and asked for again by the next. Given back to the
    # system in between, each of their pages would be cleared anew.
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
