"""What people and scripts see: this file alone prints, prompts and exits.

- Data goes to standard output, all else to standard error.
- A line to people begins with the program's name, in lower case, without a full stop.
- An error is followed by a hint at what to do; with --json, it is a document on standard output.
- What comes from outside is made printable here, and only here: see `printable.py`.
- There is a progress bar on a terminal, and none elsewhere.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from piienc.base.cleanup import cleaned_up
from piienc.base.files import translated
from piienc.base.printable import printable
from piienc.errors import IncompleteError, KeyAccessError, PiiencError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rich.console import Console

    from piienc.storage.progress import OnProgress

SCHEMA_VERSION = 1
_STDOUT = "standard output"
_ENDLESS = 1000  # columns
_WARNINGS = {"warning", "retry", "left"}  # events
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class _Stdout:
    """What standard output is used for in the running command."""

    carries_data = False


_stdout = _Stdout()


def say(message: str) -> None:
    """Tell people something, in one line."""
    _aside(f"piienc: {printable(message)}")


def warn(message: str) -> None:
    """Tell people what they should know."""
    say(f"warning: {message}")


def event(name: str, facts: dict[str, Any]) -> None:
    """Write an event to standard error, a line of JSON."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    level = "error" if facts.get("code") else "warning" if name in _WARNINGS else "info"
    _aside(json.dumps({"time": time, "level": level, "event": name, **facts}))


def _aside(line: str) -> None:
    """Write a line to standard error in one piece: other threads may write theirs meanwhile."""
    print(f"{line}\n", end="", file=sys.stderr)


def data(line: str) -> None:
    """Write a line of data to standard output."""
    text(f"{printable(line)}\n")


def text(content: str) -> None:
    """Write a text to standard output: its line breaks and tabs are its layout."""
    with translated(_STDOUT):
        print(printable(content, keep="\n\t"), end="", flush=True)


def document(content: dict[str, Any]) -> None:
    """Write one JSON document to standard output, or aside where that carries data."""
    aside = _stdout.carries_data
    with translated("standard error" if aside else _STDOUT):
        print(json.dumps(content, indent=2), file=sys.stderr if aside else sys.stdout, flush=True)


def result(**facts: object) -> None:
    """Write the document of a command that has done what it should."""
    document({"schema_version": SCHEMA_VERSION, "ok": True, **facts})


def keep_stdout_for_data() -> None:
    """Send documents to standard error from now on: standard output carries a table."""
    _stdout.carries_data = True


def begin() -> None:
    """Begin a command: standard output is for documents."""
    _stdout.carries_data = False


def finish() -> None:
    """Flush standard output.

    Raises:
        IncompleteError: it could not be written.
        BrokenPipeError: who read it has left.
    """
    if sys.stdout is not None:
        with translated(_STDOUT):
            sys.stdout.flush()


def give_up_stdout() -> None:
    """Drop what standard output has not taken, so that the program's end does not fail on it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    aside: bool = False,
    fold: bool = False,
) -> None:
    """Write a table to standard output, or, where it is no data, aside.

    Where a terminal is too narrow, cells are cut; with `fold`, those of the first column are
    broken into lines first.
    """
    from rich import box  # start-up
    from rich.table import Table  # start-up

    grid = Table(title=printable(title), box=box.SIMPLE, title_justify="left")
    for number, name in enumerate(head):
        folded = fold and not number
        grid.add_column(
            printable(name), no_wrap=not folded, overflow="fold" if folded else "ellipsis"
        )
    for row in rows:
        grid.add_row(*map(printable, row))
    # Off a terminal there is no width to keep to, and nothing may be cut.
    stream = sys.stderr if aside else sys.stdout
    if stream is None:  # it is closed, and nobody sees it
        return
    with translated("standard error" if aside else _STDOUT):
        width = None if stream.isatty() else _ENDLESS
        # What stands in a cell is text, whatever it looks like.
        _console(stream, width).print(grid)
        stream.flush()


def _console(stream: TextIO, width: int | None) -> Console:
    """Return what writes to a stream; a closed pipe raises the same error as any other write."""
    from rich import console  # start-up

    class Honest(console.Console):
        def on_broken_pipe(self) -> None:  # rich's own ends the program, with the code of a bug
            raise BrokenPipeError

    return Honest(file=stream, width=width, markup=False, emoji=False, highlight=False)


def paragraph(text: str, *, style: str | None = None, indent: int = 0) -> None:
    """Write a line of text to standard output, wrapped where a terminal ends.

    Args:
        text: as it is; nothing in it is taken for markup.
        style: how it looks on a terminal with colours, in rich's words: `bold red`.
        indent: blanks before each line; those after the first have two more.
    """
    from rich.text import Text  # start-up

    if sys.stdout is None:  # it is closed, and nobody sees it
        return
    with translated(_STDOUT):
        console = _console(sys.stdout, None)
        lines = [Text(printable(text))]
        if sys.stdout.isatty():
            lines = list(lines[0].wrap(console, max(console.width - indent - 2, 20)))
        for number, line in enumerate(lines):
            line.rstrip()
            before = " " * (indent + 2 * bool(number))
            console.print(Text(before).append(line), style=style, soft_wrap=True)
        sys.stdout.flush()


def has_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask_secret(question: str) -> str:
    """Ask for a secret on the terminal, without showing it."""
    try:
        return getpass.getpass(f"piienc: {printable(question)}: ", stream=sys.stderr)
    except EOFError:
        raise KeyAccessError(
            "no passphrase was entered", hint="run the command again, or give --passphrase-file"
        ) from None


def ask(question: str) -> str:
    """Ask something on the terminal; nothing entered is the empty text."""
    print(f"piienc: {printable(question)}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


@contextlib.contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[OnProgress | None]:
    """Show a progress bar while the block runs: rows, megabytes a second, time left."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars  # start-up
    from rich.console import Console  # start-up

    columns = (
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[rows]:,} rows"),
        bars.TextColumn("{task.fields[speed]:.0f} MB/s"),
        bars.TimeRemainingColumn(),
    )
    bar = bars.Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(printable(what), total=None, start=False, rows=0, speed=0.0)

    def report(rows: int, size: int, share: float | None) -> None:
        if not bar.live.is_started:
            # Not before: a passphrase may be asked for until then.
            bar.start()
            bar.start_task(task)
        elapsed = bar.tasks[0].elapsed or 1.0
        total = None if share is None else 1.0
        speed = size / elapsed / 1e6
        bar.update(task, completed=share or 0.0, total=total, rows=rows, speed=speed)

    with cleaned_up(bar.stop):
        yield report


def fail(error: PiiencError, *, as_json: bool) -> int:
    """Report an error and return its exit code."""
    if as_json:
        from piienc.report.receipt import ErrorFacts  # start-up

        # Standard output may be what failed: then the lines for people say so.
        with contextlib.suppress(IncompleteError):
            document(ErrorFacts.of(error).document())
            return error.exit_code
    # In one piece: other threads may write meanwhile.
    lines = [f"piienc: error: {printable(error.summary)}"]
    lines += [f"  {printable(detail)}" for detail in error.details]
    lines += [f"piienc: hint: {printable(error.hint)}"]
    _aside("\n".join(lines))
    return error.exit_code


def fail_unexpectedly(error: Exception, *, as_json: bool) -> int:
    """Report a bug: where it is, and not what the exception says, which may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    code = fail(PiiencError(f"{type(error).__name__} at {where}"), as_json=as_json)
    if os.environ.get("PIIENC_DEBUG"):
        for frame in frames:
            _aside(printable(f"  {frame.filename}:{frame.lineno} in {frame.name}"))
    return code


def leave(code: int) -> NoReturn:
    """End the program at once.

    Python's own way takes a large heap apart piece by piece, which nobody needs any more; all
    files are closed and all threads have ended by now.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never open
            stream.flush()
    os._exit(code)
