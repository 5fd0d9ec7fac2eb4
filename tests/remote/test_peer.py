"""Peers that nobody knows yet, and that go beyond every bound: each is given up, and in time."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import threading
import time

import pytest
from ssh_fixtures import QUICK
from sshd import run

from piienc.errors import ConnectError, IncompleteError
from piienc.remote import ConnectOptions, Timeouts, open_remote, parse_url
from piienc.remote.ssh.peer import Peer, PeerError

BANNER = b"SSH-2.0-x\r\n"
SOON = 8  # seconds
IMPATIENT = Timeouts(connect=1, banner=1.5, login=1, stall=1, keepalive=1)


def _kexinit(*, names: int = 10, kind: int = 20) -> bytes:
    lists = b"".join(struct.pack(">I", 1) + b"x" for _ in range(names))
    payload = bytes([kind]) + bytes(16) + lists + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def _claim(size: int) -> bytes:
    return struct.pack(">IB", size, 4) + bytes(11)


def _drip(data: bytes):
    for byte in data:
        yield bytes([byte])
        time.sleep(0.2)


def _flood(piece: bytes, count: int):
    for _ in range(count):
        yield piece


PEERS = {
    "packet of 923 MB": (
        lambda: [BANNER, _claim(923_000_004), *[bytes(1 << 20)] * 64],
        "packet of",
    ),
    "packet of 4 GB": (lambda: [BANNER, _claim(0xFFFF_FFFC)], "packet of"),
    "packet of nothing": (lambda: [BANNER, struct.pack(">IB", 4, 3) + bytes(3)], "not speak SSH"),
    "line without an end": (lambda: _flood(bytes(64 << 10), 10_000), "too much"),
    "lines without an end": (lambda: _flood(b"x" * 30_000 + b"\n", 10_000), "too much"),
    "banner in drips": (lambda: _drip(BANNER * 20), "in time"),
    "packet in drips": (lambda: [BANNER, *_drip(_kexinit() * 20)], "."),
    "nothing that is known": (lambda: [BANNER, _kexinit()], "no key exchange in common"),
    "lists that are cut off": (lambda: [BANNER, _kexinit(names=3)], "."),
    "message of no kind": (lambda: [BANNER, _kexinit(kind=254)], "."),
    "text that is none": (lambda: [b"SSH-2.0-\xff\xfe\r\n", os.urandom(64)], "."),
    "noise": (lambda: [BANNER, bytes(range(256)) * 8], "."),
}


@pytest.fixture
def strange():
    """Give a function that starts a peer that says what it likes; it returns its port."""
    listeners = []

    def start(said) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def speak():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                with peer:
                    for piece in said():
                        peer.sendall(piece)
                    peer.recv(1 << 16)
                    time.sleep(3)

        threading.Thread(target=speak, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(("said", "told"), PEERS.values(), ids=PEERS)
def test_peer_that_is_not_known_yet_is_bounded(strange, tmp_path, said, told):
    """In memory and in time; and the error is one of ours, with a reason and no foreign word."""
    (tmp_path / "config").touch()
    options = ConnectOptions(ssh_config=tmp_path / "config", agent=False, timeouts=IMPATIENT)
    url = parse_url(f"sftp://me@127.0.0.1:{strange(said)}/x/")
    began, held = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConnectError, match=told) as caught:
        open_remote(url, options)
    assert time.monotonic() - began < SOON
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 30_000  # KiB
    assert str(caught.value).isprintable()


def test_host_key_that_changes_at_a_rekey_ends_the_connection(py_server, ssh_keys, tmp_path):
    """Whoever is there now is not who was let in."""
    (tmp_path / "config").touch()
    options = ConnectOptions(
        known_hosts=py_server.known_hosts(tmp_path / "known"),
        identity_file=ssh_keys.user,
        ssh_config=tmp_path / "config",
        agent=False,
        timeouts=QUICK,
    )
    other = tmp_path / "other"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)
    with open_remote(parse_url(f"sftp://me@127.0.0.1:{py_server.port}/x/"), options) as remote:
        py_server.renew()
        remote.stat("a")
        with contextlib.suppress(Exception):  # the server's end of it
            py_server.renew(other)
        with pytest.raises(IncompleteError, match="another host key") as caught:
            remote.stat("a")
    assert not caught.value.transient


def _ends(stall: float = 0.3):
    one, other = socket.socketpair()
    one.settimeout(0.05)
    return Peer(one, stall=stall), other


def test_peer_that_takes_nothing_is_given_up():
    """After the stall's time, and not for ever."""
    peer, other = _ends()
    began = time.monotonic()
    with other:
        while peer.failure is None:
            with contextlib.suppress(TimeoutError):
                peer.send(bytes(30_000))
    assert 0.3 <= time.monotonic() - began < 3
    with pytest.raises(OSError, match="descriptor"):
        peer.send(b"x")


def test_peer_that_takes_little_is_waited_for():
    """A slow peer is not a dead one."""
    peer, other = _ends()
    got, size = bytearray(), 1_000_000

    def slowly():
        while len(got) < size:
            time.sleep(0.02)
            got.extend(other.recv(30_000))

    reader = threading.Thread(target=slowly)
    with other:
        reader.start()
        sent = 0
        while sent < size:
            with contextlib.suppress(TimeoutError):
                sent += peer.send(bytes(size - sent))
        reader.join()
    assert peer.failure is None
    peer.close()


def test_what_was_received_is_given_in_pieces_of_any_size():
    """Without a loss, and a packet that is too long is none."""
    peer, other = _ends()
    with other:
        other.sendall(b"abcdef")
        assert [peer.recv(count) for count in (1, 3, 10)] == [b"a", b"bcd", b"ef"]
        with pytest.raises(TimeoutError):
            peer.recv(1)
        with pytest.raises(PeerError, match="1,048,577 bytes"):
            peer.recv((1 << 20) + 1)
    assert peer.failure


def test_end_of_the_peer_is_told_from_our_own():
    """A server that says farewell is none that is lost."""
    peer, other = _ends()
    other.close()
    assert peer.recv(10) == b""
    assert peer.lost
    peer.close()
