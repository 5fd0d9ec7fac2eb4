"""A server that is known, and that goes on without an end: everything that it sends has a bound."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from fake_channel import Channel, frame
from msgspec.structs import replace
from ssh_fixtures import QUICK

from piienc.errors import IncompleteError
from piienc.remote import ConnectOptions, open_remote, parse_url
from piienc.remote.sftp import calls, listing, protocol
from piienc.remote.sftp.calls import OpenFile
from piienc.remote.sftp.protocol import string
from piienc.remote.sftp.session import Session
from piienc.remote.sftp.transfer import Span, fetch
from piienc.remote.ssh.peer import Peer, PeerError

LISTS = {
    "names without an end": ("endless", "does not end within 20,"),
    "bytes without an end": ("endless", "and 1,"),
    "answers without a name": ("empty", "within 0 names"),
    "a list that takes too long": ("empty", "does not end"),
}


@pytest.fixture
def odd(py_server, ssh_keys, tmp_path):
    """Give a function that connects to a server of some modes, whose folder has two files."""
    opened = []
    (tmp_path / "config").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(b"x")

    def connect(*modes, **timeouts):
        py_server.disk, py_server.modes = True, set(modes)
        options = ConnectOptions(
            known_hosts=py_server.known_hosts(tmp_path / "known"),
            identity_file=ssh_keys.user,
            ssh_config=tmp_path / "config",
            agent=False,
            timeouts=replace(QUICK, **timeouts),
        )
        url = parse_url(f"sftp://me@127.0.0.1:{py_server.port}{folder}/")
        opened.append(open_remote(url, options))
        return opened[-1]

    yield connect
    for remote in opened:
        remote.close()


@pytest.mark.parametrize(("mode", "told"), LISTS.values(), ids=LISTS)
def test_list_without_an_end_is_given_up(odd, monkeypatch, mode, told):
    """By names, by bytes, by answers and by time."""
    monkeypatch.setattr(listing, "MOST_NAMES", 20_000)
    if "1," in told:
        monkeypatch.setattr(listing, "MOST_BYTES", 1_000_000)
    if told == "does not end":
        monkeypatch.setattr(listing, "MOST_EMPTY", 1 << 40)
    remote, began = odd(mode, stall=0.3 if told == "does not end" else 5), time.monotonic()
    with pytest.raises(IncompleteError, match=told) as caught:
        list(remote.entries())
    assert not caught.value.transient
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("mode", ["bad end", "no size", "no type"])
def test_list_of_an_odd_server_is_read(odd, mode):
    """An error behind the last name is the end; what is not told is not known."""
    assert {entry.name for entry in odd(mode).entries()} == {"a", "b"}


def test_list_that_is_refused_at_once_is_an_error(odd):
    """It is not the end of an empty folder."""
    with pytest.raises(IncompleteError, match="cannot list the folder: permission denied"):
        list(odd("list").entries())


class Dripping(Channel):
    """A channel out of which bytes come one by one."""

    def recv(self, _):
        """Return one byte, after a while."""
        time.sleep(0.05)
        data, self._ahead = self._ahead[:1], self._ahead[1:]
        return data


def test_answer_in_drips_must_come_whole_in_time():
    """The time does not begin anew with each byte."""
    answer = string(bytes(200))
    channel = Dripping(lambda _, number, __: frame(protocol.DATA, number, answer))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Session(channel, stall=0.5).call(protocol.READ, b"")
    assert time.monotonic() - began < 3
    assert channel.closed


def test_file_in_crumbs_is_given_up():
    """A byte for each question would take a day for a file of some megabytes."""
    session = Session(
        Channel(lambda _, number, __: frame(protocol.DATA, number, string(b"x"))), stall=1
    )
    with pytest.raises(IncompleteError, match="too small"):
        list(fetch(OpenFile(session, b"h"), Span(0, 1 << 20, 32 << 10), "read x"))


def test_peer_that_sends_what_nobody_waits_for_is_given_up():
    """Nobody reads it, and so it would grow in memory."""
    one, other = socket.socketpair()
    one.settimeout(1)
    peer = Peer(one, stall=1)
    peer.end_handshake()
    channel = SimpleNamespace(in_buffer=bytes(40 << 20), in_stderr_buffer=b"")
    peer.is_flooded = lambda: Session(channel, stall=1).flooded

    def flood():
        with contextlib.suppress(OSError):
            while True:
                other.sendall(bytes(1 << 20))

    thread = threading.Thread(target=flood)
    with other:
        thread.start()
        with pytest.raises(PeerError, match="more than it was asked for"):
            _read_for_ever(peer)
        thread.join()


def _read_for_ever(peer):
    while peer.recv(1 << 20):
        pass


def answering(kind, body):
    """Return a session with a server that gives the same answer to all."""
    return Session(Channel(lambda _, number, __: frame(kind, number, body)), stall=1)


@pytest.mark.parametrize("told", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_size_that_no_file_can_have_counts_as_not_told(told):
    """Neither of a file nor of the room for one: it is kept as a number of 64 bits with a sign."""
    most = told < 1 << 63
    session = answering(protocol.ATTRS, protocol.u32(1) + protocol.u64(told))
    assert calls.stat(session, "/x").size == (told if most else None)
    room = b"".join(map(protocol.u64, (1, 1, 1, 1, told, 1, 1, 1, 1, 1, 1)))
    session = answering(protocol.EXTENDED_REPLY, room)
    session.extensions = {protocol.STATVFS: b"2"}
    assert calls.room(session, "/") == (told if most else None)


@pytest.mark.parametrize("told", [1, (1 << 64) - 1])
def test_request_has_a_size_within_bounds_whatever_the_server_asks_for(odd, monkeypatch, told):
    """Requests of a byte each would be under way by the million."""
    monkeypatch.setattr(calls, "limits", lambda _: lambda: (told, told))
    remote = odd()
    assert 1 << 10 <= remote._reading <= 1 << 20
    assert remote._reading == remote._writing
