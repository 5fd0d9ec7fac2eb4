"""The command line of piienc, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What the program left: its exit code and its two outputs."""

    code: int
    out: str
    err: str


class FailedRunError(AssertionError):
    """The program ended with an error."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(f"exit code {ended.code}: {ended.err}")
        self.ended = ended


@dataclass(frozen=True)
class Desk:
    """A folder in which the program is run."""

    folder: Path

    def ended(self, *arguments: object) -> Ended:
        """Run the program, however it ends."""
        done = subprocess.run(
            [sys.executable, "-m", "piienc", *map(str, arguments), "--no-input"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            timeout=180,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, *arguments: object) -> str:
        """Run the program to a good end, and return what it has told.

        Raises:
            FailedRunError: it has ended with an error.
        """
        ended = self.ended(*arguments)
        if ended.code:
            raise FailedRunError(ended)
        return ended.err
