"""Packets: headers of both formats, lengths of all kinds, and strictness about their ends."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import PgpError
from piienc.openpgp.packets.packets import begins_openpgp, kind_of, packets

BODY = bytes(range(256)) * 300


def _parts(data):
    return [(packet.tag, packet.read(1 << 30)) for packet in packets(io.BytesIO(data))]


def _partial(tag, data, exponent=9):
    """Write a packet in parts of 2^exponent octets, the last of which may be empty."""
    size = 1 << exponent
    whole = len(data) // size * size
    made = bytes([0xC0 | tag])
    for begin in range(0, whole, size):
        made += bytes([224 + exponent]) + data[begin : begin + size]
    rest = data[whole:]
    return made + b"\xff" + len(rest).to_bytes(4, "big") + rest


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("cb00", 0),
        ("cbbf", 191),
        ("cbc000", 192),
        ("cbdfff", 8383),
        ("cbff000020c0", 8384),
        ("cbff00000001", 1),
        ("ac02", 2),
        ("ad0102", 258),
        ("ae00010000", 65536),
    ],
)
def test_length_of_every_kind_is_read(header, size):
    """RFC 9580, 4.2: one, two and five octets, and the old format's one, two and four."""
    data = bytes.fromhex(header) + BODY[:size]
    assert _parts(data + b"\xca\x03PGP") == [(11, BODY[:size]), (10, b"PGP")]


@pytest.mark.parametrize("size", [0, 511, 512, 513, 1024, 5000])
def test_partial_lengths_are_joined(size):
    """A body in parts is one body, and the next packet begins behind its last part."""
    data = _partial(18, BODY[:size]) + b"\xca\x03PGP"
    assert _parts(data) == [(18, BODY[:size]), (10, b"PGP")]


def test_indeterminate_length_goes_to_the_end():
    """The old format's fourth kind: what follows is all body."""
    assert _parts(b"\xa3" + BODY) == [(8, BODY)]


def test_body_that_is_not_read_is_passed_over():
    """Whoever wants the kinds alone need not read the bodies."""
    data = _partial(18, BODY) + b"\xcb\xff" + len(BODY).to_bytes(4, "big") + BODY + b"\xca\x03PGP"
    assert [packet.kind for packet in packets(io.BytesIO(data))] == ["seipd", "literal", "marker"]


@given(st.lists(st.integers(1, 3000), max_size=12))
def test_body_read_piece_by_piece_is_the_body(sizes):
    """It does not matter how a body is asked for."""
    packet = next(packets(io.BytesIO(_partial(18, BODY[:20000], 10))))
    read = b"".join(packet.read(size) for size in sizes)
    assert read == BODY[: sum(sizes)][:20000]
    assert packet.read(1 << 20) == BODY[len(read) : 20000]


@pytest.mark.parametrize("data", [b"\xcb\x05hello", b"\xad\x00\x05hello", _partial(18, BODY[:600])])
def test_file_cut_off_anywhere_is_refused(data):
    """The end of the file may only stand between packets."""
    for end in range(1, len(data)):
        with pytest.raises(PgpError, match="ends in the middle of a packet"):
            _parts(data[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0b\x00", "no OpenPGP packet"),
        (b"\xc0\x00", "reserved type 0"),
        (b"\x80\x00", "reserved type 0"),
        (b"\xc1\xe9" + BODY, "no definite length"),
        (b"\x87" + BODY, "no definite length"),
    ],
)
def test_what_the_standard_forbids_is_refused(data, message):
    """RFC 9580, 4.2.1.4 and 5: only data comes in parts, and there is no type 0."""
    with pytest.raises(PgpError, match=message):
        _parts(data)


def test_take_wants_all_that_it_asks_for():
    """A body that is too short is malformed, and the error says whose."""
    packet = next(packets(io.BytesIO(b"\xc4\x02\x03\x01")))
    assert packet.number(1) == 3
    with pytest.raises(PgpError, match="malformed one-pass-signature packet: it is too short"):
        packet.take(2)


def test_kinds_have_names_or_numbers():
    """A type that is not known here is told by its number."""
    assert (kind_of(4), kind_of(33)) == ("one-pass-signature", "unknown (33)")


@pytest.mark.parametrize(
    "text",
    ["", "id,email\n", "\ufeffid,email\n", "État,Ville\n", "Ähre,Öl\n", "£,¥\n", "日本,東京\n"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "shift-jis"])
def test_text_does_not_begin_like_openpgp(text, encoding):
    """No CSV file is taken for a message."""
    assert not begins_openpgp(text.encode(encoding, "ignore"))


@pytest.mark.parametrize("first", "KM")
def test_encrypted_data_stands_first_in_no_file(first):
    """A capital of EBCDIC and fields that are set off by an octet 1 look like its packets."""
    assert not begins_openpgp(f"{first}H0\x01Mail\x01Place\n".encode("cp037"))


@given(st.binary(max_size=300))
def test_any_bytes_are_packets_or_an_error(data):
    """Nothing but `PgpError` comes out of a file, whatever is in it."""
    with contextlib.suppress(PgpError):
        _parts(data)
