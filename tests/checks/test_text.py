"""The rules on text: what is of a type and of a format, and what breaks the other rules."""

import ipaddress
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.checks import checks_of, forms
from piienc.checks.forms import CODES, TIMESTAMP
from piienc.checks.read import at_once, moments, numbers
from piienc.checks.text import bytes_of, holds_any
from piienc.schema import Column

TYPES = {
    "integer": (
        ["0", "-1", "+7", "007", "-0", str(2**63), "9" * 40],
        ["", " 1", "1 ", "1.0", "1e3", "0x1F", "1_000", "+", "--1", "a", "1\n", "\u0661"],
    ),
    "float": (
        ["0", "1.5", "-.5", "5.", "1e300", "1E-7", "nan", "NaN", "-inf", "+Infinity", "1e999"],
        ["", ".", "1,5", "0x1p3", "nan(1)", "1e", "e5", "1_0", "infi", " 1"],
    ),
    "decimal": (
        ["0", "-1.50", "+.5", "5.", "1E-7", "9" * 60 + ".5"],
        ["", "nan", "inf", "1,5", "0x1", "1..2", "12 "],
    ),
    "boolean": (["true", "False", "TRUE"], ["", "1", "yes", "t", "true "]),
    "date": (
        ["2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29", "1999-12-31"],
        [
            "", "2023-02-29", "1900-02-29", "2024-2-9", "2024-04-31", "2024-13-01", "0000-01-01",
            "2024-00-10", "2024-01-00", "20240101", "2024-01-01T00:00", "24-01-01", "0000-02-29",
        ],
    ),
    "timestamp": (
        [
            "2024-02-29T23:59:59", "2024-02-29 00:00", "2024-01-01T12:00:00.123456789",
            "2024-01-01T12:00:00Z", "2024-01-01 12:00:00+02:00", "2024-01-01T12:00-0930",
            "2024-01-01T12:00:00.5+02",
        ],
        [
            "", "2024-01-01", "2024-01-01T12", "2024-01-01T24:00:00", "2024-01-01T12:60",
            "2023-02-29T12:00", "2024-01-01T12:00:60", "2024-01-01T12:00:00.", "0000-01-01T00:00",
            "2024-01-01_12:00", "2024-01-01T12:00:00+24:00", "2024-01-01T12Z", "1704067200",
        ],
    ),
}  # fmt: skip
FORMATS = {
    "email": (
        [
            "a@b.co", "first.last+tag@sub.example.com", "x@xn--bcher-kva.xn--p1ai", "o'b@e-x.io",
            "x" * 64 + "@" + ("b" * 62 + ".") * 2 + "b" * 59 + ".com",  # 254 characters
        ],
        [
            "", "a", "a@b", "@b.co", "a@.co", "a@b..co", "a@-b.co", "a@b-.co", ".a@b.co", "a.@b.co",
            "a..b@b.co", "a b@c.de", "a@b.c", "a@b.co ", "a@b@c.de", "a@b.co\n", "a@1.2.3.4",
            "x" * 64 + "@" + ("b" * 62 + ".") * 2 + "b" * 60 + ".com",
            "x" * 65 + "@example.com", "a@" + ("b" * 60 + ".") * 5 + "com", "ü@example.com",
        ],
    ),
    "phone": (
        ["+442079460119", "+1202555011", "+123456789012345"],
        ["", "442079460119", "+0442079460", "+123456", "+1234567890123456", "+44 20 7946 0119"],
    ),
    "uuid": (
        ["550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000"],
        [
            "", "550e8400e29b41d4a716446655440000", "550e8400-e29b-41d4-a716-44665544000g",
            "{550e8400-e29b-41d4-a716-446655440000}",
        ],
    ),
    "date": TYPES["date"],
    "datetime": TYPES["timestamp"],
    "url": (
        [
            "https://example.com", "http://user:pw@example.com:8080/a/b?c=d&e#f", "ftp://h/",
            "https://[2001:db8::1]:443/", "https://[2001:db8::]", "https://example.com?x",
        ],
        ["", "example.com", "//example.com", "http://", "mailto:a@b.co", "http://a b", "http:/a",
         "1http://a", "https://a/<b>", "https://[::g]/"],
    ),
    "ipv4": (
        ["1.0.0.0", "255.255.255.255", "192.0.2.1"],
        ["", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 "],
    ),
    "ipv6": (
        ["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1::"],
        ["", ":", "1:2:3:4:5:6:7", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8:9", "fe80::1%eth0",
         "192.0.2.1"],
    ),
    "country": (["GB", "DE", "US"], ["", "gb", "UK", "XX", "GBR", "G"]),
    "currency": (["EUR", "USD", "XAU"], ["", "eur", "EU", "ZZZ", "EURO"]),
}  # fmt: skip


def checks(kind=None, **rules):
    """Return the checks of a column by their rules, for values of a type, or else for text."""
    rules.setdefault("type", "string")
    return {check.rule: check for check in checks_of(Column(**rules), kind or pa.string())}


def failing(values, rule, kind=None, **rules):
    """Return the values, or their indices, that break a rule."""
    array = values if isinstance(values, pa.Array) else pa.array(values, kind or pa.string())
    found = checks(array.type, **rules)[rule].failing(array)
    assert found.dtype == np.int64
    return [array[index].as_py() for index in found.tolist()]


@pytest.mark.parametrize("kind", TYPES)
def test_type_of_text_is_its_form(kind):
    """What has the form of the type is good, however much of it, and nothing else is."""
    good, bad = TYPES[kind]
    assert failing(good, "type", type=kind) == []
    assert failing(good + bad + good, "type", type=kind) == bad
    assert [c.rule for c in checks_of(Column(type=kind), pa.string())] == ["type"]


@pytest.mark.parametrize(
    ("kind", "bad"), [(k, bad) for k, (_, bads) in TYPES.items() for bad in bads]
)
def test_one_value_of_another_form_is_found_by_itself_and_among_good_ones(kind, bad):
    """Whatever way the others are read."""
    plain = {"integer": "7", "float": "7.5", "decimal": "7.5", "boolean": "true",
             "date": "2024-02-29", "timestamp": "2024-02-29T12:00"}[kind]  # fmt: skip
    assert failing([bad], "type", type=kind) == [bad]
    assert failing([plain] * 200 + [bad, plain], "type", type=kind) == [bad]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", ["-1", "0", str(2**63 - 1)]),
        ("float", ["1.5", "-7"]),
        ("decimal", ["1.5", "-7"]),
        ("date", ["0001-01-01", "9999-12-31"]),
        ("timestamp", ["0001-01-01T00:00", "2024-02-29 23:59:59.123456"]),
        ("timestamp", []),
    ],
)
def test_usual_column_is_read_at_once(kind, values):
    """By Arrow, in a quarter of the time."""
    found = at_once(pa.array(values, pa.string()), kind)
    assert found is not None
    assert len(found) == len(values)


@given(st.from_regex(re.compile(forms.TYPES["float"][1], re.ASCII), fullmatch=True))
def test_whatever_has_the_form_of_a_number_is_read_as_one(text):
    """As Python's float reads it, also where a value beside it is no number."""
    (found, rest) = numbers(pa.array([text, "x"]), "float")
    assert found == float(text) or np.isnan([found, float(text)]).all()
    assert np.isnan(rest)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_moment_without_an_offset_is_in_utc_wherever_the_machine_is(zone, monkeypatch):
    """A bound means the same everywhere."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        bound = datetime(2020, 1, 1, 12)  # noqa: DTZ001  # none is told
        values = ["2020-01-01T11:59:59Z", "2020-01-01 12:00", "2020-01-01T12:00Z"]
        assert failing(values, "min", type="timestamp", min=bound) == values[:1]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("known", [["x", None], [None, "x"], ["7", None, "x"]])
def test_null_among_a_dictionary_s_texts_is_judged_by_nobody(known):
    """No row has it."""
    codes = pa.array([index for index, one in enumerate(known) if one is not None], pa.int8())
    array = pa.DictionaryArray.from_arrays(codes, pa.array(known))
    assert failing(array, "type", type="integer") == ["x"]
    assert failing(array, "pattern", pattern="[0-9]") == ["x"]
    none = array.take(pa.array([], pa.int8()))
    assert failing(none, "type", type="integer") == []


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("values", [[], [""], ["", ""]])
def test_empty_texts_hold_no_character(values, kind):
    """There is not one byte to look at."""
    array = pa.array(values, kind)
    assert bytes_of(array).tolist() == []
    assert not holds_any(array, bytes(range(256)))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_slice_of_texts_has_its_own_bytes_alone(kind):
    """Not those of its neighbours in the same buffer."""
    array = pa.array(["before", "a", "", "bc", "behind", "it"], kind)
    assert bytes_of(array[1:4]).tobytes() == b"abc"
    assert holds_any(array[1:4], b"c")
    assert not holds_any(array[1:4], b"eh")


@pytest.mark.parametrize("kind", ["string", "binary"])
def test_text_may_be_any_string_or_binary(kind):
    """Those two types have no form."""
    assert checks_of(Column(type=kind), pa.string()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_format_of_text(form):
    """What has the form is good, and what nearly has it is not."""
    good, bad = FORMATS[form]
    assert failing(good, "format", format=form) == []
    assert failing(bad + good, "format", format=form) == bad


def test_codes_are_those_of_the_standards():
    """ISO 3166-1 has 249 countries; every code is of its length."""
    countries, currencies = CODES["country"][1], CODES["currency"][1]
    assert len(countries) == 249
    assert {len(code) for code in countries} == {2}
    assert {len(code) for code in currencies} == {3}
    assert {"EUR", "USD", "GBP", "JPY", "CHF", "INR", "XXX"} <= currencies


@pytest.mark.parametrize(
    ("rules", "rule", "detail"),
    [
        ({"type": "integer"}, "type", "not an integer"),
        ({"type": "float"}, "type", "not a number"),
        ({"type": "decimal"}, "type", "not a decimal number"),
        ({"type": "boolean"}, "type", "not a boolean"),
        ({"type": "date"}, "type", "not a date, YYYY-MM-DD"),
        ({"type": "timestamp"}, "type", "not a timestamp of ISO 8601"),
        ({"pattern": "a"}, "pattern", "does not match the column's pattern"),
        ({"enum": ["a"]}, "enum", "not one of the values that are allowed"),
        ({"type": "integer", "min": 0}, "min", "less than 0"),
        ({"type": "date", "max": date(2020, 1, 1)}, "max", "more than 2020-01-01"),
        ({"max_length": 80}, "max_length", "longer than 80 characters"),
        ({"format": "email"}, "format", "not an email address"),
        ({"format": "phone"}, "format", "not a phone number of E.164, as in +442071234567"),
        ({"format": "uuid"}, "format", "not a UUID"),
        ({"format": "date"}, "format", "not a date, YYYY-MM-DD"),
        ({"format": "datetime"}, "format", "not a timestamp of ISO 8601"),
        ({"format": "url"}, "format", "not an absolute URL"),
        ({"format": "ipv4"}, "format", "not an IPv4 address"),
        ({"format": "ipv6"}, "format", "not an IPv6 address"),
        ({"format": "country"}, "format", "not a country code of ISO 3166-1, as in GB"),
        ({"format": "currency"}, "format", "not a currency code of ISO 4217, as in EUR"),
    ],
)
def test_detail_says_what_is_wrong_without_the_value(rules, rule, detail):
    """A finding's words are the rule's alone."""
    assert checks(**rules)[rule].detail == detail


@pytest.mark.parametrize(
    ("kind", "bounds", "values", "too_small", "too_large"),
    [
        ("integer", (0, 150), ["-1", "0", "150", "151", "+151", "x", "0x1F", "1.5", "9" * 30],
         ["-1"], ["151", "+151", "9" * 30]),
        ("integer", (2**63 - 1, 2**63 - 1), [str(2**63 - 2), str(2**63 - 1), str(2**63)],
         [str(2**63 - 2)], [str(2**63)]),
        ("float", (0.1, 0.3), ["0.0999999999999999999999", "0.1", "0.3000000000000000000001"],
         [], []),  # equal, as floats
        ("float", (-0.5, 1), ["-0.6", "-.5", "1.0", "1.01", "nan", "-inf", "1e999", "x", "nan(1)"],
         ["-0.6", "-inf"], ["1.01", "1e999"]),
        ("decimal", (0.1, 0.3),
         ["0.1", "0.09999999999999999999999", "0.30", "0.3000000000000000000001", "nan", "x"],
         ["0.09999999999999999999999"], ["0.3000000000000000000001"]),
        # An exponent beyond what Python's decimals know: not read, so neither less nor more.
        ("decimal", (0, 0), ["0e9999999999999999999", "1", "-1"], ["-1"], ["1"]),
        ("date", (date(2020, 1, 2), date(2020, 1, 3)),
         ["2020-01-01", "2020-01-02", "2020-01-04", "2020-02-30", "0000-01-01", "x"],
         ["2020-01-01"], ["2020-01-04"]),
        ("timestamp", (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)),
         ["2020-01-01T00:30+01:00", "2020-01-01T00:00Z", "2020-01-01 00:00", "2020-01-01",
          "2020-01-02T00:00:00.000001999Z", "2020-01-01T23:30:00-0100", "2019-12-31T23:59"],
         ["2020-01-01T00:30+01:00", "2019-12-31T23:59"],
         ["2020-01-02T00:00:00.000001999Z", "2020-01-01T23:30:00-0100"]),
        ("timestamp", (datetime(2020, 1, 1), datetime(2020, 1, 2)),  # noqa: DTZ001  # none is told
         ["2019-12-31 23:59:59", "2020-01-01 00:00:00", "2020-01-02 00:00:01"],
         ["2019-12-31 23:59:59"], ["2020-01-02 00:00:01"]),
    ],
)  # fmt: skip
def test_bounds_judge_what_is_of_the_type(kind, bounds, values, too_small, too_large):
    """Numbers are compared exactly, moments as moments; what is of another type fails `type`."""
    least, most = bounds
    assert failing(values, "min", type=kind, min=least, max=most) == too_small
    assert failing(values, "max", type=kind, min=least, max=most) == too_large


@pytest.mark.parametrize(
    ("kind", "allowed", "values", "bad"),
    [
        ("string", ["gold", ""], ["gold", "Gold", "", "silver"], ["Gold", "silver"]),
        ("integer", [1, -2], ["1", "+1", "01", "-2", "2", "x", "1.0", "9" * 30], ["2", "9" * 30]),
        ("integer", [7, 0], ["007", "+7", "-0", "8"], ["8"]),
        # Without a plus sign, Arrow reads them as numbers of 64 bits.
        ("integer", [7, 0, -(2**63), 2**63 - 1],
         ["007", "-0", "8", f"-0{2**63}", f"0{2**63 - 1}", f"0{2**63 - 2}"],
         ["8", f"0{2**63 - 2}"]),
        ("integer", [2**63, 5], ["05", f"0{2**63 - 1}"], [f"0{2**63 - 1}"]),
        ("integer", [2**63 - 1, -(2**63)],
         [f"+{2**63 - 1}", f"-0{2**63}", f"+{2**63 - 2}"], [f"+{2**63 - 2}"]),
        ("integer", [2**63, 5], ["+5", f"+{2**63 - 1}"], [f"+{2**63 - 1}"]),
        ("integer", [2**70], [str(2**70), str(2**70 + 1), "1"], [str(2**70 + 1), "1"]),
        ("float", [0.1, 2], ["0.1", "1e-1", "2.0", "2.1", "nan", "x", "0.1000000000000000000001"],
         ["2.1", "nan"]),
        ("decimal", ["0.10", 2], ["0.1", "2.00", "0.1000000000000000000001", "nan"],
         ["0.1000000000000000000001"]),
        ("boolean", [True], ["true", "TRUE", "False", "x"], ["False"]),
        ("date", ["2020-01-01"], ["2020-01-01", "2020-01-02", "x"], ["2020-01-02"]),
        ("timestamp", ["2020-01-01T00:00:00Z", "never"],
         ["2020-01-01 01:00+01:00", "2020-01-01T00:00:01Z", "never", "x"],
         ["2020-01-01T00:00:01Z"]),
        ("binary", ["a"], ["a", "b"], ["b"]),
    ],
)  # fmt: skip
def test_enum_allows_equal_values_however_written(kind, allowed, values, bad):
    """What is of another type fails `type` only."""
    assert failing(values, "enum", type=kind, enum=allowed) == bad


def test_max_length_counts_characters():
    """A character of several bytes is one."""
    assert failing(["", "äöü", "abcd", "日本語"], "max_length", max_length=3) == ["abcd"]


def _parses(parse, value):
    try:
        parse(value)
    except ValueError:
        return False
    return True


DIGITS = st.text("0123456789+-.eE xnaif_", max_size=8)
ORACLES = {
    "integer": (
        DIGITS | st.integers().map(str),
        lambda value: re.fullmatch(r"[+-]?[0-9]+", value),
    ),
    "float": (
        DIGITS | st.floats().map(repr),
        lambda value: _parses(float, value) and not re.search(r"[_\s]", value),
    ),
    "date": (
        st.dates().map(str) | st.from_regex(r"\A[0-2][09]\d\d-[01]\d-[0-3]\d\Z"),
        lambda value: _parses(date.fromisoformat, value) and value.isascii(),
    ),
}


@pytest.mark.parametrize("kind", ORACLES)
@given(data=st.data())
def test_type_judges_like_a_loop(kind, data):
    """Python's own parsers agree."""
    values, is_good = ORACLES[kind]
    drawn = data.draw(st.lists(values))
    assert failing(drawn, "type", type=kind) == [value for value in drawn if not is_good(value)]


@pytest.mark.parametrize("kind", [kind for kind in forms.TYPES if kind != "boolean"])
@given(data=st.data())
def test_what_is_read_at_once_has_the_form_of_its_type(kind, data):
    """Arrow reads more than that, as 0x1F, nan(1) or the year 0."""
    form = re.compile(forms.TYPES[kind][1], re.ASCII)
    good, bad = TYPES[kind]
    text = data.draw(st.from_regex(form, fullmatch=True) | st.sampled_from([*good, *bad]))
    at = data.draw(st.integers(0, len(text)))
    instead = data.draw(st.text("0123456789+-.eExXnaif()_T:Z \n\u0661", max_size=2))
    text = text[:at] + instead + text[at + data.draw(st.integers(0, 2)) :]
    if at_once(pa.array([text]), kind) is not None:
        assert form.fullmatch(text)


@given(st.lists(st.ip_addresses(v=4).map(str) | st.from_regex(r"\A[0-9.]{7,11}\Z")))
def test_ipv4_judges_like_the_standard_library(values):
    """Python's ipaddress agrees."""
    bad = [value for value in values if not _parses(ipaddress.IPv4Address, value)]
    assert failing(values, "format", format="ipv4") == bad


@given(
    st.lists(
        st.ip_addresses(v=6).flatmap(lambda a: st.sampled_from([str(a), a.exploded]))
        | st.from_regex(r"\A[0-9a-f]{0,2}(:[0-9a-f]{0,5}){1,8}\Z")
    )
)
def test_ipv6_judges_like_the_standard_library(values):
    """Python's ipaddress agrees."""
    bad = [value for value in values if not _parses(ipaddress.IPv6Address, value)]
    assert failing(values, "format", format="ipv6") == bad


def test_ipv6_has_as_many_groups_as_the_standard_library_takes():
    """Before and behind a `::` or without one, and with an IPv4 address at the end."""
    tails = [[":".join("abcdef0123"[:count])] for count in range(10)]
    tails = [text for (end,) in tails for text in (end, f"{end}:192.0.2.1".lstrip(":"))]
    values = [*tails, *(f"{':'.join('9' * n)}::{tail}" for n in range(10) for tail in tails)]
    bad = [value for value in values if not _parses(ipaddress.IPv6Address, value)]
    assert 0 < len(bad) < len(values)
    assert failing(values, "format", format="ipv6") == bad


@given(
    st.lists(st.integers(-(2**65), 2**65) | st.integers(-3, 3)),
    st.integers(-(2**64), 2**64) | st.integers(-3, 3),
)
def test_bounds_of_integers_judge_like_a_loop(values, bound):
    """Integers of any length are compared exactly."""
    texts = list(map(str, values))
    expected = [text for text, value in zip(texts, values, strict=True) if value < bound]
    assert failing(texts, "min", type="integer", min=bound) == expected


@given(
    st.lists(st.decimals(-9, 9, places=3) | st.floats(-9, 9).map(lambda x: Decimal(repr(x)))),
    st.floats(-9, 9) | st.integers(-9, 9),
)
def test_bounds_of_decimals_judge_like_a_loop(values, bound):
    """Decimals are compared exactly, with the bound as it is written."""
    texts = list(map(str, values))
    limit = Decimal(str(bound))
    expected = [text for text, value in zip(texts, values, strict=True) if value > limit]
    assert failing(texts, "max", type="decimal", max=bound) == expected


ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=9))]
)


@given(
    st.lists(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)),  # noqa: DTZ001  # zoned
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES),  # noqa: DTZ001  # zoned
    st.sampled_from("T "),
)
def test_bounds_of_timestamps_judge_like_a_loop(values, bound, between):
    """Moments are compared wherever they were written."""
    texts = [value.isoformat(between) for value in values]
    expected = [text for text, value in zip(texts, values, strict=True) if value < bound]
    assert failing(texts, "min", type="timestamp", min=bound) == expected


@given(st.lists(st.from_regex(re.compile(TIMESTAMP, re.ASCII), fullmatch=True)))
def test_timestamps_are_read_as_the_standard_library_reads_them(texts):
    """Whatever has the form is a moment, to the microsecond."""
    expected = []
    for text in texts:
        value = datetime.fromisoformat(text)
        away = np.timedelta64(value.utcoffset() or timedelta())
        expected.append(np.datetime64(value.replace(tzinfo=None), "us") - away)
    assert moments(pa.array(texts, pa.string())).tolist() == [one.tolist() for one in expected]


@given(
    st.lists(st.sampled_from([text for pair in TYPES.values() for part in pair for text in part]))
)
def test_threads_judge_alike(values):
    """A check may be shared."""
    (check,) = checks_of(Column(type="integer"), pa.string())
    array = pa.array(values, pa.string())
    with ThreadPoolExecutor(2) as pool:
        found = [rows.tolist() for rows in pool.map(check.failing, [array] * 4)]
    assert found == [check.failing(array).tolist()] * 4


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
)
def test_text_of_any_type_and_slice_is_judged_alike(kind):
    """Indices count from the slice's begin, in every layout of Arrow."""
    texts = ["x", "1", "", "7", "a", "5", "5", "x"]
    array = pa.array(texts).cast(pa.large_string())
    if pa.types.is_dictionary(kind):
        array = array.cast(pa.string()).dictionary_encode().cast(kind)
    else:
        array = array.cast(kind)
    column = Column(type="integer", min=6, enum=[5, 7])
    found = {c.rule: c.failing(array[1:7]).tolist() for c in checks_of(column, kind)}
    assert found == {"type": [1, 3], "enum": [0], "min": [0, 4, 5]}
    assert all(len(check.failing(array[:0])) == 0 for check in checks_of(column, kind))
