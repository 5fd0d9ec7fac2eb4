"""A real OpenSSH server on loopback, with keys of its own, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = os.geteuid() == 0
HERE = pwd.getpwuid(os.geteuid()).pw_name
PLAIN = "nobody" if ROOT else HERE
"""An account that is bound by permissions."""

_KINDS = {"ed25519": ("ed25519",), "rsa": ("rsa", "-b", "2048"), "ecdsa": ("ecdsa",)}


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair, and return its path."""
    run("ssh-keygen", "-q", "-t", *_KINDS[kind], "-N", passphrase, "-C", "test", "-f", path)
    return path


def run(*command: object, **more: object) -> str:
    """Run a program that must succeed, and return what it prints."""
    done = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=60, **more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Keys:
    """Keys, made once: of hosts, of users, and of those who sign certificates."""

    folder: Path
    hosts: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in _KINDS:
            self.hosts[kind] = make_key(self.folder / f"host_{kind}", kind)
        self.user = make_key(self.folder / "user")
        self.authority = make_key(self.folder / "authority")

    def public(self, path: Path) -> str:
        """Return the public half: kind and key."""
        return " ".join(Path(f"{path}.pub").read_text("utf-8").split()[:2])


class Sshd:
    """A running server.

    Attributes:
        port: where it listens.
        account: who may log in, with `keys.user`.
        folder: an empty folder of this account.
    """

    def __init__(
        self,
        keys: Keys,
        *lines: str,
        sftp: str = "internal-sftp",
        account: str = HERE,
        hosts: tuple[str, ...] = ("ed25519",),
        run_as: str | None = None,
        limits: dict[int, int] | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        self.keys = keys
        self.account = account
        self.base = Path(tempfile.mkdtemp(dir="/tmp", prefix="sshd-"))
        self.base.chmod(0o755)
        self.folder = self.new_folder()
        self.log = self.base / "log"
        self.known_hosts = self.base / "known_hosts"
        self.no_config = self.base / "no-config"
        self.no_config.write_text("", "utf-8")
        self._hosts = hosts
        self._lines = lines
        self._sftp = sftp
        self._run_as = run_as
        self._limits = limits or {}
        self._within = within
        self.start()

    def start(self) -> None:
        """Start it, at a free port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        if ROOT:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.base / "config"
        config.write_text("\n".join(self._config()), "utf-8")
        self.known_hosts.write_text(
            "".join(f"{self.name} {self.keys.public(self._host(k))}\n" for k in self._hosts),
            "utf-8",
        )
        self.log.write_text("", "utf-8")
        program = shutil.which("sshd", path=f"/usr/sbin:/usr/local/sbin:{os.environ['PATH']}")
        assert program, "openssh-server is missing: see .ci/debian-packages"
        limits = [f"--{name}={most}" for name, most in self._limits.items()]
        command = [*self._within, *(["prlimit", *limits] if limits else []), program]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "-D", "-e", "-f", config], stderr=log, user=self._run_as
            )
        for _ in range(500):
            if "Server listening" in self.log.read_text("utf-8"):
                return
            assert self._process.poll() is None, self.log.read_text("utf-8")
            time.sleep(0.01)
        raise AssertionError(self.log.read_text("utf-8"))

    @property
    def name(self) -> str:
        """The name under which known_hosts has its key."""
        return f"[127.0.0.1]:{self.port}"

    def url(self, folder: Path | None = None, port: int | None = None) -> str:
        """Return the URL of a folder."""
        return f"sftp://{self.account}@127.0.0.1:{port or self.port}{folder or self.folder}/"

    def knows(self, port: int) -> None:
        """Have known_hosts know it at another port, too: a proxy's."""
        with self.known_hosts.open("a") as file:
            for kind in self._hosts:
                file.write(f"[127.0.0.1]:{port} {self.keys.public(self._host(kind))}\n")

    def new_folder(self) -> Path:
        """Return a new folder of the account."""
        folder = Path(tempfile.mkdtemp(dir=self.base, prefix="folder-"))
        folder.chmod(0o755)
        if ROOT:
            shutil.chown(folder, self.account)
        return folder

    def sessions(self) -> list[int]:
        """Return the processes that serve connections."""
        found, parents = [], {self._process.pid}
        while parents:
            parents = {child for parent in parents for child in children(parent)}
            found += parents
        return found

    def kill_sessions(self) -> None:
        """Kill all that serves connections now; others may come."""
        for process in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """End it, with all that it serves."""
        serving = self.sessions()
        self._process.kill()
        self._process.wait()
        for process in serving:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def close(self) -> None:
        """End it, and take its folder away."""
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def _host(self, kind: str) -> Path:
        return self.keys.hosts[kind]

    def _config(self) -> list[str]:
        allowed = self.base / "authorized_keys"
        if not allowed.exists():
            allowed.write_text(self.keys.public(self.keys.user) + "\n", "utf-8")
        hosts = []
        for kind in self._hosts:
            copy = self.base / f"host_{kind}"
            shutil.copy(self._host(kind), copy)
            if self._run_as:
                shutil.chown(copy, self._run_as)
            hosts.append(f"HostKey {copy}")
        said = {line.split()[0] for line in self._lines}
        usual = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *hosts,
            f"AuthorizedKeysFile {allowed}",
            "StrictModes no",
            # Who may not read the shadow file must ask PAM whether an account is locked.
            f"UsePAM {'no' if ROOT and not self._run_as else 'yes'}",
            "PidFile none",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "LogLevel VERBOSE",
            f"Subsystem sftp {self._sftp}",
        ]
        # Of some kinds of lines, the first counts, and of others the last.
        return [*self._lines, *(line for line in usual if line.split()[0] not in said), ""]


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text("utf-8").rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return found
