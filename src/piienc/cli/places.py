"""The arguments that name a file, or `-` for standard input and output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from piienc.cli import ui
from piienc.errors import PiiencError, UsageError
from piienc.storage import FileSource, FileTarget, StreamSource, StreamTarget

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from piienc.storage import Source, Target


def source_of(path: Path) -> Source:
    """Return what is read: a file, or standard input."""
    if str(path) != "-":
        return FileSource(path)
    if sys.stdin is None:
        raise UsageError("there is no standard input to read", hint="name a file")
    return StreamSource(sys.stdin.buffer)


def begun_source(path: Path, stack: ExitStack) -> Source:
    """Begin to read a file, while what is heavy is still to be imported.

    A stream is left for later: it may keep us waiting, and the audit log is written first. So is
    what cannot be read: it fails again when the log has been told.
    """
    source = source_of(path)
    if not path.is_file():
        return source
    try:
        return stack.enter_context(source.opened(ahead=True))
    except PiiencError:
        return source


def target_of(path: Path) -> Target:
    """Return where is written: a file, or standard output."""
    if str(path) != "-":
        return FileTarget(path)
    if sys.stdout is None:
        raise UsageError("there is no standard output to write to", hint="name a file")
    ui.keep_stdout_for_data()
    return StreamTarget(sys.stdout.buffer)
