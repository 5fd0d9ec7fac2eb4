"""Files pushed to a server that is not OpenSSH: its renames replace, its refusals have codes."""

from __future__ import annotations

import os

import pytest

from piienc.remote import OURS

DATA = os.urandom(100_000)


@pytest.fixture
def strange(way, py_server, tmp_path):
    """Give a project that delivers to such a server, and the server."""
    py_server.disk = True
    known = py_server.known_hosts(tmp_path / "strange_hosts")
    way.write(url=f"sftp://me@127.0.0.1:{py_server.port}{way.folder}/", known_hosts=str(known))
    way.project.write("a.bin", DATA)
    return way


def test_push_to_a_server_whose_renames_replace_never_replaces(strange):
    """The name is looked for, before anything is sent and before the rename."""
    assert strange.push("a.bin").code == 0
    assert strange.there() == {"a.bin": DATA}
    strange.project.write("a.bin", DATA[::-1])
    assert strange.push("a.bin").code == 12
    assert strange.there() == {"a.bin": DATA}


def test_push_that_replaces_without_posix_rename_leaves_one_file(strange):
    """The old file is put aside, and removed when the new one is in its place."""
    (strange.folder / "a.bin").write_bytes(b"old")
    assert strange.push("a.bin", "--if-exists", "replace").code == 0
    assert strange.there() == {"a.bin": DATA}


@pytest.mark.parametrize("more", [["--if-exists", "replace"], []])
def test_push_cut_while_it_replaces_is_completed_and_leaves_one_file(strange, py_server, more):
    """The next run finds the new file and the old one under hidden names."""
    (strange.folder / "a.bin").write_bytes(b"old")
    py_server.renames = 1
    assert strange.push("a.bin", "--if-exists", "replace").code == 9
    (transfer,) = strange.transfers()
    hidden = f"{OURS}{transfer.id}.part"
    assert strange.there() == {hidden: DATA, f"{hidden}.old": b"old"}
    py_server.renames = None
    assert strange.push("a.bin", *more).code == 0
    assert strange.there() == {"a.bin": DATA}


def test_push_cut_while_it_replaces_gives_the_old_file_back_to_a_newer_one(strange, py_server):
    """If the file has changed since, the old one has its name again until it is replaced."""
    (strange.folder / "a.bin").write_bytes(b"old")
    py_server.renames = 1
    strange.push("a.bin", "--if-exists", "replace")
    py_server.renames = None
    strange.project.write("a.bin", b"newer")
    assert strange.push("a.bin").code == 12
    assert strange.there() == {"a.bin": b"old"}
    assert strange.push("a.bin", "--if-exists", "replace").code == 0
    assert strange.there() == {"a.bin": b"newer"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (15, "the quota is used up"),
        (14, "the disk is full"),
        (4, "this may be a quota"),
    ],
)
def test_push_over_a_quota_names_it(strange, py_server, code, told):
    """By the codes of later versions of SFTP; a plain failure leaves it open."""
    py_server.refuse_writes = code
    ended = strange.push("a.bin")
    assert ended.code == 9
    assert told in ended.err
    assert strange.there() == {}
    py_server.refuse_writes = None
    assert strange.push("a.bin").code == 0
    assert strange.there() == {"a.bin": DATA}
