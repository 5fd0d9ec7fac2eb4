"""`piienc send` against its own stages, and against the same job done without piienc.

The rival is what one would write: the csv module and a cell at a time, `gpg` with its defaults,
and `sftp`. All of it goes to an OpenSSH server on loopback, in memory.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generate import generate
from processes import PIIENC, Job, busy, peak, rival, run, side_by_side

from remote import a_place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from remote import Place

SMALL = 20
"""Files of about 6 MB each, which are sent by one job."""

_RECIPIENT = "partner"


@dataclass(frozen=True)
class Desk:
    """A project with keys and a job, and the server that it delivers to."""

    place: Place
    source: Path
    schema: Path
    keys: Path

    @property
    def work(self) -> Path:
        """The project's folder."""
        return self.place.work

    def make(self) -> None:
        """Make the recipient's key and the settings."""
        make = [PIIENC, "keys", "generate-pgp", _RECIPIENT, "--email", "in@partner.example"]
        run([*make, "--algorithm", "ed25519", "--no-passphrase", "--keys", self.keys])
        home = self.work / "gnupg"
        home.mkdir(mode=0o700)
        exported = run([PIIENC, "keys", "export", _RECIPIENT, "--keys", self.keys])
        subprocess.run(
            ["gpg", "--homedir", home, "--batch", "-q", "--import"],
            input=exported.encode(),
            check=True,
        )
        server = self.place.server
        (self.work / "send.toml").write_text(
            f"""[destinations.partner]
url = "{server.url(self.place.target)}"
identity_file = "{server.keys.user}"
known_hosts = "{server.known_hosts}"
agent = false
recipients = ["{_RECIPIENT}"]
[jobs.small]
source = "small/*.csv"
schema = "{self.schema}"
destination = "partner"
quiet_for = 0
""",
            "utf-8",
        )

    def send(self, source: Path) -> list[str | Path]:
        """Return our command that does it all."""
        return [PIIENC, "send", source, "--schema", self.schema, "--to", "partner", *self._said()]

    def send_small(self) -> list[str | Path]:
        """Return our command that sends all small files."""
        return [PIIENC, "send", "small", *self._said()]

    def encrypt(self, target: Path) -> list[str | Path]:
        """Return our command that encrypts."""
        command = [PIIENC, "encrypt-file", self.source, target, "--schema", self.schema]
        return [*command, *self._said()]

    def verify(self, target: Path) -> list[str | Path]:
        """Return our command that verifies."""
        command = [PIIENC, "verify", self.source, "--schema", self.schema, "--expect", "plain"]
        return [*command, "-o", f"json={target}", *self._said()]

    def wrap(self, source: Path, target: Path) -> list[str | Path]:
        """Return our command that wraps."""
        return [PIIENC, "wrap-file", source, target, "-r", _RECIPIENT, *self._said()]

    def theirs(self) -> list[str | Path]:
        """Return a shell's command for the rival's three programs."""
        made, wrapped = self.work / "theirs.csv", self.work / "theirs.csv.pgp"
        gpg = f"gpg --homedir {self.work / 'gnupg'} --batch -q --yes --trust-model always"
        wrap = f"{gpg} -r in@partner.example -o {wrapped} -e {made}"
        put = self.place.theirs("theirs", f"put {wrapped}")
        steps = [rival("csvloop-encrypt", self.source, made, self.keys), wrap.split(), put]
        return ["sh", "-c", " && ".join(" ".join(map(str, step)) for step in steps)]

    def _said(self) -> list[str | Path]:
        config = ["--config", self.work / "send.toml", "--state", self.place.state]
        return [*config, "--keys", self.keys, "-q", "--no-input"]


@dataclass(frozen=True)
class Found:
    """What was measured of a job.

    Attributes:
        times: seconds of each run, of the job, its stages and its rival.
        memory: the job's peak, in bytes.
        busy: by job, the share of all cores' time that was used in each run, the server's included.
    """

    times: dict[str, list[float]]
    memory: int
    busy: dict[str, list[float]]


def measure_send(
    source: Path, schema: Path, keys: Path, rows: int, repeats: int, slow_repeats: int
) -> Found:
    """Measure a job next to its stages and its rival."""
    with a_place() as place:
        desk = Desk(place, source, schema, keys)
        desk.make()
        there, name = place.target, f"{source.name}.pgp"
        encrypted, wrapped = place.work / "stage.csv", place.work / "stage.csv.pgp"
        run(desk.encrypt(encrypted))
        run(desk.wrap(encrypted, wrapped))
        place.forget()
        small = place.work / "small"
        small.mkdir()
        generate(small / "00.csv", rows // SMALL)
        for number in range(1, SMALL):
            shutil.copy(small / "00.csv", small / f"{number:02}.csv")

        def clear() -> None:
            place.forget()
            for path in place.target.glob("*.csv.pgp"):
                path.unlink()

        def any_content(_: Path) -> None:
            """What arrives is held to be right by the tests."""

        def job(name: str, command: list[str | Path], target: Path, count: int) -> Job:
            return Job(name, command, target, any_content, count, clear)

        target = place.work / "out"
        taken = side_by_side(
            [
                job("send", desk.send(source), there / name, repeats),
                job(f"send, {SMALL} files", desk.send_small(), there / "00.csv.pgp", repeats),
                job("verify", desk.verify(target), target, repeats),
                job(
                    "encrypt-file",
                    desk.encrypt(target.with_suffix(".csv")),
                    target.with_suffix(".csv"),
                    repeats,
                ),
                job("wrap-file", desk.wrap(encrypted, target), target, repeats),
                job("push", place.push(wrapped), there / wrapped.name, repeats),
                job("csv, gpg, sftp", desk.theirs(), there / "theirs.csv.pgp", slow_repeats),
            ]
        ).wall
        busy_shares = _shares(desk, min(3, repeats), clear)
        return Found(taken, peak(desk.send(source)), busy_shares)


def _shares(desk: Desk, repeats: int, after: Callable[[], None]) -> dict[str, list[float]]:
    jobs = {"send": desk.send(desk.source), f"send, {SMALL} files": desk.send_small()}
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, command in jobs.items():
            found[name].append(busy(command))
            after()
    return found
