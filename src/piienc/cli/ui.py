"""What people and scripts see: this file alone prints, prompts and exits.

- Data goes to standard output, all else to standard error.
- A line to people begins with the program's name, in lower case, without a full stop.
- An error is followed by a hint at what to do; with --json, it is a document on standard output.
- There is a progress bar on a terminal, and none elsewhere.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Report = Callable[[int, int, float | None], None]

SCHEMA_VERSION = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def say(message: str) -> None:
    """Tell people something."""
    print(f"piienc: {message}", file=sys.stderr)


def data(text: str) -> None:
    """Write data to standard output."""
    print(text)


def document(content: dict[str, Any], *, aside: bool = False) -> None:
    """Write one JSON document to standard output, or aside where that carries data."""
    print(json.dumps(content, indent=2), file=sys.stderr if aside else sys.stdout)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to standard output."""
    from rich import box  # start-up
    from rich.console import Console  # start-up
    from rich.table import Table  # start-up

    made = Table(*head, title=title, box=box.SIMPLE, title_justify="left")
    for row in rows:
        made.add_row(*row)
    Console().print(made)


def has_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_secret(question: str) -> str:
    """Ask for a secret on the terminal, without showing it."""
    return getpass.getpass(f"piienc: {question}: ", stream=sys.stderr)


@contextlib.contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Report | None]:
    """Show a progress bar while the block runs: rows, megabytes a second, time left."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars  # start-up
    from rich.console import Console  # start-up

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[rows]:,} rows"),
        bars.TextColumn("{task.fields[speed]:.0f} MB/s"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rows=0, speed=0.0)

        def report(rows: int, size: int, share: float | None) -> None:
            elapsed = bar.tasks[0].elapsed or 1.0
            total = None if share is None else 1.0
            speed = size / elapsed / 1e6
            bar.update(task, completed=share or 0.0, total=total, rows=rows, speed=speed)

        yield report


def fail(error: PiiencError, *, as_json: bool) -> int:
    """Report an error and return its exit code."""
    if as_json:
        facts = {
            "code": error.exit_code,
            "kind": error.kind,
            "message": str(error),
            "hint": error.hint,
        }
        document({"schema_version": SCHEMA_VERSION, "ok": False, "error": facts})
    else:
        say(f"error: {error}")
        say(f"hint: {error.hint}")
    return error.exit_code


def fail_unexpectedly(error: Exception, *, as_json: bool) -> int:
    """Report a bug: where it is, and not what the exception says, which may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    code = fail(PiiencError(f"{type(error).__name__} at {where}"), as_json=as_json)
    if os.environ.get("PIIENC_DEBUG"):
        for frame in frames:
            print(f"  {frame.filename}:{frame.lineno} in {frame.name}", file=sys.stderr)
    return code


def leave(code: int) -> NoReturn:
    """End the program."""
    sys.exit(code)
