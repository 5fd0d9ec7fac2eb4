"""Servers that are far away: more sessions, and what a server makes of them."""

import io
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from ssh_fixtures import download, upload

from piienc.remote import OURS, WriteMode

MEGA = 1_000_000
DATA = os.urandom(12 * MEGA)
DELAY = 0.02  # seconds in each direction: as between countries


def open_sessions(remote):
    """Return how many sessions there are."""
    return len(remote._pool._sessions)


def test_large_file_goes_through_several_sessions(sshd, new_proxy, connect):
    """And is whole, and is read back by one."""
    remote = connect(sshd, new_proxy(sshd, delay=DELAY))
    counted = []
    assert upload(remote, "a", DATA, progress=counted.append).size == len(DATA)
    assert (sshd.folder / "a").read_bytes() == DATA
    assert sum(counted) == len(DATA)
    assert open_sessions(remote) > 1
    assert remote.same_prefix("a", io.BytesIO(DATA), len(DATA)) == len(DATA)
    assert download(remote, "a", len(DATA)) == DATA


def test_large_file_goes_on_through_several_sessions(sshd, new_proxy, connect):
    """From an offset."""
    (sshd.folder / "a").write_bytes(DATA[: 5 * MEGA])
    remote = connect(sshd, new_proxy(sshd, delay=DELAY))
    upload(remote, "a", DATA, offset=5 * MEGA)
    assert (sshd.folder / "a").read_bytes() == DATA


def test_small_files_go_side_by_side(sshd, new_proxy, connect):
    """As many at the same time as the remote says, and all arrive."""
    remote = connect(sshd, new_proxy(sshd, delay=DELAY))
    assert remote.concurrency > 4

    def push(number):
        upload(remote, f"{OURS}{number}", str(number).encode() * 1000)
        remote.publish(f"{OURS}{number}", str(number), replace=False)

    with ThreadPoolExecutor(remote.concurrency) as threads:
        list(threads.map(push, range(60)))
    assert {path.name for path in sshd.folder.iterdir()} == {str(n) for n in range(60)}
    for number in range(60):
        assert (sshd.folder / str(number)).read_bytes() == str(number).encode() * 1000
    assert open_sessions(remote) == remote.concurrency // 4


@pytest.mark.parametrize("most", [1, 2])
def test_server_that_allows_few_sessions_has_its_way(new_sshd, new_proxy, connect, most):
    """Nobody hears of it, and no more are asked for."""
    server = new_sshd(f"MaxSessions {most}")
    remote = connect(server, new_proxy(server, delay=DELAY))
    upload(remote, "a", DATA)
    assert (server.folder / "a").read_bytes() == DATA
    assert open_sessions(remote) == most
    assert remote.concurrency == 4 * most


def test_sessions_are_limited_by_the_option(sshd, new_proxy, connect):
    """For servers that do not even bear to be asked."""
    remote = connect(sshd, new_proxy(sshd, delay=DELAY), sessions=1)
    upload(remote, "a", DATA)
    assert open_sessions(remote) == 1


def test_nearby_one_session_does(sshd, connect):
    """There is nothing to wait for."""
    remote = connect(sshd)
    upload(remote, "a", DATA)
    assert open_sessions(remote) == 1


def test_upload_through_several_sessions_that_is_cut_is_completed(sshd, new_proxy, connect):
    """Holes are found."""
    proxy = new_proxy(sshd, delay=DELAY)
    remote = connect(sshd, proxy)
    upload(remote, "warm", DATA)
    proxy.forget()
    proxy.cut_after = len(DATA) // 2
    with pytest.raises(Exception, match="connection was lost"):
        upload(remote, "a", DATA)
    again = connect(sshd)
    same = again.same_prefix("a", io.BytesIO(DATA), len(DATA))
    assert same < len(DATA)  # it may be nothing, where the session of the first block was slow
    manner = WriteMode(offset=same, over=True)
    again.upload("a", io.BytesIO(DATA), size=len(DATA), manner=manner)
    assert (sshd.folder / "a").read_bytes() == DATA
