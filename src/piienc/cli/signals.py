"""Signals end the program within two seconds, whatever it computes or waits for.

A signal raises an exception in the main thread, which cleans up on its way out. That may not
happen: the thread is within a long call, or waits for another one; or the exception comes within
a callback, of which Python prints and drops it. So a watcher, woken by the signal itself, ends
the process when the time is up, and removes what would be left.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from piienc.base.cleanup import clean_up_all

if TYPE_CHECKING:
    from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE = 1.2  # seconds for the main thread to end
_CLEANING = 0.4  # seconds for the rest
_BASE = 128  # exit codes of signals begin behind it, as shells have them


class _Received:
    number: int | None = None


_received = _Received()


def install() -> None:
    """Have these signals end the process; one that is ignored, as by nohup, stays so."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _dropped
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=[read], name="piienc-signals", daemon=True).start()


def exit_code() -> int | None:
    """Return the exit code for the signal that came; None if none did."""
    return None if _received.number is None else _BASE + _received.number


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _received.number is None:  # a second one would break the cleaning up
        _received.number = number
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(_BASE + number)


def _dropped(error: sys.UnraisableHookArgs) -> None:
    if not isinstance(error.exc_value, (KeyboardInterrupt, SystemExit)):  # the watcher's then
        sys.__unraisablehook__(error)


def _watch(wakeups: int) -> None:
    while (number := os.read(wakeups, 1)[0]) not in ENDING:
        pass
    threading.Event().wait(_GRACE)
    clean_up_all(_CLEANING)
    os._exit(_BASE + number)
