"""A project with a job, a server that it delivers to, and a partner who reads."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from piienc.state import JobLedger

if TYPE_CHECKING:
    from pathlib import Path

    from sshd import Sshd

CANARY = "canary-7f3a"
"""Stands in each plain cell that is marked; it must be nowhere but in the sources."""

SCHEMA = """\
name = "people"
version = 1

[columns]
id    = { type = "integer", required = true, unique = true }
email = { type = "string", encrypt = "look" }
note  = { type = "string", encrypt = "seal" }
"""


PATIENCE = 20.0
"""Seconds that a machine with much to do may take."""


def until(condition) -> bool:
    """Wait until something holds; tell whether it does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def rows(name: str, count: int = 3) -> bytes:
    """Return a table whose content is of its name alone."""
    lines = [f"{n},{name}-{n}-{CANARY}@example.com,{CANARY} {name} {n}" for n in range(count)]
    return "\n".join(["id,email,note", *lines, ""]).encode()


class Desk:
    """A project whose job `nightly` sends `in/*.csv` to a server as the partner wants it."""

    def __init__(self, project, sshd: Sshd, partner):
        self.project, self.sshd, self.partner = project, sshd, partner
        self.folder = sshd.folder
        self.state = project.folder / ".piienc"
        (project.folder / "in").mkdir()
        project.write("schema.toml", SCHEMA)
        self.write()

    def write(self, *, destination: str = "", more: str = "", url: str | None = None, **job):
        """Write `piienc.toml`: lines of the job, of the destination, and more tables."""
        said = {
            "source": "in/*.csv",
            "schema": "schema.toml",
            "destination": "partner",
            "quiet_for": 0,
            **job,
        }
        server = self.sshd
        self.project.write(
            "piienc.toml",
            "\n".join(
                [
                    "[destinations.partner]",
                    f'url = "{url or server.url(self.folder)}"',
                    f'identity_file = "{server.keys.user}"',
                    f'known_hosts = "{server.known_hosts}"',
                    "agent = false",
                    "retries = 0",
                    'recipients = ["curve"]' if "recipients" not in destination else "",
                    destination,
                    "[jobs.nightly]",
                    *(f"{name} = {json.dumps(value)}" for name, value in said.items()),
                    more,
                ]
            ),
        )

    def put(self, *names: str, count: int = 3) -> None:
        """Put sources into the folder."""
        for name in names:
            (self.project.folder / "in" / name).write_bytes(rows(name, count))

    def send(self, *arguments: object, **more: object):
        """Run the job."""
        return self.project.run("send", "nightly", *arguments, **more)

    def start(self, *arguments: object, **more: object):
        """Run the job, as a process of its own."""
        return self.project.start("send", "nightly", *arguments, **more)

    def there(self) -> dict[str, bytes]:
        """Return what is at the server, hidden files included."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def read(self, name: str, schema: str = "schema.toml") -> bytes:
        """Read a delivered file as the partner does, and decrypt its cells with our keys."""
        plain = self.partner.run("--decrypt", stdin=(self.folder / name).read_bytes())
        ended = self.project.start("decrypt-file", "-", "-", "--schema", schema, stdin=plain)
        assert ended.code == 0, ended.err
        return ended.out.encode()

    def entries(self):
        """Return the ledger of jobs."""
        return list(JobLedger(self.state).ids().values())

    def steps(self) -> list[str]:
        """Return how far each source has come, by the ledger."""
        return [sent.step for sent in self.entries()]

    def spooled(self) -> list[Path]:
        """Return all files in the spool."""
        folder = self.state / "spool"
        return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []

    def clean(self, temp: Path) -> None:
        """Let later runs take away gpg's folders of killed ones, once these are not new."""
        for _ in range(10):
            for folder in temp.iterdir():
                os.utime(folder, (0, 0))
            self.send("--check")
            if not list(temp.iterdir()):
                return
            time.sleep(0.1)

    def require_no_canary(self, *folders: Path) -> None:
        """Check that no plaintext lies in the state folder, nor in others."""
        for folder in (self.state, *folders):
            for path in folder.rglob("*"):
                if path.is_file():
                    assert CANARY.encode() not in path.read_bytes(), path
