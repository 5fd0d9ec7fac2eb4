"""Commands as hints name them: text that a shell takes as it is meant, whatever the names in it."""

from __future__ import annotations

import shlex
from pathlib import PurePath


def command(*words: str | PurePath) -> str:
    """Return a command line that can be pasted into a shell.

    Args:
        words: the command and its arguments. A path that begins with a hyphen is no option.
    """
    return shlex.join(_shielded(word) if isinstance(word, PurePath) else word for word in words)


def _shielded(path: PurePath) -> str:
    text = str(path)
    return f"./{text}" if text.startswith("-") else text
