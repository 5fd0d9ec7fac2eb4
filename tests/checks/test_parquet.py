"""The rules on typed values, and which Arrow types can be a schema's types."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.checks import checks_of, type_fits
from piienc.schema import Column

INTEGERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
FITTING = {
    "string": [pa.string(), pa.large_string(), pa.string_view()],
    "integer": INTEGERS,
    "float": [pa.float16(), pa.float32(), pa.float64()],
    "boolean": [pa.bool_()],
    "date": [pa.date32(), pa.date64()],
    "timestamp": [pa.timestamp("ns"), pa.timestamp("s", "Europe/Paris")],
    "decimal": [pa.decimal128(9, 2), pa.decimal256(60, 3)],
    "binary": [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(16)],
}


def failing(array, rule, **rules):
    """Return the indices of the values that break a rule."""
    column = Column(**rules)
    assert type_fits(column, array.type) is None
    (check,) = [check for check in checks_of(column, array.type) if check.rule == rule]
    return check.failing(array).tolist()


@pytest.mark.parametrize("wanted", FITTING)
def test_type_fits_its_own_kinds_only(wanted):
    """Each of Arrow's types fits one of the schema's, in a dictionary too; null fits all."""
    column = Column(type=wanted)
    for kind, types in FITTING.items():
        for one in types:
            said = None if kind == wanted else f"the file's type is {one}, which is no {wanted}"
            assert type_fits(column, one) == said
    some = FITTING[wanted][0]
    assert type_fits(column, pa.dictionary(pa.int8(), some)) is None
    assert type_fits(column, pa.null()) is None
    assert type_fits(column, pa.list_(some)) is not None


def test_column_that_is_not_of_the_type_is_checked_for_what_can_be():
    """Text is read as in CSV; of other types, nothing can be said."""
    column = Column(type="integer", min=0, enum=[1])
    assert [c.rule for c in checks_of(column, pa.string())] == ["type", "enum", "min"]
    assert checks_of(column, pa.float64()) == []
    assert checks_of(column, pa.null()) == []


def test_typed_column_has_no_check_of_its_type():
    """Whether the type fits is a question of the column, not of its values."""
    column = Column(type="integer", min=0, max=2)
    assert [c.rule for c in checks_of(column, pa.int8())] == ["min", "max"]


@pytest.mark.parametrize("kind", INTEGERS)
def test_bounds_of_integers_may_lie_outside_of_the_file_s_type(kind):
    """A column of bytes may be held to any bounds."""
    array = pa.array([0, 1, 100], kind)
    assert failing(array, "min", type="integer", min=1) == [0]
    assert failing(array, "max", type="integer", max=99) == [2]
    assert failing(array, "min", type="integer", min=2**70) == [0, 1, 2]
    assert failing(array, "max", type="integer", max=-(2**70)) == [0, 1, 2]
    assert failing(array, "enum", type="integer", enum=[1, 2**70, -(2**70)]) == [0, 2]


@pytest.mark.parametrize("kind", FITTING["float"])
def test_bounds_of_floats_are_compared_in_the_file_s_precision(kind):
    """A bound of 0.1 allows the nearest value that the column can hold."""
    array = pa.array(np.array([0.1, 0.2, np.nan, np.inf, -0.0], kind.to_pandas_dtype()))
    assert failing(array, "max", type="float", max=0.1) == [1, 3]
    assert failing(array, "min", type="float", min=0.1) == [4]
    assert failing(array, "enum", type="float", enum=[0.1, 0]) == [1, 2, 3]


@pytest.mark.parametrize("kind", [pa.decimal128(20, 10), pa.decimal256(60, 10)])
def test_bounds_of_decimals_are_exact(kind):
    """They are compared with the bound as it is written."""
    texts = ["0.1", "0.0999999999", "0.1000000001", "-5", "7"]
    array = pa.array([Decimal(text) for text in texts], kind)
    assert failing(array, "min", type="decimal", min=0.1) == [1, 3]
    assert failing(array, "max", type="decimal", max=0.1) == [2, 4]
    assert failing(array, "max", type="decimal", max=1e300) == []
    assert failing(array, "min", type="decimal", min=1e300) == [0, 1, 2, 3, 4]
    assert failing(array, "enum", type="decimal", enum=[0.1, "7.0", -5]) == [1, 2]


@pytest.mark.parametrize("kind", FITTING["date"])
def test_rules_of_dates(kind):
    """Days are compared as days."""
    array = pa.array([date(2020, 1, 1), date(2020, 1, 2)], kind)
    assert failing(array, "min", type="date", min=date(2020, 1, 2)) == [0]
    assert failing(array, "max", type="date", max=date(2020, 1, 1)) == [1]
    assert failing(array, "enum", type="date", enum=["2020-01-02"]) == [0]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_rules_of_timestamps(unit, zone):
    """Moments are compared to the finest unit, whatever the column's is."""
    array = pa.array([0, 1, 2], pa.int64()).cast(pa.timestamp(unit, zone))
    between = datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)
    expected = {"s": ([0, 1], [2])}.get(unit, ([0, 1, 2], []))
    assert failing(array, "min", type="timestamp", min=between) == expected[0]
    assert failing(array, "max", type="timestamp", max=between) == expected[1]
    enum = [
        "1970-01-01T00:00:00Z",
        "1970-01-01 05:30:01+05:30",
        "never",
        "1970-01-01T00:00:00.000002",
    ]
    allowed = {"s": [2], "ms": [1, 2], "us": [1], "ns": [1, 2]}[unit]
    assert failing(array, "enum", type="timestamp", enum=enum) == allowed


UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  # see below


def _microseconds(moment):
    return (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("unit", UNITS)
@given(st.lists(MOMENTS, min_size=1), MOMENTS, st.integers(-2, 2))
def test_timestamps_of_each_unit_judge_like_a_loop(unit, values, bound, more):
    """A tick is so many of a second; bounds and values are compared as fractions."""
    ticks = [_microseconds(one) * UNITS[unit] // 10**6 + more for one in [*values, bound]]
    array = pa.array(ticks, pa.int64()).cast(pa.timestamp(unit))
    seconds = [Fraction(tick, UNITS[unit]) for tick in ticks]
    limit = Fraction(_microseconds(bound), 10**6)
    for rule, breaks in (("min", Fraction.__lt__), ("max", Fraction.__gt__)):
        expected = [index for index, one in enumerate(seconds) if breaks(one, limit)]
        judged = failing(array, rule, type="timestamp", **{rule: bound.replace(tzinfo=UTC)})
        assert judged == expected
    allowed = [str(bound), str(values[0]), "2300-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
    known = {limit, Fraction(_microseconds(values[0]), 10**6)}
    expected = [index for index, one in enumerate(seconds) if one not in known]
    assert failing(array, "enum", type="timestamp", enum=allowed) == expected


def test_enum_of_nanoseconds_may_have_moments_of_the_23rd_century():
    """As far as 64 bits reach: into the year 2262."""
    array = pa.array(["2262-04-11T23:47:16", "2262-04-11T23:47:15"]).cast(pa.timestamp("ns"))
    allowed = ["2262-04-11T23:47:16Z", "2262-04-11T23:47:17Z"]
    assert failing(array, "enum", type="timestamp", enum=allowed) == [1]


@pytest.mark.parametrize("kind", INTEGERS)
def test_enum_may_have_the_ends_of_the_type(kind):
    """The least and the greatest number of a type are numbers like others."""
    limits = np.iinfo(kind.to_pandas_dtype())
    ends = [int(limits.min), int(limits.max)]
    array = pa.array([*ends, 1], kind)
    assert failing(array, "enum", type="integer", enum=ends) == [2]
    assert failing(array, "enum", type="integer", enum=ends[:1]) == [1, 2]


def test_enum_of_booleans_strings_and_bytes():
    """Strings of a binary column's enum are UTF-8."""
    assert failing(pa.array([True, False]), "enum", type="boolean", enum=[True]) == [1]
    assert failing(pa.array(["a", "b"]), "enum", type="string", enum=["b"]) == [0]
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)):
        array = pa.array(["ä".encode(), b"bb"], kind)
        assert failing(array, "enum", type="binary", enum=["ä"]) == [1]


def test_dictionaries_are_judged_by_their_values():
    """Also where the dictionary has values that no row has, and a null."""
    array = pa.DictionaryArray.from_arrays(
        pa.array([2, 0, 2, 1], pa.int8()), pa.array([5, None, 1])
    )
    array = array.take(pa.array([0, 1, 2]))
    assert failing(array, "min", type="integer", min=2) == [0, 2]


@given(
    st.sampled_from(INTEGERS).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.lists(
                st.integers(
                    int(np.iinfo(kind.to_pandas_dtype()).min),
                    int(np.iinfo(kind.to_pandas_dtype()).max),
                )
            ),
        )
    ),
    st.integers(-(2**66), 2**66) | st.integers(-200, 200),
)
def test_bounds_of_typed_integers_judge_like_a_loop(drawn, bound):
    """Python's integers agree, at the ends of each type too."""
    kind, values = drawn
    array = pa.array(values, kind)
    for rule, breaks in (("min", int.__lt__), ("max", int.__gt__)):
        expected = [index for index, value in enumerate(values) if breaks(value, bound)]
        assert failing(array, rule, type="integer", **{rule: bound}) == expected
