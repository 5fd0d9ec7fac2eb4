"""Programs started for a test, which end with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

from sshd import ROOT, children

INSTALLED = Path(sysconfig.get_path("data")) / "share" / "interop"
"""Where `.ci/interop-packages` has put what comes from PyPI and npm."""
PROGRAMS = Path(__file__).parent / "programs"

LEASHED = ("setpriv", "--pdeathsig", "KILL")
"""A program that is started so does not outlive the tests, even if these are killed."""

_PATIENCE = 60.0


class Missing(Exception):  # noqa: N818  # no error: its tests are skipped
    """A counterpart cannot be had here."""


def need(*wanted: str) -> None:
    """Require commands and files.

    Raises:
        Missing: names the first that is not there.
    """
    path = f"{os.environ['PATH']}:/usr/sbin"
    for one in wanted:
        if not Path(one).exists() and not shutil.which(one, path=path):
            raise Missing(f"{Path(one).name} is not installed")


def need_root() -> None:
    """Require what only root may do.

    Raises:
        Missing: the tests do not run as root, or as one that may not mount.
    """
    if not ROOT:
        raise Missing("only root can start it")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        raise Missing("mounts are not allowed here")


def with_files(files: dict[str, Path]) -> tuple[str, ...]:
    """Return the beginning of a command line, whose command sees other files at some paths."""
    mounts = " && ".join(f"mount --bind {file} {path}" for path, file in files.items())
    return ("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh")


def short_folder():
    """Give an empty folder that other accounts may look into, and take it away."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="interop-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Running:
    """A server that runs.

    Args:
        command: its command line.
        port: where it will listen.
        base: its home, and the folder for its log.
        more: its environment, beside the usual.
    """

    def __init__(self, command: list[object], port: int, base: Path, **more: object) -> None:
        self._log = base / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*LEASHED, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=base,
                env={**os.environ, "HOME": str(base), **{k: str(v) for k, v in more.items()}},
                umask=0o022,
            )
        end = time.monotonic() + _PATIENCE
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.close()
                raise AssertionError(self._log.read_text("utf-8", "replace"))
            time.sleep(0.02)

    def close(self) -> None:
        """End it, and all that it has started."""
        ending, parents = [self._process.pid], [self._process.pid]
        while parents:
            parents = [child for parent in parents for child in children(parent)]
            ending += parents
        for process in ending:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()


def _listens(port: int) -> bool:
    """Tell whether somebody listens, without a connection that the server would see."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text("utf-8").splitlines()
    return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in lines[1:])
