"""Files delivered to SFTP servers of others, and fetched back."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from proxy import Proxy

from interop.command import Desk, FailedRunError
from interop.openssh import OPENSSH
from interop.others import OTHERS
from interop.processes import Missing, short_folder

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Gnupg
    from interop.counterpart import Counterpart, Serving

TABLE = "SFTP"
COUNTERPARTS = (*OPENSSH, *OTHERS)

pytestmark = pytest.mark.interop

_FAR = 0.05  # seconds each way
SMALL, LARGE = b"a", os.urandom(3 << 20)
_CUT_AT = 1 << 20


@pytest.fixture(scope="module", params=COUNTERPARTS, ids=lambda one: one.name)
def counterpart(request):
    """Give each counterpart in turn."""
    return request.param


@pytest.fixture(scope="module")
def serving(counterpart, ssh_keys):
    """Give the counterpart's server."""
    for base in short_folder():
        try:
            server = counterpart.start(ssh_keys, base)
        except Missing as missing:
            pytest.skip(str(missing))
        yield server
        server.close()


@pytest.fixture(scope="module")
def office(partner, tmp_path_factory):
    """Give a project with the keys that a job needs: made once, for all."""
    desk = Desk(tmp_path_factory.mktemp("office"))
    desk.run("keys", "generate-aes", "look", "--mode", "searchable", "--no-passphrase")
    (desk.folder / "curve.asc").write_bytes(partner.export("curve"))
    desk.run("keys", "import-pgp", "curve", "curve.asc")
    return desk


@dataclass
class Way:
    """The way from a project to a folder at a server."""

    desk: Desk
    counterpart: Counterpart
    serving: Serving
    folder: Path
    office: Desk
    partner: Gnupg
    more: str = ""
    outcome: str = "ok"

    def write(self, *, port: int | None = None, **said: str) -> None:
        """Write `piienc.toml` and the known hosts."""
        port = port or self.serving.port
        known = self.desk.folder / "known_hosts"
        mark = "@cert-authority " if self.serving.authority else ""
        known.write_text(f"{mark}[127.0.0.1]:{port} {self.serving.host_key}\n", "utf-8")
        said = {"rename": "true" if self.counterpart.rename else "false", **said}
        lines = [
            "[destinations.there]",
            f'url = "{self.serving.url(self.folder, port)}"',
            f'known_hosts = "{known}"',
            "agent = false",
            "retries = 0",
            *self.serving.login,
            *(f"{name} = {value}" for name, value in said.items()),
            self.more,
        ]
        (self.desk.folder / "piienc.toml").write_text("\n".join(lines), "utf-8")

    def put(self, name: str, data: bytes) -> None:
        """Put a file into the project."""
        (self.desk.folder / name).write_bytes(data)

    def push(self, *arguments: object) -> str:
        """Deliver."""
        return self.desk.run("push", *arguments, "--to", "there")

    @property
    def inbox(self) -> Path:
        """Where files lie at the end."""
        return self.folder.parent / "taken" if self.counterpart.taken else self.folder

    def there(self) -> dict[str, bytes]:
        """Return what is there, hidden files included."""
        return {path.name: path.read_bytes() for path in self.inbox.iterdir()}


@pytest.fixture
def way(desk, counterpart, serving, office, partner):
    """Give the way to a new folder at the counterpart's."""
    folder = serving.folder(f"test-{os.urandom(4).hex()}/in")
    return Way(desk, counterpart, serving, folder, office, partner)


def push(way: Way) -> None:
    """Files arrive whole, under their names."""
    way.write(rename="true")
    way.put("small.bin", SMALL)
    way.put("large.bin", LARGE)
    way.push("small.bin", "large.bin")
    assert way.there() == {"small.bin": SMALL, "large.bin": LARGE}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in way.inbox.iterdir()}
    assert modes == {way.counterpart.mode}


def exists(way: Way) -> None:
    """What was delivered is not sent again, and a name that is taken is not replaced unasked."""
    way.write()
    way.put("a.bin", SMALL)
    way.push("a.bin")
    assert "delivered already" in way.push("a.bin")
    way.put("a.bin", LARGE)
    if not way.counterpart.taken:  # then the name is free again
        refused = way.desk.ended("push", "a.bin", "--to", "there")
        assert way.there() == {"a.bin": SMALL}
        if refused.code != 12:
            raise FailedRunError(refused)
    way.push("a.bin", "--if-exists", "replace")
    assert way.there() == {"a.bin": LARGE}


def pull(way: Way) -> None:
    """What lies there comes back."""
    way.write()
    for name, data in (("a.bin", SMALL), ("b.bin", LARGE)):
        (way.folder / name).write_bytes(data)
        way.serving.give(way.folder / name)
    way.desk.run("pull", "a.bin", "a.back", "--from", "there")
    (way.desk.folder / "back").mkdir()
    way.desk.run("pull", "*.bin", "back", "--from", "there")
    assert (way.desk.folder / "a.back").read_bytes() == SMALL
    assert (way.desk.folder / "back" / "b.bin").read_bytes() == LARGE


def in_place(way: Way) -> None:
    """Files grow under their own names."""
    way.write(rename="false")
    way.put("small.bin", SMALL)
    way.put("large.bin", LARGE)
    way.push("small.bin", "large.bin")
    assert way.there() == {"small.bin": SMALL, "large.bin": LARGE}


def mode(way: Way) -> None:
    """Files get the mode that is asked for, or it is told that they do not."""
    way.write(file_mode='"0640"')
    way.put("a.bin", SMALL)
    told = way.push("a.bin")
    kept = stat.S_IMODE((way.inbox / "a.bin").stat().st_mode) == 0o640
    assert kept or "its mode could not be set" in told, told
    way.outcome = "ok" if kept else "told"


def far(way: Way) -> None:
    """A file arrives over a long line that is cut once, by the next run."""
    proxy = Proxy(way.serving.port, delay=_FAR)
    try:
        way.write(port=proxy.port)
        way.put("a.bin", LARGE)
        proxy.cut_after = _CUT_AT
        broken = way.desk.ended("push", "a.bin", "--to", "there")
        if broken.code != 9 or not proxy.sent:
            raise FailedRunError(broken)
        proxy.forget()
        way.push("a.bin")
    finally:
        proxy.close()
    there = way.there()
    if way.counterpart.lingers:
        there = {name: data for name, data in there.items() if data or name[0] != "."}
    assert there == {"a.bin": LARGE}


SCHEMA = """\
name = "people"
version = 1

[columns]
id    = { type = "integer" }
email = { type = "string", encrypt = "look" }
"""
ROWS = b"id,email\n" + b"".join(b"%d,a%d@example.com\n" % (n, n) for n in range(100))
JOB = """
[jobs.nightly]
source = "in/*.csv"
schema = "schema.toml"
destination = "there"
quiet_for = 0
"""


def send(way: Way) -> None:
    """A job's file arrives encrypted and wrapped."""
    way.more = JOB
    way.write(recipients='["curve"]')
    (way.desk.folder / "in").mkdir()
    way.put("schema.toml", SCHEMA.encode())
    way.put("in/people.csv", ROWS)
    for folder in ("keys", ".piienc"):
        shutil.copytree(way.office.folder / folder, way.desk.folder / folder)
    way.desk.run("send", "nightly")
    ((name, message),) = way.there().items()
    lines = way.partner.run("--decrypt", stdin=message).splitlines()
    assert (name, len(lines)) == ("people.csv.pgp", 101)
    assert b"@" not in b"".join(lines)


SCENARIOS = {
    "push": push,
    "exists": exists,
    "pull": pull,
    "in place": in_place,
    "mode": mode,
    "far, cut": far,
    "send": send,
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_delivery_to(way, scenario, request):
    """Each counterpart gets what is its own, whole, or refuses for a reason that is told."""
    refused = way.counterpart.refuses.get(scenario)
    if reason := way.counterpart.faults.get(scenario):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError))
    try:
        SCENARIOS[scenario](way)
    except FailedRunError as error:
        ended = error.ended
        if not refused:
            raise
        assert ended.code == refused.code, ended
        assert all(word in ended.err for word in refused.words), ended.err
        way.outcome = "refused"
    else:
        assert not refused, f"{scenario} is not refused any more"
    request.node.user_properties.append(("outcome", way.outcome))
