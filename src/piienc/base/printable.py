r"""Foreign text made printable: what a terminal, a log, a report or a shell may be given.

Names of files and columns, user ids of keys and what servers say come from outside. What would
move a cursor, hide or reorder other text, or break a line becomes an escape such as `\x1b`; what
can be read stays, whatever its script, and so do emoji.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

# Letters and marks that nobody sees, besides what Unicode itself calls not printable: fillers,
# joiners and variation selectors, which can carry hidden text.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)])
)
_EMOJI = "[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
_JOINED = re.compile(f"(?<={_EMOJI})\u200d(?={_EMOJI})")  # as in a family
_JOINER = "\u200d"


def printable(text: str, *, keep: str = "") -> str:
    r"""Return text in which all can be seen.

    Args:
        text: any, also with unpaired surrogates.
        keep: characters that stay as they are: `"\n\t"` where they are the layout.
    """
    if text.isprintable() and _INVISIBLE.isdisjoint(text):
        return text
    return _JOINER.join(
        "".join(
            one
            if one in keep or (one.isprintable() and one not in _INVISIBLE)
            else one.encode("unicode_escape").decode()
            for one in part
        )
        for part in _JOINED.split(text)
    )


def as_text(path: object) -> str:
    """Return a path as text, whatever bytes it has; control characters stay as they are."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace")


def command(*words: str | PurePath) -> str:
    """Return a command line that can be pasted into a shell.

    Args:
        words: the command and its arguments. A path that begins with a hyphen is no option.
    """
    return shlex.join(word if isinstance(word, str) else _shielded(word) for word in words)


def _shielded(path: PurePath) -> str:
    text = str(path)
    return f"./{text}" if text.startswith("-") else text


def in_words(size: int) -> str:
    """Return a number of bytes in words."""
    for unit, name in ((30, "GiB"), (20, "MiB")):
        if size >= 1 << unit:
            return f"{size / (1 << unit):.4g} {name}"
    return f"{size:,} bytes"
