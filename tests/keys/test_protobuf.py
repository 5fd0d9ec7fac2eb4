from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from piienc.errors import KeyAccessError
from piienc.keys import protobuf


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


FIELDS = st.integers(4, 2**29 - 1)
FIXED = st.tuples(FIELDS, st.sampled_from([(1, 8), (5, 4)])).map(
    lambda drawn: varint(drawn[0] << 3 | drawn[1][0]) + bytes(drawn[1][1])
)
NUMBER = st.tuples(FIELDS, st.integers(0, 2**64 - 1)).map(
    lambda drawn: varint(drawn[0] << 3) + varint(drawn[1])
)
STRING = st.tuples(FIELDS, st.binary(max_size=300)).map(
    lambda drawn: varint(drawn[0] << 3 | 2) + varint(len(drawn[1])) + drawn[1]
)


def _group(inner):
    return st.tuples(FIELDS, st.lists(inner, max_size=3)).map(
        lambda drawn: varint(drawn[0] << 3 | 3) + b"".join(drawn[1]) + varint(drawn[0] << 3 | 4)
    )


UNKNOWN = st.recursive(FIXED | NUMBER | STRING, _group, max_leaves=5)


@given(st.lists(UNKNOWN), st.lists(UNKNOWN), st.binary(max_size=127))
def test_read_field_among_unknown_ones_is_found(before, after, value):
    """Unknown fields of any wire type, before and after, do not hide a known one."""
    data = b"".join(before) + protobuf.write_bytes(3, value) + b"".join(after)
    assert protobuf.read(data).strings[3] == value


@given(st.permutations([b"\x08\x00", b"\x12\x01a", b"\x1a\x01b"]))
def test_read_fields_in_any_order_gives_the_same_message(fields):
    """The order of fields has no meaning."""
    message = protobuf.read(b"".join(fields))
    assert message == protobuf.ProtobufMessage({1: 0}, {2: b"a", 3: b"b"})


def test_read_field_twice_gives_the_last_value():
    """As protobuf demands, the last value of a field counts."""
    assert protobuf.read(b"\x12\x01a\x12\x01b").strings == {2: b"b"}


def test_read_field_inside_a_group_is_not_the_messages():
    """A group's fields are not the message's."""
    assert protobuf.read(b"\x23\x12\x01a\x24").strings == {}


@given(UNKNOWN, st.data())
def test_read_truncated_field_is_refused(field, data):
    """A message cut inside a field is not read."""
    cut = data.draw(st.integers(1, len(field) - 1))
    with pytest.raises(KeyAccessError, match="truncated or malformed"):
        protobuf.read(field[:cut])


@pytest.mark.parametrize(
    "data",
    [
        b"\x02\x00",  # field 0
        b"\x0e" + bytes(4),  # wire type 6
        b"\x0f" + bytes(4),  # wire type 7
        b"\x24",  # the end of a group that never began
        b"\x23\x2c",  # the end of another group
        b"\x08" + b"\xff" * 10 + b"\x00",  # a number of 11 bytes
        b"\x08" + b"\xff" * 10,  # the same, cut off
        b"\x12" + b"\xff" * 9 + b"\x01",  # a length of nearly 2^64
        b"\xff\xff\xff\xff\x7f\x00",  # a field number above 2^29-1
        varint(2**29 << 3) + b"\x00",  # the first above
    ],
)
def test_read_malformed_message_is_refused(data):
    """What no protobuf writer makes is not read."""
    with pytest.raises(KeyAccessError, match="truncated or malformed"):
        protobuf.read(data)


def test_read_deeply_nested_groups_are_passed_over():
    """Nesting costs no stack."""
    assert protobuf.read(b"\x23" * 100_000 + b"\x24" * 100_000) == protobuf.ProtobufMessage({}, {})


@given(st.integers(0, 2**64 - 1))
@example(2**64 - 1)  # ten bytes, the most that a number has
def test_read_number_of_any_length_is_what_was_written(number):
    """Seven bits to a byte, the least first."""
    data = varint(1 << 3) + varint(number)
    assert protobuf.read(data) == protobuf.ProtobufMessage({1: number}, {})


def test_read_largest_field_number_is_read():
    """A field's number has at most 29 bits, as protobuf says."""
    data = varint((2**29 - 1) << 3) + b"\x05"
    assert protobuf.read(data).numbers == {2**29 - 1: 5}
