"""`piienc push` and `piienc pull` against OpenSSH's sftp: whole commands, to a server on loopback.

Nearby, and through a proxy that delays what passes. Each run has a state folder of its own, so
that nothing is known to be delivered already. All that piienc does more is in its time: the
ledger, the hash, the fsync, the look at the size, the rename.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from processes import HERE, PIIENC, Job, peak, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sshd import Sshd

NEAR = 512 << 20
FAR = {"64 MiB": 64 << 20, "256 MiB": 256 << 20}
MEMORY = {"64 MiB": 64 << 20, "512 MiB": NEAR}
FILES, SMALL = 200, 100_000
DELAY = 0.05  # seconds, in each direction
FAR_REPEATS = 3
SMALL_REPEATS = 2  # sftp takes a minute for each

_SUPPORT = HERE.parent / "tests" / "support"


@dataclass(frozen=True)
class Place:
    """Where files come from, and where they go."""

    work: Path
    server: Sshd
    target: Path
    far: int

    @property
    def state(self) -> Path:
        """The state folder of a run."""
        return self.work / "state"

    def push(self, *files: Path, port: int | None = None) -> list[str | Path]:
        """Return our command that sends files."""
        return [PIIENC, "push", *files, "--to", self._destination(port), *self._said()]

    def pull(self, name: str, path: Path) -> list[str | Path]:
        """Return our command that fetches a file."""
        return [PIIENC, "pull", name, path, "--from", self._destination(None), *self._said()]

    def forget(self) -> None:
        """Remove what the run before has kept."""
        shutil.rmtree(self.state, ignore_errors=True)

    def _destination(self, port: int | None) -> str:
        return "far" if port else "near"

    def _said(self) -> list[str | Path]:
        return ["--config", self.work / "piienc.toml", "--state", self.state, "-q", "--no-input"]

    def write_settings(self) -> None:
        """Write the settings: two destinations, and no agent, as for sftp."""
        places = {
            "near": self.server.url(self.target),
            "far": self.server.url(self.target, self.far),
        }
        keys = (
            f'identity_file = "{self.server.keys.user}"\nknown_hosts = "{self.server.known_hosts}"'
        )
        tables = (
            f'[destinations.{n}]\nurl = "{u}"\n{keys}\nagent = false' for n, u in places.items()
        )
        (self.work / "piienc.toml").write_text("\n".join(tables), "utf-8")

    def theirs(self, name: str, commands: str, port: int | None = None) -> list[str | Path]:
        """Return sftp's command, which reads its commands from a file."""
        batch = self.work / f"{name}.batch"
        batch.write_text(f"cd {self.target}\n{commands}\n", "utf-8")
        settings = (f"UserKnownHostsFile={self.server.known_hosts}", "IdentitiesOnly=yes")
        options = [option for setting in settings for option in ("-o", setting)]
        where = ["-F", "none", "-P", str(port or self.server.port), "-i", self.server.keys.user]
        return ["sftp", "-q", "-b", batch, *options, *where, f"{self.server.account}@127.0.0.1"]


def time_remote(repeats: int) -> dict[str, list[float]]:
    """Time uploads and downloads nearby, and uploads over a distance."""
    with a_place() as place:
        taken = side_by_side(_near(place, repeats)).wall
        for name, size in FAR.items():
            taken |= side_by_side(_far_large(place, name, size)).wall
        return taken | side_by_side(_far_small(place)).wall


def measure_remote_memory() -> dict[str, dict[str, int]]:
    """Return the peak memory of an upload and of a download, by the file's size, in bytes."""
    found = {}
    with a_place() as place:
        for name, size in MEMORY.items():
            source, back = _filled(place.work / "large", size), place.work / "back"
            found[name] = {
                "push": peak(place.push(source)),
                "pull": peak(place.pull("large", back)),
            }
            for path in (source, back, place.target / "large"):
                path.unlink()
            place.forget()
    return found


def _near(place: Place, repeats: int) -> list[Job]:
    source = _filled(place.work / "large", NEAR)
    kept = place.target / "kept"
    shutil.copy(source, kept)
    there, here = place.target / "large", place.work / "kept"

    def same(path: Path) -> None:
        _require_same(source, path)

    put, get = place.theirs("put", f"put {source}"), place.theirs("get", f"get kept {here}")
    return [
        Job("sftp up", put, there, same, repeats),
        Job("piienc up", place.push(source), there, same, repeats, place.forget),
        Job("sftp down", get, here, same, repeats),
        Job("piienc down", place.pull("kept", here), here, same, repeats, place.forget),
    ]


def _far_large(place: Place, name: str, size: int) -> list[Job]:
    source = _filled(place.work / f"far-{size}", size)
    there = place.target / source.name

    def same(path: Path) -> None:
        _require_same(source, path)

    put = place.theirs("far", f"put {source}", place.far)
    ours = place.push(source, port=place.far)
    return [
        Job(f"sftp far {name}", put, there, same, FAR_REPEATS),
        Job(f"piienc far {name}", ours, there, same, FAR_REPEATS, place.forget),
    ]


def _far_small(place: Place) -> list[Job]:
    folder = place.work / "small"
    folder.mkdir()
    sources = [_filled(folder / f"small-{number}", SMALL) for number in range(FILES)]
    there = place.target / sources[-1].name

    def same(_: Path) -> None:
        for source in sources:
            _require_same(source, place.target / source.name)

    def clear() -> None:
        for source in sources[:-1]:
            (place.target / source.name).unlink()
        place.forget()

    name = f"far {FILES} files"
    puts = "\n".join(f"put {source}" for source in sources)
    put, ours = place.theirs("small", puts, place.far), place.push(*sources, port=place.far)
    return [
        Job(f"sftp {name}", put, there, same, SMALL_REPEATS, clear),
        Job(f"piienc {name}", ours, there, same, SMALL_REPEATS, clear),
    ]


@contextmanager
def a_place() -> Iterator[Place]:
    """Start a server with Debian's settings, and a proxy that is far away from it."""
    sys.path.insert(0, str(_SUPPORT))
    from sshd import Keys, Sshd  # noqa: PLC0415  # of the tests

    # In memory, where there is room: what is measured is not the disk.
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        work, target = Path(folder, "work"), Path(folder, "target")
        work.mkdir()
        target.mkdir()
        server = Sshd(Keys(Path(folder)), sftp="/usr/lib/openssh/sftp-server")
        proxy = subprocess.Popen(
            [sys.executable, _SUPPORT / "proxy.py", str(server.port), str(DELAY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            with proxy:
                far = int(proxy.stdout.readline())
                server.knows(far)
                place = Place(work, server, target, far)
                place.write_settings()
                yield place
                proxy.stdin.close()
        finally:
            server.close()


def _filled(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        while (left := size - file.tell()) > 0:
            file.write(os.urandom(min(left, 16 << 20)))
    return path


def _require_same(source: Path, path: Path) -> None:
    if not filecmp.cmp(source, path, shallow=False):
        raise SystemExit(f"{path.name}: not the expected content: there is nothing to time")
