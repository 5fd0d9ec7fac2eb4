"""OpenPGP messages and keys, exchanged with programs of others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from interop.command import Desk, FailedRunError
from interop.counterpart import ANY
from interop.openpgp import PROGRAMS_OF_OTHERS
from interop.processes import Missing, short_folder

if TYPE_CHECKING:
    from interop.openpgp import Program

TABLE = "OpenPGP"

pytestmark = pytest.mark.interop

LARGE = os.urandom(3 << 20)
CONTENTS = {"small.csv": b"a", "large.bin": LARGE}
TEXTS = {**CONTENTS, "large.bin": LARGE.hex().encode()[: len(LARGE)]}


@pytest.fixture(scope="module", params=PROGRAMS_OF_OTHERS, ids=lambda one: one.name)
def counterpart(request):
    """Give each program in turn."""
    return request.param


@pytest.fixture(scope="module")
def program(counterpart):
    """Give the program."""
    for base in short_folder():
        try:
            made = counterpart.start(base)
        except Missing as missing:
            pytest.skip(str(missing))
        yield made
        made.close()


@pytest.fixture(scope="module")
def theirs(program):
    """Give the program's secret key."""
    return program.generate("theirs@example.com")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Give a project with a key pair of our own, `us`; its folder is copied by each test."""
    desk = Desk(tmp_path_factory.mktemp("ours"))
    desk.run("keys", "generate-pgp", "us", "--email", "us@example.com", "--no-passphrase")
    desk.run("keys", "export", "us", "-o", "us.asc")
    return desk


@dataclass
class Exchange:
    """Both sides."""

    desk: Desk
    program: Program
    theirs: bytes

    def take_theirs(self) -> None:
        """Import their public key."""
        (self.desk.folder / "them.asc").write_bytes(self.program.cert(self.theirs))
        self.desk.run("keys", "import-pgp", "them", "them.asc", "--force")

    @property
    def contents(self) -> dict[str, bytes]:
        """What is sent."""
        return TEXTS if self.program.text else CONTENTS

    @property
    def us(self) -> bytes:
        """Our public key."""
        return (self.desk.folder / "us.asc").read_bytes()


@pytest.fixture
def exchange(ours, program, theirs):
    """Give both sides."""
    for path in ours.folder.iterdir():
        if path.name not in {"keys", ".piienc", "us.asc"}:
            path.unlink()
    return Exchange(ours, program, theirs)


def keys(both: Exchange) -> None:
    """Our side knows their key, and they can encrypt to ours."""
    both.take_theirs()
    assert both.program.encrypt(b"a", both.us, None)


def theirs_reads(both: Exchange, *, signed: bool = False) -> None:
    """They read what is wrapped for them."""
    both.take_theirs()
    for name, data in both.contents.items():
        (both.desk.folder / name).write_bytes(data)
        sign = ["--sign-with", "us"] if signed else []
        both.desk.run("wrap-file", name, "message.pgp", "--recipient", "them", "--force", *sign)
        message = (both.desk.folder / "message.pgp").read_bytes()
        read = both.program.decrypt(message, both.theirs, both.us if signed else None)
        assert read == data


def ours_reads(both: Exchange, *, signed: bool = False) -> None:
    """We read what they have encrypted for us."""
    both.take_theirs()
    for name, data in both.contents.items():
        message = both.program.encrypt(data, both.us, both.theirs if signed else None)
        (both.desk.folder / "message.pgp").write_bytes(message)
        by = ["--signed-by", "them"] if signed else []
        both.desk.run("unwrap-file", "message.pgp", name, "--force", *by)
        assert (both.desk.folder / name).read_bytes() == data


SCENARIOS = {
    "keys": keys,
    "they read": theirs_reads,
    "they read, signed": lambda both: theirs_reads(both, signed=True),
    "we read": ours_reads,
    "we read, signed": lambda both: ours_reads(both, signed=True),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_exchange_with(counterpart, exchange, scenario, request):
    """Each program reads what we write and writes what we read, or is refused for a true reason."""
    refused = counterpart.refuses.get(scenario, counterpart.refuses.get(ANY))
    try:
        SCENARIOS[scenario](exchange)
    except FailedRunError as error:
        ended = error.ended
        if not refused:
            raise
        assert ended.code == refused.code, ended
        assert all(word in ended.err for word in refused.words), ended.err
        request.node.user_properties.append(("outcome", "refused"))
    else:
        assert not refused or refused.at_times, f"{scenario} is not refused any more"
