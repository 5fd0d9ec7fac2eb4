"""The process itself: what it holds stays in it, and it is set up for one short run over much data.

The second is worth a tenth of its time.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource

# glibc's mallopt(3): its parameters, and the most that it takes for the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 1 << 30
_LARGEST_ON_HEAP = 32 << 20


_PR_SET_DUMPABLE = 4  # prctl(2)


def prepare() -> None:
    """Set up all of it; before NumPy is imported."""
    _keep_memory_private()
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


def _keep_memory_private() -> None:
    """See to it that no core dump has keys or values, and that no other process may read them.

    Programs that are started inherit the limit, and not the other, which ends with execve(2). It
    makes root the owner of what is in /proc/self, where we ourselves may still open descriptors.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
