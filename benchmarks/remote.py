"""Deliver files to an OpenSSH server on loopback, side by side with OpenSSH's own sftp.

As a program it is our side of that: `remote.py put|get URL IDENTITY KNOWN_HOSTS FILE...`.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from processes import HERE, Job, peak, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sshd import Sshd

NEAR = 512 << 20
FAR = {"64 MB": 64 << 20, "256 MB": 256 << 20}
FILES, SMALL = 200, 100_000
DELAY = 0.05  # seconds, in each direction
FAR_REPEATS = 3

_SUPPORT = HERE.parent / "tests" / "support"


@dataclass(frozen=True)
class Place:
    """Where files come from, and where they go."""

    work: Path
    server: Sshd
    target: Path
    far: int

    def ours(self, verb: str, *files: Path, port: int | None = None) -> list[str | Path]:
        """Return our command."""
        url = self.server.url(self.target, port)
        keys = (self.server.keys.user, self.server.known_hosts)
        return [sys.executable, HERE / "remote.py", verb, url, *keys, *files]

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
    with _place() as place:
        taken = side_by_side(_near(place, repeats))
        for name, size in FAR.items():
            taken |= side_by_side(_far_large(place, name, size))
        return taken | side_by_side(_far_small(place))


def measure_remote_memory() -> dict[str, int]:
    """Return the peak memory of an upload and of a download, in bytes."""
    with _place() as place:
        source = _filled(place.work / "large", NEAR)
        found = {"upload": peak(place.ours("put", source))}
        source.unlink()
        return found | {"download": peak(place.ours("get", source))}


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
        Job("piienc up", place.ours("put", source), there, same, repeats),
        Job("sftp down", get, here, same, repeats),
        Job("piienc down", place.ours("get", here), here, same, repeats),
    ]


def _far_large(place: Place, name: str, size: int) -> list[Job]:
    source = _filled(place.work / f"far-{size}", size)
    there = place.target / source.name

    def same(path: Path) -> None:
        _require_same(source, path)

    put = place.theirs("far", f"put {source}", place.far)
    ours = place.ours("put", source, port=place.far)
    return [
        Job(f"sftp far {name}", put, there, same, FAR_REPEATS),
        Job(f"piienc far {name}", ours, there, same, FAR_REPEATS),
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

    name = f"far {FILES} files"
    put = place.theirs("small", f"put {folder}/*", place.far)
    ours = place.ours("put", *sources, port=place.far)
    return [
        Job(f"sftp {name}", put, there, same, 1, clear),
        Job(f"piienc {name}", ours, there, same, FAR_REPEATS, clear),
    ]


@contextmanager
def _place() -> Iterator[Place]:
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
                yield Place(work, server, target, far)
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


def main(verb: str, url: str, identity: str, known_hosts: str, *files: str) -> None:
    """Send or fetch files, as many at a time as is worthwhile."""
    from piienc.remote import OURS, Options, open_remote, parse_url  # noqa: PLC0415  # start-up

    options = Options(identity_file=Path(identity), known_hosts=Path(known_hosts), agent=False)
    with open_remote(parse_url(url), options) as remote:

        def put(path: Path) -> None:
            temporary = f"{OURS}{path.name}"
            with path.open("rb") as file:
                remote.upload(temporary, file, size=path.stat().st_size)
            remote.publish(temporary, path.name, replace=False)

        def get(path: Path) -> None:
            with path.open("wb") as file:
                remote.download(path.name, file, size=remote.stat(path.name).size)

        with ThreadPoolExecutor(remote.lanes) as threads:
            list(threads.map({"put": put, "get": get}[verb], map(Path, files)))


if __name__ == "__main__":
    main(*sys.argv[1:])
