"""What the ledger knows of pushes and pulls: failures, deaths, and places by several names."""

from __future__ import annotations

import os
import threading

import pytest
from killed import killed_at
from msgspec.structs import replace

from piienc.remote.sftp.remote import SftpRemote
from piienc.state import Ledger

DATA = os.urandom(50_000)


def told(way, *arguments):
    """Return direction, name, outcome and code of each transfer that is shown, newest first."""
    ended = way.project.run("history", "--json", *arguments)
    assert ended.code == 0, ended.err
    return [
        (one["direction"], one["name"], one["outcome"], one["error_code"])
        for one in ended.document["transfers"]
    ]


def test_push_that_is_not_let_in_is_kept_for_each_file(way):
    """A cron job that never gets in shows in the history."""
    way.project.write("a.bin", DATA)
    way.project.write("b.bin", DATA)
    way.write(known_hosts="nowhere")
    assert way.push("a.bin", "b.bin").code == 8
    assert sorted(told(way)) == [("push", "a.bin", "failed", 8), ("push", "b.bin", "failed", 8)]
    way.write()
    assert way.push("a.bin").code == 0
    assert way.there() == {"a.bin": DATA}


def test_push_that_is_not_let_in_does_not_forget_what_was_sent(way):
    """What was interrupted before is still gone on with."""
    way.project.write("a.bin", DATA)
    death = killed_at("piienc.remote.sftp.remote:SftpRemote.publish")
    way.project.start("push", "a.bin", "--to", "partner", prelude=death)
    assert told(way) == [("push", "a.bin", "interrupted", None)]
    way.write(known_hosts="nowhere")
    assert way.push("a.bin").code == 8
    way.write()
    assert way.push("a.bin").code == 0
    assert sorted(told(way)) == [
        ("push", "a.bin", "delivered", None),
        ("push", "a.bin", "failed", 8),
    ]
    assert way.there() == {"a.bin": DATA}


def test_pull_that_fails_is_kept(way):
    """Not let in, nothing found, and no place to write to."""
    (way.folder / "a").write_bytes(DATA)
    way.project.write("taken", b"")
    way.write(known_hosts="nowhere")
    assert way.project.run("pull", "a", "got", "--from", "partner").code == 8
    way.write()
    assert way.project.run("pull", "none*", "--from", "partner").code == 9
    assert way.project.run("pull", "a", "taken", "--from", "partner").code == 12
    assert sorted(told(way)) == [
        ("pull", "a", "failed", 8),
        ("pull", "a", "failed", 12),
        ("pull", "none*", "failed", 9),
    ]


def test_pull_of_several_files_uses_the_connections_at_the_same_time(way, monkeypatch):
    """As many as there may be, and each file is whole."""
    way.write(connections=3)
    (way.project.folder / "in").mkdir()
    for number in range(6):
        (way.folder / f"{number}.bin").write_bytes(DATA[number:])
    three, remotes = threading.Barrier(3, timeout=20), set()
    download = SftpRemote.download

    def together(remote, *said, **more):
        remotes.add(remote)
        three.wait()
        return download(remote, *said, **more)

    monkeypatch.setattr(SftpRemote, "download", together)
    ended = way.project.run("pull", "*.bin", "in", "--from", "partner")
    assert ended.code == 0, ended.err
    assert len(remotes) == 3
    found = {path.name: path.read_bytes() for path in (way.project.folder / "in").iterdir()}
    assert found == {f"{number}.bin": DATA[number:] for number in range(6)}


def test_pull_of_several_files_fetches_the_others_where_one_fails(way):
    """The error is the first one's."""
    for name in ("a", "b", "c"):
        (way.folder / name).write_bytes(DATA)
    (way.project.folder / "in").mkdir()
    way.project.write("in/b", b"mine")
    ended = way.project.run("pull", "[abc]", "in", "--from", "partner")
    assert ended.code == 12
    assert (way.project.folder / "in" / "b").read_bytes() == b"mine"
    assert (way.project.folder / "in" / "a").read_bytes() == DATA
    assert (way.project.folder / "in" / "c").read_bytes() == DATA
    assert sorted(told(way))[1:] == [
        ("pull", "b", "failed", 12),
        ("pull", "c", "delivered", None),
    ]


@pytest.fixture
def alias(way, monkeypatch, tmp_path):
    """Give a URL that reaches the server by an alias of the SSH configuration."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (ssh / "config").write_text(
        f"Host Far\n  HostName 127.0.0.1\n  Port {way.sshd.port}\n  User {way.sshd.account}\n"
    )
    return f"sftp://Far{way.folder}/"


def test_push_to_the_same_place_by_another_name_sends_nothing_again(way, alias):
    """An alias of the SSH configuration and a whole URL are one place, in the history, too."""
    way.project.write("a.bin", DATA)
    assert way.push("a.bin").code == 0
    whole = way.sshd.url(way.folder)
    way.write(url=alias)
    assert "delivered already" in way.push("a.bin").err
    for where in (alias, whole, "partner"):
        assert told(way, "--destination", where) == [("push", "a.bin", "delivered", None)]


def test_push_finds_entries_that_have_the_url_as_it_is_written(way, alias):
    """An older version kept it so."""
    way.write(url=alias)
    way.project.write("a.bin", DATA)
    way.push("a.bin")
    (done,) = way.transfers()
    Ledger(way.project.folder / ".piienc").save(replace(done, destination=alias))
    assert "delivered already" in way.push("a.bin").err
    assert told(way, "--destination", "partner") == [("push", "a.bin", "delivered", None)]


def test_push_of_any_bytes_is_no_matter_of_openpgp(way):
    """A file may begin like an OpenPGP packet by chance; only for recipients does it matter."""
    way.project.write("a.bin", bytes.fromhex("99ffff04f3500000") + DATA)
    assert way.push("a.bin").code == 0
    assert list(way.there()) == ["a.bin"]


@pytest.mark.parametrize("wanted", ["x.csv", "*.csv"])
def test_pull_of_a_size_that_no_file_can_have_fetches_what_there_is(
    way, py_server, tmp_path, wanted
):
    """The server's word counts as not said, and neither the ledger nor the run stumbles over it."""
    py_server.disk, py_server.modes = True, {"huge"}
    known = py_server.known_hosts(tmp_path / "huge_hosts")
    way.write(url=f"sftp://me@127.0.0.1:{py_server.port}{way.folder}/", known_hosts=str(known))
    (way.folder / "x.csv").write_bytes(b"x" * 99)
    (way.project.folder / "in").mkdir()
    ended = way.project.run("pull", wanted, "in", "--from", "partner")
    assert (ended.code, (way.project.folder / "in" / "x.csv").read_bytes()) == (0, b"x" * 99)
    (transfer,) = way.transfers()
    assert (transfer.size, transfer.remote_size) == (99, None)
