"""Hidden files that are left at the destination when a state folder is lost."""

from __future__ import annotations

import os
import time

import pytest
from killed import killed_at

from piienc.remote import OURS

WEEK = 7 * 24 * 60 * 60
LOST = f"{OURS}{'a' * 16}.part"
OTHERS = [
    f"{OURS}{'b' * 16}.part",  # younger
    f"{OURS}{'c' * 16}.part.old",  # the receiver's
    f"{OURS}notours.part",
    f"x{OURS}{'d' * 16}.part",
    "0123456789abcdef.part",
]


@pytest.fixture
def littered(way):
    """Give a project whose destination has a lost file, and files of others."""
    for name in (LOST, *OTHERS):
        path = way.folder / name
        path.write_bytes(b"x")
        age = WEEK * (0.9 if "b" * 16 in name else 1.1)
        os.utime(path, (time.time() - age,) * 2)
    way.project.write("a.bin", b"data")
    return way


def test_push_that_is_rehearsed_tells_of_lost_files_and_leaves_them(littered):
    """With the option that removes them."""
    ended = littered.push("a.bin", "--dry-run")
    assert ended.code == 0
    assert [line for line in ended.err.splitlines() if "warning" in line] == [
        f"piienc: warning: {LOST} was left by an abandoned run: see --sweep"
    ]
    assert set(littered.there()) == {LOST, *OTHERS}
    assert littered.push("a.bin", "--dry-run", "--sweep").code == 0
    assert set(littered.there()) == {LOST, *OTHERS}


def test_push_that_sweeps_removes_lost_files_and_no_others(littered):
    """Neither younger ones, nor what a replace has put aside, nor anybody else's."""
    ended = littered.push("a.bin", "--sweep")
    assert ended.code == 0
    assert f"piienc: removed {LOST}: it was left by an abandoned run" in ended.err
    assert set(littered.there()) == {"a.bin", *OTHERS}
    assert littered.push("a.bin", "--sweep", "--json").document["orphans"] == []


def test_leftover_of_a_transfer_is_removed_when_that_is_over(littered):
    """A server may have made it anew when it noticed that a connection was cut."""
    sent = littered.push("a.bin", "--json").document["files"][0]["transfer"]
    left = littered.folder / f"{OURS}{sent}.2.part"
    left.write_bytes(b"x")
    os.utime(left, (time.time() - 1.1 * WEEK,) * 2)
    orphans = littered.push("a.bin", "--sweep", "--json").document["orphans"]
    assert set(orphans) == {LOST, left.name}


def test_push_without_the_option_removes_nothing(littered):
    """Another project may still go on with it."""
    assert littered.push("a.bin").code == 0
    assert set(littered.there()) == {"a.bin", LOST, *OTHERS}


def test_push_that_sweeps_spares_what_the_ledger_knows(littered):
    """An interrupted transfer is gone on with, however old it is."""
    death = killed_at("piienc.remote.sftp.remote:SftpRemote.publish")
    littered.project.start("push", "a.bin", "--to", "partner", prelude=death)
    (transfer,) = littered.transfers()
    hidden = littered.folder / f"{OURS}{transfer.id}.part"
    os.utime(hidden, (time.time() - 2 * WEEK,) * 2)
    littered.project.write("b.bin", b"other")
    assert littered.push("b.bin", "--sweep").code == 0
    assert set(littered.there()) == {"b.bin", hidden.name, *OTHERS}
