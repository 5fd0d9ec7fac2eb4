"""Write docs/errors.md to standard output: every class of `piienc.errors`, and what to do."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
<!-- Generated from src/piienc/errors.py: python .ci/errors_page.py > docs/errors.md -->

# Errors, and what to do

Each error ends the run with its exit code. It says what happened and where, and a hint says what
to do next; the hint below is that of the class, where the error has none of its own. With `--json`,
it is a document on standard output, with the code and the kind. No error holds a value of a cell, a
key or a passphrase, so it may be logged; names of files, columns and hosts are in it.

What holds for all of them: an output file appears whole or not at all, the input is never changed,
and the same command may be run again. What was written to standard output (`-`) before the error is
out: do not use it.

| code | kind | meaning |
| ---: | --- | --- |
| 0 | | done |
"""


def classes(kind: type[PiiencError] = PiiencError) -> Iterator[type[PiiencError]]:
    """Go through the tree of errors, each class before those below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from classes(below)


def page() -> str:
    """Make the page."""
    first = [kind for kind in classes() if "exit_code" in vars(kind)]
    rows = [f"| {each.exit_code} | `{each.kind}` | {each.meaning} |\n" for each in first]
    return _HEAD + "".join(rows) + "".join(map(_section, classes()))


def _section(kind: type[PiiencError]) -> str:
    summary, night = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[:2]
    text = f"\n## {kind.exit_code}: {kind.__name__}\n\n{summary}\n\n{night}\n"
    return f"{text}\nHint: {kind.hint}.\n"


if __name__ == "__main__":
    print(page(), end="")
