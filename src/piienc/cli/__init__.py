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

from piienc.cli import signals

__all__ = ["main"]


def main() -> None:
    """Run the program; ends the process with its exit code."""
    try:
        signals.install()  # before the imports, which take a third of a short run
        from piienc.cli import app

        app.main()
    except BaseException:
        if (code := signals.exit_code()) is None:
            raise
        os._exit(code)  # nothing was begun yet
