"""What is undone at the end: at that of a block, or at that of the process within it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_actions: list[Callable[[], object]] = []


@contextlib.contextmanager
def cleaned_up(action: Callable[[], object]) -> Iterator[None]:
    """Have something done when the block ends, also when a signal ends the process within it.

    Args:
        action: may run twice, at once and in another thread: it removes a file, say, if there.
    """
    _actions.append(action)
    try:
        yield
    finally:
        try:
            action()
        finally:
            _actions.remove(action)


def clean_up_all(within: float) -> None:
    """Do all that is still to be done, last things first: the process is about to end.

    Args:
        within: seconds, after which it ends in any case; one action does not hold up the others.
    """
    give_up = time.monotonic() + within
    actions = list(reversed(_actions))
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    with contextlib.suppress(RuntimeError):  # no more threads can be started
        for thread in threads:
            thread.start()
            thread.join(within / 2 / len(threads))
        for thread in threads:
            thread.join(max(give_up - time.monotonic(), 0))
