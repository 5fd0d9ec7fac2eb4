"""Cells read one at a time: what a run proves itself by must itself be right, and must refuse."""

import base64
import math
import os
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
import tink
from hypothesis import given
from hypothesis import strategies as st
from tink import aead, daead, secret_key_access

from piienc.columns import ColumnCipher, is_value, to_cells
from piienc.core import CellDecryptor, ColumnKey
from piienc.keys import Mode, Prefix, generate
from piienc.keys.tink import dump

daead.register()
aead.register()

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "+05:30", "-03:15"])
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001  # naive on purpose
VALUES = {
    pa.string(): st.text(max_size=9),
    pa.large_string(): st.text(max_size=9),
    pa.binary(): st.binary(max_size=9),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.int8(): st.integers(-128, 127),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): st.floats(width=16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.decimal128(20, 7): st.decimals(-(10**9), 10**9, places=7),
    pa.decimal256(60, 0): st.decimals(-(10**30), 10**30, places=0),
    pa.date32(): st.dates(date(1, 1, 1)),
    pa.date64(): st.dates(date(1, 1, 1)),
    pa.timestamp("s"): MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
    pa.timestamp("us"): MOMENTS,
    pa.time32("ms"): st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
    pa.time64("us"): st.times(),
    pa.time64("ns"): st.times(),
    pa.duration("ms"): st.integers(-(2**60), 2**60),
    pa.dictionary(pa.int8(), pa.string()): st.text(max_size=9),
}


def _array(values, kind):
    return (
        pa.array(values, kind.value_type).dictionary_encode()
        if _is_dict(kind)
        else pa.array(values, kind)
    )


def _is_dict(kind):
    return pa.types.is_dictionary(kind)


def _text(array):
    cell = to_cells(array, "a").to_pylist()[0]
    return cell.encode() if isinstance(cell, str) else cell


@pytest.mark.parametrize("kind", VALUES, ids=str)
@given(data=st.data())
def test_text_says_its_own_value_and_no_other(kind, data):
    """Of two values, the text of the one says the other only if they are the same."""
    one, other = data.draw(VALUES[kind]), data.draw(VALUES[kind])
    mine, others = _array([one], kind), _array([other], kind)
    text = _text(mine)
    assert is_value(text, mine[0])
    assert is_value(text, others[0]) == (text == _text(others))


@given(MOMENTS, ZONES, st.sampled_from(["s", "ms", "us", "ns"]), st.integers(-(10**17), 10**17))
def test_timestamp_of_any_zone_and_unit_says_its_moment(moment, zone, unit, ticks):
    """Offsets, fractions, and moments before 1970 are read as they are written."""
    kind = pa.timestamp(unit, zone)
    bound = 10**17 if unit == "ns" else 10**9
    array = pa.array([ticks % bound if unit != "ns" else ticks], pa.int64()).cast(kind)
    text = _text(array)
    assert is_value(text, array[0])
    later = pa.array([array[0].value + 1], pa.int64()).cast(kind)
    assert not is_value(text, later[0])
    if unit == "us" and moment.year > 1:
        aware = pa.array([moment.replace(tzinfo=UTC)], kind)
        assert is_value(_text(aware), aware[0])


def test_value_is_said_by_any_spelling_of_it_and_by_no_other():
    """Other programs write leading zeros, capitals, blanks and offsets in their own way."""
    noon = pa.array([43_200_000], pa.int64()).cast(pa.timestamp("ms", "UTC"))[0]
    assert is_value(b"0042", pa.scalar(42))
    assert is_value(b"TRUE", pa.scalar(True))  # noqa: FBT003  # a cell
    assert is_value(b"1.50", pa.scalar(Decimal("1.5")))
    assert is_value(b"1970-01-01 13:00:00+0100", noon)
    assert is_value(b"1970-01-01T11:30:00.000-00:30", noon)
    assert not is_value(b"1970-01-01T12:00:00", noon)
    assert not is_value(b"1970-01-01T12:00:00.001Z", noon)
    assert not is_value(b"0043", pa.scalar(42))
    assert not is_value(b"FALSE", pa.scalar(True))  # noqa: FBT003  # a cell
    assert not is_value(b"1.51", pa.scalar(Decimal("1.5")))
    assert not is_value(b"no number", pa.scalar(1.5))
    assert not is_value(b"0.0", pa.scalar(-0.0))
    assert not is_value(b"1", pa.scalar(math.nan))
    assert not is_value(b"x", pa.scalar([1]))
    assert is_value(b"nan", pa.scalar(math.nan))
    assert is_value(b"12:30:00", pa.scalar(time(12, 30)))
    assert is_value(b"1000", pa.scalar(timedelta(milliseconds=1)))


def _decryptor(keyset, context):
    keys = [
        ColumnKey(str(keyset.mode), key.material, context.encode(), key.output_prefix)
        for key in keyset.enabled
    ]
    return CellDecryptor(keys)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", [True, False])
@given(value=st.binary(max_size=40), prefix=st.sampled_from(list(Prefix)))
def test_cell_is_opened_as_tink_and_the_core_have_sealed_it(mode, text, value, prefix):
    """And by nobody who has another context or key, or a cell that was changed."""
    keyset = generate(mode, prefix)
    handle = tink.json_proto_keyset_format.parse(dump(keyset), secret_key_access.TOKEN)
    made = [
        handle.primitive(daead.DeterministicAead).encrypt_deterministically(value, b"mail")
        if mode is Mode.SEARCHABLE
        else handle.primitive(aead.Aead).encrypt(value, b"mail")
    ]
    made += (
        ColumnCipher(keyset, "mail", text=False, label="a").encrypt(pa.array([value])).to_pylist()
    )
    mine = _decryptor(keyset, "mail")
    others = [_decryptor(keyset, "other"), _decryptor(generate(mode, prefix), "mail")]
    for cell in made:
        stored = base64.b64encode(cell) if text else cell
        assert mine.decrypt(stored, text=text) == value
        assert [other.decrypt(stored, text=text) for other in others] == [None, None]
        place = os.urandom(1)[0] % len(cell)
        changed = cell[:place] + bytes([cell[place] ^ 1]) + cell[place + 1 :]
        assert mine.decrypt(base64.b64encode(changed) if text else changed, text=text) is None


def test_cell_in_another_spelling_of_base64_is_not_opened():
    """Line breaks, missing padding and unused bits make other text of the same bytes."""
    keyset = generate(Mode.SEARCHABLE)
    cell = ColumnCipher(keyset, "a", text=True, label="a").encrypt(pa.array(["xy"])).to_pylist()[0]
    stored = cell.encode()
    mine = _decryptor(keyset, "a")
    assert mine.decrypt(stored, text=True) == b"xy"
    for spelling in (stored + b"\n", stored.rstrip(b"="), b" " + stored, stored[:-2] + b"==", b""):
        assert mine.decrypt(spelling, text=True) is None or spelling == stored
