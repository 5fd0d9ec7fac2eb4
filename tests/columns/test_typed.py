"""Every type comes back exactly, in the text that is promised."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.columns import ColumnCipher, from_cells, is_text, to_cells
from piienc.errors import InputError
from piienc.keys import Mode, generate

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ZONES = [None, "UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "+05:30", "-03:00"]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST_DAY = (dt.date.min - EPOCH.date()).days
LAST_DAY = (dt.date.max - EPOCH.date()).days
FIRST_SECOND, LAST_SECOND = 86_400 * FIRST_DAY, 86_400 * (LAST_DAY + 1) - 1
KEYSET = generate(Mode.SEARCHABLE)

INTEGERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [
    pa.decimal32(9, 2),
    pa.decimal64(18, 4),
    pa.decimal128(38, 10),
    pa.decimal128(20, 0),
    pa.decimal128(5, -3),
    pa.decimal128(5, 10),
    pa.decimal256(76, 76),
    pa.decimal256(50, -20),
]
DATES = [pa.date32(), pa.date64()]
TIMESTAMPS = [pa.timestamp(unit, zone) for unit in UNITS for zone in ZONES]
TIMES = [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
DURATIONS = [pa.duration(unit) for unit in UNITS]
STRINGS = [pa.string(), pa.large_string(), pa.string_view()]
BINARIES = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3), pa.binary(0)]
DICTIONARIES = [
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint16(), pa.large_string()),
    pa.dictionary(pa.int32(), pa.int64()),
    pa.dictionary(pa.int64(), pa.binary()),
    pa.dictionary(pa.int32(), pa.string(), ordered=True),
    pa.dictionary(pa.int32(), pa.date32()),
    pa.dictionary(pa.int32(), pa.float64()),
    pa.dictionary(pa.int32(), pa.timestamp("us", "UTC")),
]
PLAIN = [pa.bool_(), *INTEGERS, *FLOATS, *DECIMALS, *DATES, *TIMESTAMPS, *TIMES, *DURATIONS]
TYPES = [*PLAIN, *STRINGS, *BINARIES, *DICTIONARIES]
of_type = pytest.mark.parametrize("kind", TYPES, ids=str)


def numbers(kind, values):
    """An array of the numbers that Arrow stores for dates, times and the like."""
    stored = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array(values, stored).view(kind)


def decimals(kind, unscaled):
    """An array of decimals by their digits alone; the type tells where the point stands."""
    valid = np.packbits(np.array([n is not None for n in unscaled], bool), bitorder="little")
    width = kind.bit_width // 8
    data = b"".join((number or 0).to_bytes(width, "little", signed=True) for number in unscaled)
    return pa.Array.from_buffers(kind, len(unscaled), [pa.py_buffer(valid), pa.py_buffer(data)])


def scaled(kind, number):
    return Decimal((number < 0, tuple(map(int, str(abs(number)))), -kind.scale))


def floats(kind, bits):
    """An array of the floats that have these bits."""
    unsigned = np.dtype(f"u{kind.bit_width // 8}")
    return pa.array(np.array(bits, unsigned).view(kind.to_pandas_dtype()), from_pandas=False)


def restored(array, label="column"):
    return from_cells(to_cells(array, label), array.type, label)


def identical(one, other):
    """The same type and values, to the bit."""
    if one.type != other.type or not one.is_valid().equals(other.is_valid()):
        return False
    if pa.types.is_floating(one.type):
        width = f"u{one.type.bit_width // 8}"
        bits = [each.drop_null().to_numpy().view(width).tolist() for each in (one, other)]
        return bits[0] == bits[1]
    if pa.types.is_dictionary(one.type):
        return identical(one.dictionary_decode(), other.dictionary_decode())
    return one.equals(other)


def some_integers(kind):
    limits = np.iinfo(kind.to_pandas_dtype())
    return pa.array([limits.min, None, 0, limits.max], kind)


def some_floats(kind):
    values = [0.1, -0.0, 0.0, float("nan"), float("inf"), -float("inf"), 1.5, 6e-8]
    return pa.array(np.array(values, kind.to_pandas_dtype()), from_pandas=False)


def some_decimals(kind):
    most = 10**kind.precision - 1
    return decimals(kind, [0, 1, None, -1, most, -most])


def some_dates(kind):
    return pa.array([dt.date.min, None, dt.date(1969, 12, 31), dt.date.max], kind)


def some_timestamps(kind):
    second = UNITS[kind.unit]
    return numbers(kind, [0, None, -1, 1_700_000_000 * second + 123 % second, -500_000_000])


def some_times(kind):
    return numbers(kind, [0, None, 86_400 * UNITS[kind.unit] - 1, 3661])


def some_dictionary(kind):
    values = sample(kind.value_type).drop_null().unique()
    index = pa.array([0, None, len(values) - 1, 0], kind.index_type)
    return pa.DictionaryArray.from_arrays(index, values, ordered=kind.ordered)


SAMPLES = [
    (pa.types.is_dictionary, some_dictionary),
    (pa.types.is_boolean, lambda kind: pa.array([True, None, False], kind)),
    (pa.types.is_integer, some_integers),
    (pa.types.is_floating, some_floats),
    (pa.types.is_decimal, some_decimals),
    (pa.types.is_date, some_dates),
    (pa.types.is_timestamp, some_timestamps),
    (pa.types.is_time, some_times),
    (pa.types.is_duration, lambda kind: numbers(kind, [0, None, -1, 2**63 - 1, -(2**63)])),
    (pa.types.is_fixed_size_binary, lambda k: pa.array([b"\xff\0a"[: k.byte_width], None], k)),
    (is_text, lambda kind: pa.array(["", None, "ada", "é🔑\0" * 20, "1"], kind)),
    (lambda _: True, lambda kind: pa.array([b"", None, b"\xff\xfe" * 30, b"ada"], kind)),
]


def sample(kind):
    """Some values of a type, its limits among them, and a null."""
    return next(make(kind) for concerns, make in SAMPLES if concerns(kind))


@of_type
def test_type_comes_back_exactly(kind):
    """Values at their limits, nulls, and the type itself are restored."""
    array = sample(kind)
    assert array.type == kind
    assert identical(restored(array), array)


@of_type
@pytest.mark.parametrize("text", [True, False], ids=["base64", "raw"])
def test_type_encrypted_comes_back_exactly(kind, text):
    """The same through encryption, in both forms of storage."""
    array = sample(kind)
    cipher = ColumnCipher(KEYSET, "column", text=text, label="column")
    cells = cipher.decrypt(cipher.encrypt(to_cells(array, "column")), text=is_text(kind))
    assert identical(from_cells(cells, kind, "column"), array)


@of_type
def test_type_without_values_comes_back_exactly(kind):
    """Empty arrays and nulls alone keep their type."""
    for array in (pa.nulls(0, kind), pa.nulls(3, kind)):
        cells = to_cells(array, "column")
        assert cells.null_count == len(cells) == len(array)
        assert cells.type in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
        assert identical(from_cells(cells, kind, "column"), array)


@of_type
def test_type_sliced_comes_back_as_the_slice(kind):
    """An array that begins within its buffers is read from where it begins."""
    array = sample(kind)
    for part in (array.slice(1), array.slice(1, 1), array.slice(len(array))):
        cells = to_cells(part, "column")
        assert cells.equals(to_cells(array, "column").slice(part.offset, len(part)))
        assert identical(from_cells(cells, kind, "column"), part)


@of_type
def test_is_text_tells_the_kind_of_cells(kind):
    """Whoever decrypts knows from the type whether to expect text."""
    cells = to_cells(sample(kind), "column")
    assert is_text(kind) == (cells.type in (pa.string(), pa.large_string()))


def test_is_text_of_uuids_is_true():
    """They are stored as bytes, and written as everybody writes them."""
    assert is_text(pa.uuid())
    assert not is_text(pa.uuid().storage_type)


@pytest.mark.parametrize("kind", BINARIES, ids=str)
def test_is_text_of_bytes_is_false(kind):
    """Bytes alone are no text, in a dictionary neither."""
    assert not is_text(kind)
    assert not is_text(pa.dictionary(pa.int32(), kind))


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([-128, 0, 127], pa.int8()), ["-128", "0", "127"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([1e300, 0.1, 1.0, -0.0]), ["1e+300", "0.1", "1", "-0"]),
        (pa.array([0.1, 16777216.0], pa.float32()), ["0.1", "16777216"]),
        (pa.array([1.5, -2.0, 65504.0], pa.float16()), ["1.5", "-2", "65504"]),
        (pa.array([np.float16(0.1)]), [str(np.float32(np.float16(0.1)))]),
        (
            decimals(pa.decimal128(10, 7), [1, -1, 10**9]),
            ["0.0000001", "-0.0000001", "100.0000000"],
        ),
        (decimals(pa.decimal128(38, 10), [1, 0]), ["0.0000000001", "0.0000000000"]),
        (decimals(pa.decimal128(9, 2), [1234567, 100, 0]), ["12345.67", "1.00", "0.00"]),
        (decimals(pa.decimal128(5, -3), [123, -1, 0]), ["123000", "-1000", "0"]),
        (
            pa.array([dt.date(1, 1, 1), dt.date(2023, 2, 3), dt.date(9999, 12, 31)]),
            ["0001-01-01", "2023-02-03", "9999-12-31"],
        ),
        (numbers(pa.date64(), [86_400_000]), ["1970-01-02"]),
        (numbers(pa.timestamp("s"), [1_700_000_000]), ["2023-11-14T22:13:20"]),
        (numbers(pa.timestamp("ms"), [-1]), ["1969-12-31T23:59:59.999"]),
        (numbers(pa.timestamp("us"), [0]), ["1970-01-01T00:00:00.000000"]),
        (numbers(pa.timestamp("ns"), [-1]), ["1969-12-31T23:59:59.999999999"]),
        (
            numbers(pa.timestamp("ms", "Asia/Kolkata"), [1_700_000_000_123]),
            ["2023-11-15T03:43:20.123+05:30"],
        ),
        (
            numbers(pa.timestamp("ms", "+05:30"), [1_700_000_000_123]),
            ["2023-11-15T03:43:20.123+05:30"],
        ),
        (numbers(pa.timestamp("s", "UTC"), [0]), ["1970-01-01T00:00:00+00:00"]),
        (numbers(pa.timestamp("s", "America/New_York"), [0]), ["1969-12-31T19:00:00-05:00"]),
        (
            # The hour that comes twice when summer time ends.
            numbers(pa.timestamp("s", "Europe/Berlin"), [1_698_539_400, 1_698_543_000]),
            ["2023-10-29T02:30:00+02:00", "2023-10-29T02:30:00+01:00"],
        ),
        (
            # The hour that is left out when it begins.
            numbers(pa.timestamp("s", "Europe/Berlin"), [1_679_792_399, 1_679_792_400]),
            ["2023-03-26T01:59:59+01:00", "2023-03-26T03:00:00+02:00"],
        ),
        (numbers(pa.time32("s"), [0, 86_399]), ["00:00:00", "23:59:59"]),
        (numbers(pa.time32("ms"), [1]), ["00:00:00.001"]),
        (numbers(pa.time64("us"), [1]), ["00:00:00.000001"]),
        (numbers(pa.time64("ns"), [86_399_999_999_999]), ["23:59:59.999999999"]),
        (numbers(pa.duration("ms"), [-1500]), ["-1500"]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), ["b", "a", "b"]),
        (pa.array([7, 7]).dictionary_encode(), ["7", "7"]),
        (pa.array(["", "é"], pa.string_view()), ["", "é"]),
    ],
    ids=lambda part: str(part.type) if isinstance(part, pa.Array) else "",
)
def test_text_of_a_type_is_the_promised_one(array, texts):
    """SQL casts these texts back, and a receiver relies on them."""
    assert to_cells(array, "column").to_pylist() == texts
    assert identical(restored(array), array)


@pytest.mark.parametrize("kind", BINARIES, ids=str)
def test_bytes_stay_what_they_are(kind):
    """Bytes are encrypted raw, not as hex and not as base64."""
    array = sample(kind)
    assert to_cells(array, "column").to_pylist() == array.to_pylist()


@given(data=st.data(), kind=st.sampled_from(INTEGERS))
def test_integer_comes_back_exactly(data, kind):
    """The law for integers: decimal digits, nothing else."""
    limits = np.iinfo(kind.to_pandas_dtype())
    values = data.draw(st.lists(st.none() | st.integers(int(limits.min), int(limits.max))))
    array = pa.array(values, kind)
    assert to_cells(array, "column").to_pylist() == [v if v is None else str(v) for v in values]
    assert identical(restored(array), array)


def canonical(kind):
    """The bits of any float of a type but a NaN other than NumPy's."""
    nan = np.array([np.nan], kind.to_pandas_dtype())
    width = kind.bit_width
    quiet = int(nan.view(f"u{width // 8}")[0])

    def is_plain(bits):
        return not np.isnan(np.array([bits], f"u{width // 8}").view(nan.dtype)[0])

    infinity = {16: 0x7C00, 32: 0x7F80_0000, 64: 0x7FF0_0000_0000_0000}[width]
    special = [0, 1, 1 << width - 1, infinity, infinity | 1 << width - 1, infinity - 1, quiet]
    return st.sampled_from(special) | st.integers(0, 2**width - 1).filter(is_plain)


@given(data=st.data(), kind=st.sampled_from(FLOATS))
def test_float_comes_back_to_the_bit(data, kind):
    """The law for floats: infinities, zeros of both signs, subnormals, NaN."""
    array = floats(kind, data.draw(st.lists(canonical(kind))))
    assert identical(restored(array), array)


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_float64_is_written_in_its_shortest_form(values):
    """No more digits than are needed to read the same bits again."""
    texts = to_cells(pa.array(values, pa.float64()), "column").to_pylist()
    assert [Decimal(text) for text in texts] == [Decimal(repr(value)) for value in values]


@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_float32_is_written_in_its_shortest_form(values):
    """The same for the digits of a float of half the width."""
    texts = to_cells(pa.array(values, pa.float32()), "column").to_pylist()
    shortest = [np.format_float_scientific(np.float32(value)) for value in values]
    assert [Decimal(text) for text in texts] == [Decimal(text) for text in shortest]


WIDTHS = {pa.decimal32: 9, pa.decimal64: 18, pa.decimal128: 38, pa.decimal256: 76}


@given(data=st.data(), make=st.sampled_from(list(WIDTHS)))
def test_decimal_comes_back_exactly(data, make):
    """The law for decimals: all digits, the type's scale, never an exponent."""
    precision = data.draw(st.integers(1, WIDTHS[make]))
    # Arrow reads digits back only where they, and the zeros behind them, fit the width.
    kind = make(precision, data.draw(st.integers(precision - WIDTHS[make], precision)))
    most = 10**precision - 1
    unscaled = data.draw(st.lists(st.none() | st.integers(-most, most)))
    array = decimals(kind, unscaled)
    for text, number in zip(to_cells(array, "column").to_pylist(), unscaled, strict=True):
        assert (text is None) == (number is None)
        if text is not None:
            assert text.strip("-").replace(".", "").isdecimal()
            assert len(text.partition(".")[2]) == max(0, kind.scale)
            assert Decimal(text) == scaled(kind, number)
    assert identical(restored(array), array)


@given(days=st.lists(st.none() | st.dates()), kind=st.sampled_from(DATES))
def test_date_comes_back_exactly(days, kind):
    """The law for dates: ISO 8601, with four digits for a year."""
    array = pa.array(days, kind)
    expected = [day if day is None else day.isoformat() for day in days]
    assert to_cells(array, "column").to_pylist() == expected
    assert identical(restored(array), array)


@given(data=st.data(), kind=st.sampled_from(TIMESTAMPS))
def test_timestamp_comes_back_exactly(data, kind):
    """The law for timestamps, since zones have offsets of whole minutes."""
    second = UNITS[kind.unit]
    century = -840_000_000 if kind.tz and "/" in kind.tz else FIRST_SECOND + 86_400
    first = max(century * second, -(2**63) + 86_400 * 10**9)
    last = min((LAST_SECOND - 86_400) * second, 2**63 - 1 - 86_400 * 10**9)
    array = numbers(kind, data.draw(st.lists(st.none() | st.integers(first, last))))
    cells = to_cells(array, "column")
    for text, value in zip(cells.to_pylist(), array.cast(pa.int64()).to_pylist(), strict=True):
        if text is not None:
            whole, _, _ = text.partition(".")
            read = dt.datetime.fromisoformat(whole[:19] + (text[-6:] if kind.tz else "+00:00"))
            assert read - EPOCH == dt.timedelta(seconds=value // second)
    assert identical(from_cells(cells, kind, "column"), array)


@given(data=st.data(), kind=st.sampled_from(TIMES + DURATIONS))
def test_time_and_duration_come_back_exactly(data, kind):
    """The law for times of a day and for spans of time."""
    day = 86_400 * UNITS[kind.unit]
    whole = st.integers(-(2**63), 2**63 - 1)
    value = whole if pa.types.is_duration(kind) else st.integers(0, day - 1)
    array = numbers(kind, data.draw(st.lists(st.none() | value)))
    assert identical(restored(array), array)


@given(
    values=st.lists(st.none() | st.text(max_size=20)),
    index=st.sampled_from([pa.int8(), pa.uint8(), pa.int64()]),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
)
def test_dictionary_comes_back_with_its_types(values, index, kind):
    """A dictionary-encoded column is one again, with the index and values it had."""
    encoded = pa.array(values, kind).dictionary_encode()
    array = encoded.cast(pa.dictionary(index, kind))
    assert to_cells(array, "column").to_pylist() == values
    assert identical(restored(array), array)


def test_dictionary_with_unused_and_null_values_comes_back():
    """What a dictionary holds beside what is used makes no difference."""
    index = pa.array([2, None, 0, 3], pa.int8())
    array = pa.DictionaryArray.from_arrays(index, pa.array(["b", "unused", "a", None]))
    assert to_cells(array, "column").to_pylist() == ["a", None, "b", None]
    assert restored(array).to_pylist() == ["a", None, "b", None]
    assert restored(array).type == array.type


@pytest.mark.parametrize(
    "array",
    [
        *(numbers(kind, [n]) for kind in (pa.date32(),) for n in (-(2**31), 2**31 - 1)),
        numbers(pa.date32(), [FIRST_DAY - 1]),
        numbers(pa.date32(), [0, LAST_DAY + 1]),
        numbers(pa.date64(), [(LAST_SECOND + 1) * 1000]),
        *(numbers(pa.timestamp("s", zone), [FIRST_SECOND - 86_400]) for zone in ZONES),
        *(numbers(pa.timestamp("s", zone), [0, LAST_SECOND + 86_400]) for zone in ZONES),
        numbers(pa.timestamp("s"), [FIRST_SECOND - 1]),
        numbers(pa.timestamp("s"), [LAST_SECOND + 1]),
        numbers(pa.timestamp("ms", "UTC"), [FIRST_SECOND * 1000 - 1]),
        numbers(pa.timestamp("us"), [None, (LAST_SECOND + 1) * 10**6]),
        numbers(pa.timestamp("s", "+05:30"), [LAST_SECOND]),
        numbers(pa.timestamp("s", "-03:00"), [FIRST_SECOND]),
        *(numbers(pa.timestamp(unit), [2**63 - 1]) for unit in ("s", "ms", "us")),
        *(numbers(pa.timestamp(unit), [-(2**63)]) for unit in ("s", "ms", "us")),
    ],
    ids=lambda array: f"{array.type}",
)
def test_date_outside_of_the_years_1_to_9999_is_refused(array):
    """There is no ISO 8601 text for it, so it is refused before anything is encrypted."""
    with pytest.raises(InputError, match="column holds a date outside of the years"):
        to_cells(array, "column")


@pytest.mark.parametrize(
    "array",
    [
        numbers(pa.timestamp("s"), [FIRST_SECOND, LAST_SECOND]),
        numbers(pa.timestamp("ms", "UTC"), [FIRST_SECOND * 1000, LAST_SECOND * 1000 + 999]),
        numbers(pa.timestamp("us", "+05:30"), [(LAST_SECOND - 19_800) * 10**6 + 999_999]),
        numbers(pa.timestamp("s", "-03:00"), [FIRST_SECOND + 10_800, LAST_SECOND + 10_800]),
        numbers(pa.timestamp("ns"), [2**63 - 1, -(2**63) + 10**9]),
    ],
    ids=lambda array: f"{array.type}",
)
def test_timestamp_at_the_ends_of_its_range_comes_back(array):
    """The first and the last moment that has a text are not refused."""
    assert identical(restored(array), array)


NESTED = [
    pa.list_(pa.string()),
    pa.large_list(pa.string()),
    pa.list_(pa.string(), 2),
    pa.list_view(pa.string()),
    pa.struct([("a", pa.string())]),
    pa.map_(pa.string(), pa.string()),
    pa.run_end_encoded(pa.int32(), pa.string()),
    pa.month_day_nano_interval(),
]


@pytest.mark.parametrize("kind", NESTED, ids=str)
def test_nested_type_is_refused(kind):
    """What is no plain value is refused by the name of its type, empty or not."""
    for array in (pa.nulls(2, kind), pa.nulls(0, kind)):
        with pytest.raises(InputError, match="column has the type") as caught:
            to_cells(array, "column")
        assert str(kind) in str(caught.value)


def test_union_type_is_refused():
    """So is a union, whatever it is made of."""
    types, values = pa.array([0], pa.int8()), [pa.array(["a"])]
    with pytest.raises(InputError, match="column has the type"):
        to_cells(pa.UnionArray.from_sparse(types, values), "column")


CANARY = "canary-7f3a"
OF_NO_TYPE = [
    *((kind, [CANARY, "", " ", "1.5", "1e3", "1_000", "٣", "true", "--1"]) for kind in INTEGERS),
    (pa.int8(), ["128", "-129"]),
    (pa.uint8(), ["-1", "256"]),
    (pa.uint64(), ["18446744073709551616"]),
    *((kind, [CANARY, "", "1,5", "1.5x", "true"]) for kind in FLOATS),
    *((kind, [CANARY, "", "1,5", "nan"]) for kind in DECIMALS),
    (pa.decimal128(5, 2), ["1.234", "10000.00"]),
    (pa.bool_(), [CANARY, "", "yes", "2", "truth"]),
    *((kind, [CANARY, "", "2023-13-01", "2023-02-30", "14.02.2023", "2023-1-1"]) for kind in DATES),
    (pa.date32(), ["2023-01-01T00:00:00"]),
    *((kind, [CANARY, "", "2023-02-30T00:00:00", "2023-01-01T25:00:00"]) for kind in TIMESTAMPS),
    (pa.timestamp("s"), ["2023-01-01T00:00:00.5", "2023-01-01T00:00:00Z"]),
    (pa.timestamp("ms"), ["2023-01-01T00:00:00.1234"]),
    (pa.timestamp("s", "UTC"), ["2023-01-01T00:00:00"]),
    (pa.timestamp("ns"), ["2263-01-01T00:00:00.000000000"]),
    *((kind, [CANARY, "", "24:00:00", "-1", "12:60:00", "2023-01-01"]) for kind in TIMES),
    (pa.time32("s"), ["12:00:00.5", "12:00:00+05:30"]),
    *((kind, [CANARY, "", "1.5", "9223372036854775808"]) for kind in DURATIONS),
    (pa.binary(3), [b"", b"ab", CANARY.encode()]),
    (pa.dictionary(pa.int32(), pa.int64()), [CANARY, ""]),
    (pa.float64(), ["1e400", "-1e400"]),
    (pa.float32(), ["1e39"]),
    (pa.float16(), ["70000"]),
]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        pytest.param(kind, cell, id=f"{kind}-{cell!a}")
        for kind, cells in OF_NO_TYPE
        for cell in cells
    ],
)
def test_cell_that_is_not_of_its_type_is_refused(kind, cell):
    """Decryption restores a type or stops; the message names column and type only."""
    import traceback

    good = to_cells(sample(kind), "column").drop_null()
    array = pa.concat_arrays([good, pa.array([cell], good.type)])
    with pytest.raises(InputError) as caught:
        from_cells(array, kind, "column")
    assert str(caught.value) == f"column: a decrypted cell is no {kind}"
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert CANARY not in shown


@pytest.mark.parametrize(
    ("zone", "second"),
    [
        pytest.param("Europe/Berlin", -3_000_000_000, id="+00:53:28"),
        pytest.param("Asia/Kolkata", -3_000_000_000, id="+05:21:10"),
        pytest.param("Africa/Monrovia", 0, id="-00:44:30"),
        pytest.param("Europe/Amsterdam", -1_500_000_000, id="+00:19:32"),
    ],
)
def test_timestamp_of_an_offset_with_seconds_comes_back_exactly(zone, second):
    """Local mean time had offsets of odd seconds, and a birthday of 1922 may have one."""
    array = numbers(pa.timestamp("s", zone), [second])
    assert identical(restored(array), array)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_float_nan_of_other_bits_comes_back_as_nan(kind):
    """A NaN with its sign set, as 0.0/0.0 gives it on x86, is `nan` like every other."""
    array = floats(kind, [{16: 0xFE00, 32: 0xFFC0_0000, 64: 0xFFF8_0000_0000_0000}[kind.bit_width]])
    assert to_cells(array, "column").to_pylist() == ["nan"]
    assert np.isnan(restored(array).to_numpy(zero_copy_only=False)).all()


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_timestamp_of_a_year_far_beyond_9999_is_refused(unit, zone):
    """2^32 days after 1970 there is no ISO 8601 either."""
    array = numbers(pa.timestamp(unit, zone), [2**32 * 86_400 * UNITS[unit]])
    with pytest.raises(InputError, match="outside of the years"):
        to_cells(array, "column")


@pytest.mark.parametrize(("zone", "value"), [("+05:30", 2**63 - 1), ("-03:00", -(2**63) + 10**9)])
def test_timestamp_ns_whose_local_time_does_not_fit_comes_back_or_is_refused(zone, value):
    """At the ends of the nanoseconds' range nothing may become another moment."""
    array = numbers(pa.timestamp("ns", zone), [value])
    try:
        cells = to_cells(array, "column")
    except InputError:
        return
    assert identical(from_cells(cells, array.type, "column"), array)


def test_timestamp_ns_at_its_very_first_comes_back_or_is_refused():
    """What is encrypted can be decrypted again."""
    array = numbers(pa.timestamp("ns"), [-(2**63)])
    try:
        cells = to_cells(array, "column")
    except InputError:
        return
    assert identical(from_cells(cells, array.type, "column"), array)


@pytest.mark.parametrize("value", [86_400, -1])
def test_time_outside_of_a_day_is_refused(value):
    """A value out of its range is told of before it is encrypted."""
    with pytest.raises(InputError):
        to_cells(numbers(pa.time32("s"), [value]), "column")


@pytest.mark.parametrize("value", [86_400_005, 2**32 * 86_400_000])
def test_date64_that_is_no_whole_day_is_refused(value):
    """Arrow lets such values in; they have no text, or none of four digits."""
    with pytest.raises(InputError):
        to_cells(numbers(pa.date64(), [value]), "column")


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view()], ids=str)
def test_dictionary_of_views_comes_back_or_is_refused(kind):
    """A type that cannot be encrypted is refused by its name."""
    array = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["ada"]).cast(kind))
    try:
        cells = to_cells(array, "column")
    except InputError:
        return
    assert identical(from_cells(cells, array.type, "column"), array)


def test_value_whose_text_reads_back_as_another_one_is_refused():
    """Whatever Arrow may do one day: here, it writes integers as it never reads them back."""

    def integers(*texts):
        return SimpleNamespace(type=pa.int64(), cast=lambda kind: pa.array(texts, kind))

    assert to_cells(integers("0", "1"), "column").to_pylist() == ["0", "1"]
    with pytest.raises(InputError) as caught:
        to_cells(integers("0", "01"), "column n")
    assert str(caught.value) == "column n holds a value that no text restores to the type int64"


def test_timestamp_of_an_unknown_zone_is_refused():
    """A zone that this machine does not know is a fault of the input, not a bug."""
    with pytest.raises(InputError):
        to_cells(numbers(pa.timestamp("s", "Mars/Phobos"), [0]), "column")


def test_null_type_comes_back():
    """Writers give a column without any value the type null: there is nothing to encrypt."""
    array = pa.nulls(3)
    assert identical(restored(array), array)
