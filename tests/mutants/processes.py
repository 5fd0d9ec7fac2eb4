"""Tasks in forked processes, some at a time, each with an answer or an end that is told."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Task = Callable[[], bytes]


def in_processes(
    tasks: Iterable[Task], jobs: int, folder: Path
) -> Iterator[tuple[Task, int, bytes]]:
    """Run tasks in forked processes, some at a time: yield each, its exit status, its answer."""
    waiting = iter(tasks)
    running: dict[int, tuple[int, Task, Path]] = {}  # by the pipe's end
    number = 0
    while True:
        while len(running) < jobs and (task := next(waiting, None)) is not None:
            number += 1
            own = folder / str(number)
            reading, process = _forked(task, own)
            running[reading] = process, task, own
        if not running:
            return
        ready, _, _ = select.select(list(running), [], [])
        for reading in ready:
            process, task, own = running.pop(reading)
            with open(reading, "rb") as pipe:  # noqa: PTH123  # a descriptor
                answer = pipe.read()
            _, status = os.waitpid(process, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # what a test has left
            shutil.rmtree(own, ignore_errors=True)
            yield task, status, answer


def _forked(task: Task, folder: Path) -> tuple[int, int]:
    """Run a task in a process with a folder for temporary files: return a pipe and the process."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads: there are none that hold anything
        process = os.fork()
    if process:
        os.close(writing)
        return reading, process
    status = 1
    try:
        os.setpgid(0, 0)
        os.close(reading)
        folder.mkdir()
        os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
        tempfile.tempdir = str(folder)
        _take_away_only_what_is_made(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        os.write(writing, task())
        status = 0
    finally:
        os._exit(status)


def _take_away_only_what_is_made(folder: Path) -> None:
    """End this process before it takes away a folder that neither it nor pytest has made.

    Code that takes away what is left over may, once it is changed, take away all the rest.
    """
    own = [folder]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "tempfile.mkdtemp":
            own.append(_real(arguments[0]))
        if event == "shutil.rmtree":
            path = _real(arguments[0])
            is_of_pytest = any(part.startswith("pytest-of-") for part in path.parts)
            if not is_of_pytest and not any(path.is_relative_to(one) for one in own):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def _real(path: Any) -> Path:
    """Return where a folder is, also one within a folder that is named by its descriptor."""
    named = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100  # a link itself stays
    return named.parent.resolve() / named.name


def end_of(status: int, answer: str) -> tuple[str, str]:
    """Name how a mutant has ended, and what ended it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number in {signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL}
        return ("time-out" if late else "crash"), signal.Signals(number).name
    if status:
        return "crash", f"exit {os.waitstatus_to_exitcode(status)}"
    return ("failed test", answer) if answer else ("survived", "")
