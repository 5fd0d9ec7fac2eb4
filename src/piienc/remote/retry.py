"""Retries after transient errors, and after no others."""

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
    """Call an action, and again after a pause if it fails with a `transient` error.

    The pause doubles each time, up to a minute. Half of it is random, so that clients that lost
    their connections together do not reconnect together.

    Args:
        action: called with the number of the attempt, from 0.
        retries: the largest number of further attempts.
        on_retry: called before each further attempt.
        sleep: waits.

    Raises:
        PiiencError: the error of the last attempt, or a permanent one.
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
