"""Process the units of a stream in parallel, with the results in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Unit = TypeVar("Unit")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(
    units: Iterator[Unit], work: Callable[[Unit], Result], threads: int
) -> Generator[Result]:
    """Process each unit, and yield the results in the units' order.

    Only a few units are held at a time, so memory does not grow with the stream. The calling
    thread takes the units and uses the results, so reading, working and writing overlap. An error
    is raised at its unit's position, after the results before it.

    Args:
        units: taken one after the other.
        work: called in several threads at once.
        threads: the number of threads.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="piienc") as pool:
        running: deque[Future[Result]] = deque()
        try:
            for unit in _until_error(units, running):
                running.append(pool.submit(work, unit))
                if len(running) > threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _until_error(units: Iterator[Unit], running: deque[Future[Result]]) -> Iterator[Unit]:
    """Yield units; if taking one fails, the error takes its place among the results."""
    try:
        yield from units
    except Exception as error:  # noqa: BLE001  # it is raised again, in its turn
        future: Future[Result] = Future()
        future.set_exception(error)
        running.append(future)
