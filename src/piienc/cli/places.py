"""The arguments that name a file, or `-` for standard input and output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from piienc.cli import ui
from piienc.errors import UsageError
from piienc.storage.places import begun

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from piienc.storage.places import Begun, Place


def source_of(path: Path) -> Place:
    """Return what is read: a file, or standard input."""
    if str(path) != "-":
        return path
    if sys.stdin is None:
        raise UsageError("there is no standard input to read", hint="name a file")
    return sys.stdin.buffer


def begun_source(path: Path, stack: ExitStack) -> Place | Begun:
    """Begin to read a file, while what is heavy is still to be imported.

    A stream is left for later, for it may keep us waiting, and the audit log is told first. So is a
    folder, and what is missing.
    """
    if not path.is_file():
        return source_of(path)
    return stack.enter_context(begun(path, ahead=True))


def target_of(path: Path | None) -> Place:
    """Return where is written: a file, or standard output."""
    if path is None:
        raise UsageError("where to? no output is named", hint="name a file, or - for stdout")
    if str(path) != "-":
        return path
    if sys.stdout is None:
        raise UsageError("there is no standard output to write to", hint="name a file")
    ui.keep_stdout_for_data()
    return sys.stdout.buffer
