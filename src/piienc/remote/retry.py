"""Trying again what may pass by itself, and nothing else."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable

    OnRetry = Callable[[PiiencError, float], object]
    """Told of what is tried again, and of the seconds until then."""

T = TypeVar("T")

_FIRST = 1.0  # seconds
_LONGEST = 60.0


def retrying(
    action: Callable[[int], T],
    *,
    retries: int,
    on_retry: OnRetry | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Do something, again after a while if it fails with an error that is `transient`.

    The pause doubles each time, up to a minute. Half of it is left to chance, so that many
    clients that a server has dropped together do not come back together.

    Args:
        action: called with the number of the attempt, from 0.
        retries: how often it is tried again at the most.
        on_retry: called before each further attempt.
        sleep: waits.

    Raises:
        PiiencError: the last attempt's, or one that will not pass by itself.
    """
    for attempt in range(retries):
        try:
            return action(attempt)
        except PiiencError as error:
            if not error.transient:
                raise
            pause = min(_LONGEST, _FIRST * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret
            if on_retry:
                on_retry(error, pause)
        sleep(pause)
    return action(retries)
