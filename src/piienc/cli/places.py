"""The arguments that name a file, or `-` for standard input and output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from piienc.cli import ui
from piienc.errors import PiiencError, UsageError
from piienc.storage import StreamSource, StreamTarget, source_at, target_at

if TYPE_CHECKING:
    from contextlib import ExitStack

    from piienc.storage import Source, Target


def source_of(place: str) -> Source:
    """Return what is read: by its path or URL, or standard input."""
    if place != "-":
        return source_at(place)
    if sys.stdin is None:
        raise UsageError("there is no standard input to read", hint="name a file")
    return StreamSource(sys.stdin.buffer)


def begun_source(place: str, stack: ExitStack) -> Source:
    """Begin to read a file, while what is heavy is still to be imported.

    A stream is left for later: it may keep us waiting, and the audit log is written first. So is
    what cannot be read: it fails again when the log has been told.
    """
    source = source_of(place)
    if not source.path or not source.path.is_file():
        return source
    try:
        return stack.enter_context(source.opened(ahead=True))
    except PiiencError:
        return source


def target_of(place: str) -> Target:
    """Return what is written: by its path or URL, or standard output."""
    if place != "-":
        return target_at(place)
    if sys.stdout is None:
        raise UsageError("there is no standard output to write to", hint="name a file")
    ui.keep_stdout_for_data()
    return StreamTarget(sys.stdout.buffer)
