"""The door: the command line, where people and scripts come in.

    app.py         the program, its groups, and the one place where errors end it
    commands/      a file for each command, or for each group
    options.py     the options that commands share, and what makes a command of a function
    passphrase.py  where a passphrase comes from
    ui.py          alone prints, prompts and exits
    signals.py     what ends the program from outside

A command parses, builds options and makes one call. What is heavy to import is imported in
the command that needs it, so that `piienc --help` answers at once.
"""

import os
import sys

from piienc.cli import signals

__all__ = ["main"]

_STANDARD_ERROR = 2


def main() -> None:
    """Run the program; ends the process with its exit code."""
    _hold_standard_descriptors()  # first of all: signals need a pipe
    try:
        signals.install()  # before the imports, which take a third of a short run
        from piienc.cli import app

        app.main()
    except BaseException:
        if (code := signals.exit_code()) is None:
            raise
        os._exit(code)  # nothing was begun yet


def _hold_standard_descriptors() -> None:
    """Let no file that is opened take the place of a standard stream that is closed.

    Programs that are started would read their own in its place, or write messages into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    if sys.stderr is None:  # or messages would go to standard output
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # for good
