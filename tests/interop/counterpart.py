"""What a counterpart is: an SFTP server of others, and what is expected of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sshd import PLAIN, ROOT, Keys, make_key, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECRET = "sesame"  # of tests
"""The password, and the hash that a shadow file has of it."""
HASHED = (
    "$6$piienc$T1oyZpv07Za/871JhftC0rPLjAXDXxkCYVz70Qw5Tm3P3HeHI6"
    "RDX5Ww7ByC9Sbnd5Io7FUGJScB66b.AfyW.0"
)


@dataclass(frozen=True)
class Refused:
    """A refusal that is right.

    Attributes:
        code: the exit code.
        words: what the error says, in parts.
        at_times: by chance; where it is not refused, what was read is right.
    """

    code: int
    words: tuple[str, ...]
    at_times: bool = False


ANY = "*"
"""Stands for all scenarios."""
NO_RENAME = Refused(9, ("rename = false",))
UNSEEN = Refused(9, ("cannot rename a file to a.bin",))
"""Where nobody may look for a name, the server's own refusal tells that it is taken."""


@dataclass(frozen=True)
class Serving:
    """A server that runs.

    Attributes:
        port: where it listens, on loopback.
        base: a folder of the account on this machine; each scenario has one below it.
        root: what the server calls it.
        user: who logs in.
        host_key: kind and key, as known_hosts has them.
        login: lines of the destination.
        close: ends it.
        authority: the key is that of an authority, and no host's.
    """

    port: int
    base: Path
    root: str
    user: str
    host_key: str
    login: tuple[str, ...]
    close: Callable[[], None]
    authority: bool = False

    def folder(self, name: str) -> Path:
        """Make a folder of the account."""
        folder = self.base / name
        folder.mkdir(parents=True)
        for one in (folder, *folder.relative_to(self.base).parents):
            self.give(self.base / one)
        return folder

    def give(self, path: Path) -> None:
        """Give a file to the account, which others may read."""
        path.chmod(0o755 if path.is_dir() else 0o644)
        if ROOT:
            shutil.chown(path, PLAIN if self.user == PLAIN else "root")

    def url(self, folder: Path, port: int) -> str:
        """Return the URL of such a folder."""
        below = folder.relative_to(self.base)
        return f"sftp://{self.user}@127.0.0.1:{port}{self.root.rstrip('/')}/{below}/"


@dataclass(frozen=True)
class Counterpart:
    """An SFTP server, before it is started.

    Attributes:
        name: in the table.
        start: starts it, in an empty folder; raises `Missing`.
        rename: whether its destination has `rename`; where not, `push` says why.
        refuses: the scenarios that end with a refusal.
        faults: the scenarios that fail, and why: faults of piienc that are known.
        taken: files are taken away when they are closed.
        mode: what new files have.
        lingers: a session that was cut may still leave an empty hidden file, after the next run.
    """

    name: str
    start: Callable[[Keys, Path], Serving]
    rename: bool = True
    refuses: Mapping[str, Refused] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False
    mode: int = 0o644
    lingers: bool = False


def host_key(keys: Keys, base: Path) -> Path:
    """Return a copy of the host key, as each server wants its own."""
    copy = base / "host_key"
    shutil.copy(keys.hosts["ed25519"], copy)
    copy.chmod(0o600)
    return copy


def identity(keys: Keys) -> tuple[str, ...]:
    """Return the lines that log in by the user's key."""
    return (f'identity_file = "{keys.user}"',)


def password_file(base: Path) -> Path:
    """Write a file with the password."""
    path = base / "password"
    path.write_text(f"{SECRET}\n", "utf-8")
    path.chmod(0o600)
    return path


def user_certificate(keys: Keys, base: Path, user: str) -> Path:
    """Make a key that only its certificate makes known."""
    key = make_key(base / "certified")
    run("ssh-keygen", "-q", "-s", keys.authority, "-I", "user", "-n", user, f"{key}.pub")
    return key
