"""The packets: ours on one side, paramiko's own on the other."""

import contextlib
import inspect
import socket
import threading
import time

import paramiko
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from paramiko.packet import Packetizer

from piienc.remote.channels import _take
from piienc.remote.wire import Bulk, Wire

KEY, IV = b"k" * 32, bytes(4) + (2**64 - 3).to_bytes(8, "big")


def ends(stall=5.0):
    """Return our end, paramiko's end, and their sockets, with AES-GCM between them."""
    one, other = socket.socketpair()
    for peer in (one, other):
        peer.settimeout(0.05)
    ours, theirs = Wire(one, stall=stall), Packetizer(other)
    for wire, way in ((ours, "out"), (theirs, "in"), (theirs, "out"), (ours, "in")):
        switch = wire.set_outbound_cipher if way == "out" else wire.set_inbound_cipher
        more = {"sdctr": False} if way == "out" else {}
        switch(
            block_engine=AESGCM(KEY),
            block_size=16,
            mac_engine=None,
            mac_size=16,
            mac_key=None,
            etm=False,
            aead=True,
            **{f"iv_{way}": bytes(4) + (7).to_bytes(8, "big")},
            **more,
        )
    return ours, theirs, one, other


def message(data):
    """Return a message of paramiko's."""
    made = paramiko.Message()
    made.add_bytes(data)
    return made


def _send_for_ever(wire):
    while True:
        wire.send_message(message(bytes([94]) + bytes(30_000)))


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5))
def test_packets_of_ours_are_read_by_paramiko_and_the_other_way_round(payloads):
    """Whatever the length, and packet behind packet."""
    ours, theirs, one, other = ends()
    with one, other:
        for payload in payloads:
            ours.send_message(message(payload))
        for payload in payloads:
            kind, got = theirs.read_message()
            assert bytes([kind]) + got.asbytes() == payload
        for payload in payloads:
            theirs.send_message(message(payload))
        for payload in payloads:
            kind, got = ours.read_message()
            assert bytes([kind]) + got.asbytes() == payload


def test_packet_of_parts_is_that_of_the_whole():
    """A bulk message is not put together, and nobody can tell."""
    ours, theirs, one, other = ends()
    with one, other:
        ours.send_message(Bulk(b"\x5e", b"abc", memoryview(b"def")))
        kind, got = theirs.read_message()
        assert (kind, got.asbytes()) == (0x5E, b"abcdef")
    assert Bulk(b"a", memoryview(b"b")).asbytes() == b"ab"


@pytest.mark.parametrize("place", [4, 10, -1])
def test_packet_that_was_changed_raises(place):
    """Any byte of it."""
    ours, theirs, one, other = ends()
    with one, other:
        theirs.send_message(message(b"\x5e" + bytes(100)))
        data = bytearray(one.recv(1000))
        data[place] ^= 1
        other.sendall(data)
        with pytest.raises(paramiko.SSHException, match="does not authenticate"):
            ours.read_message()


@pytest.mark.parametrize("size", [0, 15, 2**20 + 1, 2**32 - 1])
def test_packet_of_a_mad_length_raises_at_once(size):
    """No memory is asked for."""
    ours, _, one, other = ends()
    with one, other:
        other.sendall(size.to_bytes(4, "big"))
        with pytest.raises(paramiko.SSHException, match="A packet of"):
            ours.read_message()


@pytest.mark.parametrize("plain", [bytes([15]) + bytes(15), bytes([255]) + bytes(31)])
def test_packet_that_is_padding_alone_raises(plain):
    """There is no message in it."""
    ours, _, one, other = ends()
    length = len(plain).to_bytes(4, "big")
    with one, other:
        nonce = bytes(4) + (7).to_bytes(8, "big")
        other.sendall(length + AESGCM(KEY).encrypt(nonce, plain, length))
        with pytest.raises(paramiko.SSHException, match="padding alone"):
            ours.read_message()


def test_peer_that_takes_nothing_is_given_up():
    """After the stall's time, and not for ever."""
    ours, _, one, other = ends(stall=0.3)
    began = time.monotonic()
    with one, other, pytest.raises(TimeoutError):
        _send_for_ever(ours)
    assert 0.3 <= time.monotonic() - began < 3
    assert ours.closed


def test_peer_that_takes_little_is_waited_for():
    """A slow peer is not a dead one."""
    ours, theirs, one, other = ends(stall=0.3)
    count, size = 40, 30_000

    def slowly():
        while len(got) < count * size:
            time.sleep(0.02)
            got.extend(other.recv(size))

    got = bytearray()
    reader = threading.Thread(target=slowly)
    with one, other:
        reader.start()
        for _ in range(count):
            ours.send_message(message(b"\x5e" + bytes(size)))
        reader.join()
    assert not ours.closed
    assert theirs.closed is False


def test_peer_that_is_gone_is_an_end():
    """For who writes, and for who reads."""
    ours, _, one, other = ends()
    other.close()
    with one:
        with pytest.raises(EOFError):
            ours.read_message()
        with pytest.raises(EOFError):
            _send_for_ever(ours)


@pytest.mark.parametrize("line", [b"SSH-2.0-x\r\n", b"SSH-2.0-x\n"])
def test_banner_is_a_line_and_what_follows_is_kept(line):
    """Packets may come in one piece with the banner."""
    one, other = socket.socketpair()
    one.settimeout(0.05)
    with one, other:
        wire = Wire(one, stall=1)
        other.sendall(line + b"rest")
        assert wire.readline(1) == "SSH-2.0-x"
        assert wire.read_all(4) == b"rest"


def test_banner_that_does_not_come_or_does_not_end_raises():
    """In time, and without filling the memory."""
    one, other = socket.socketpair()
    one.settimeout(0.05)
    with one, other:
        with pytest.raises(TimeoutError):
            Wire(one, stall=1).readline(0.1)

        def flood():
            with contextlib.suppress(OSError):
                other.sendall(bytes(4 << 20))

        thread = threading.Thread(target=flood)
        thread.start()
        with pytest.raises(paramiko.SSHException, match="without an end"):
            Wire(one, stall=1).readline(5)
        one.close()
        thread.join()


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(1, 30))
def test_parts_are_cut_without_loss(parts, most):
    """Every piece but the last is full."""
    waiting = [memoryview(part) for part in parts]
    pieces = []
    while waiting:
        taken, size = _take(waiting, most)
        pieces.append(b"".join(taken))
        assert len(pieces[-1]) == size <= most
    assert b"".join(pieces) == b"".join(parts)
    assert all(len(piece) == most for piece in pieces[:-1])


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (Packetizer.send_message, ["self", "data"]),
        (Packetizer.write_all, ["self", "out"]),
        (Packetizer.read_message, ["self"]),
        (Packetizer.read_all, ["self", "n", "check_rekey"]),
        (Packetizer.readline, ["self", "timeout"]),
        (Packetizer.start_handshake, ["self", "timeout"]),
        (Packetizer.handshake_timed_out, ["self"]),
        (Packetizer.complete_handshake, ["self"]),
        (Packetizer.need_rekey, ["self"]),
        (Packetizer._trigger_rekey, ["self"]),
        (Packetizer._check_keepalive, ["self"]),
        (paramiko.Channel._wait_for_send_window, ["self", "size"]),
        (paramiko.Transport._send_user_message, ["self", "data"]),
        (paramiko.Transport._parse_kex_init, ["self", "m"]),
        (paramiko.Transport._really_parse_kex_init, ["self", "m", "ignore_first_byte"]),
        (paramiko.Transport._parse_disconnect, ["self", "m"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_what_is_used_of_paramiko_is_as_it_was(method, parameters):
    """These are private, or nowhere promised: a new version of paramiko must be looked at."""
    assert list(inspect.signature(method).parameters) == parameters


def test_transport_gives_keys_by_name():
    """`set_outbound_cipher` and its like are called with keywords only."""
    for method in (paramiko.Transport._activate_inbound, paramiko.Transport._activate_outbound):
        source = inspect.getsource(method)
        for name in ("block_engine=", "aead=", "iv_in=" if "inbound" in source else "iv_out="):
            assert name in source
