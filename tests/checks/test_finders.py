"""The finders: what they find, what they leave alone, and what they say of it."""

import hashlib
import re
import uuid
from base64 import b64encode
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import piienc.schema
from piienc.base import document
from piienc.checks import finders_of, search
from piienc.checks.checksums import passes
from piienc.checks.finder import _NOT_BEFORE, _NOT_BEHIND, shape_of
from piienc.checks.finders import BuiltInFinder, _built_in
from piienc.checks.shapes import _TABLE
from piienc.schema import Column, Schema
from piienc.schema.finder import OwnFinder, built_in

COLUMNS = {"a": Column(type="string")}
FINDERS = finders_of(Schema(name="n", version=1, columns=COLUMNS))
FILE = Path(piienc.schema.__file__).parent / "data" / "finders.toml"


class FindersFile(document.Table, frozen=True):
    """The file of the built-in finders."""

    finders: dict[str, BuiltInFinder]


FOUND = {
    "email": [
        "ada@example.com", "write to a@example.com", "<a.b+c@sub.example.co.uk>", "mailto:a@b.de?x",
        "https://user@host.example.com/", "o'b@e-x.io, or call", "A@B.ORG.",
    ],
    "phone": ["+442079460119", "call +44 20 7946 0119.", "tel:+1 (202) 555-0117", "(+49 30 123456)",
              "Tel.+442079460119"],
    "card": ["4111 1111 1111 1111", "pay by 4111-1111-1111-1111!", "3782 822463 10005",
             "card 4111111111111111", "visa: 5555555555554444 (new)"],
    "card_digits": ["4111111111111111", "378282246310005", " 30569309025904 "],
    "iban": ["GB82WEST12345698765432", "pay to GB82 WEST 1234 5698 7654 32 now",
             "IBAN:DE89370400440532013000,", "NO93 8601 1117 947"],
    "coordinates": ["51.5074, -0.1278", "at 48.8584,2.2945", "-33.856784;151.215297",
                    "40.748 -73.985"],
    "us_ssn": ["078-05-1120", "SSN: 219-09-9999.", "899-99-9999"],
    "uk_nino": ["AB123456C", "nino AB 12 34 56 C", "his is JG103759A."],
    "es_dni": ["12345678Z", "NIE X1234567L", "12345678-Z"],
    "fr_nir": ["2 95 10 99 126 111 93", "295109912611193", "n° 253072B07300470"],
    "it_codice_fiscale": ["RSSMRA85T10A562S", "CF RSSMRA85T10A562S."],
    "nl_bsn": ["111222333", "123456782"],
    "pl_pesel": ["44051401359"],
    "br_cpf": ["390.533.447-05", "CPF 111.444.777-35"],
    "br_cpf_digits": ["39053344705"],
    "in_aadhaar": ["2345 6789 0124", "aadhaar: 234567890124"],
    "fi_hetu": ["131052-308T", "hetu 131052-308T."],
    "se_personnummer": ["811218-9876", "19811218-9876", "811218+9876"],
    "no_fodselsnummer": ["15108695088", "151086 95088"],
}  # fmt: skip
NOT_FOUND = {
    "email": ["a@b", "@example.com", "a@1.2.3", "a @ b.com", "user@localhost", "@media"],
    "phone": ["442079460119", "+0442079460119", "+123456", "x+442079460119", "5+1234567890",
              "+12345678901234567"],
    "card": ["4111 1111 1111 1112", "4111 1111 11111111", "1111 1111 1111 1117",
             "x4111 1111 1111 1111", "card 4111111111111112", "4111-1111 1111-1111"],
    "card_digits": ["4111111111111112", "411111111111111", "9999999999999995",
                    "41111111111111111111"],
    "iban": ["GB82WEST12345698765433", "GB82WEST1234569876543", "ZZ82WEST12345698765432",
             "xGB82WEST12345698765432", "gb82west12345698765432"],
    "coordinates": ["51.50, -0.12", "91.000, 0.000", "51.507, 181.000", "51.507",
                    "1.234.567, 8.901"],
    "us_ssn": ["000-12-3456", "666-12-3456", "900-12-3456", "078-00-1120", "078-05-0000",
               "078-05-11201", "1-078-05-1120", "078-05-1120-1", "078051120"],
    "uk_nino": ["AB123456E", "DB123456A", "AO123456A", "AB12345C", "AB1234567C", "ab123456c"],
    "es_dni": ["12345678A", "1234567Z", "X1234567A", "12345678Z9"],
    "fr_nir": ["295109912611194", "395109912611193", "29510991261119"],
    "it_codice_fiscale": ["RSSMRA85T10A562T", "RSSMRA85X10A562S", "RSSMRA85T10A562"],
    "nl_bsn": ["111222334", "000000000", "no 111222333"],
    "pl_pesel": ["44051401358", "44131401352"],
    "br_cpf": ["390.533.447-06", "111.111.111-11", "390533447-05"],
    "br_cpf_digits": ["39053344706", "11111111111"],
    "in_aadhaar": ["2345 6789 0125", "1345 6789 0124", "2345 67890124"],
    "fi_hetu": ["131052-308U", "321052-308T", "131352-308T"],
    "se_personnummer": ["811218-9877", "811318-9876", "8112189876"],
    "no_fodselsnummer": ["15108695077", "15138695088"],
}  # fmt: skip


def hits(values, name="notes", finders=FINDERS, kind=None):
    """Return what is found, by finder."""
    array = values if isinstance(values, pa.Array) else pa.array(values, kind or pa.string())
    found = search(finders, name, array)
    assert all(rows.dtype == np.int64 and len(rows) for rows in found.values())
    return {one: [array[row].as_py() for row in rows.tolist()] for one, rows in found.items()}


def test_built_in_finders_are_those_that_the_schema_knows():
    """The schema's floor has their names; each has a description and a source."""
    assert tuple(finder.name for finder in FINDERS) == (*built_in(),)
    assert all(re.match("an? ", finder.description) for finder in FINDERS)
    assert {*FOUND} == {*NOT_FOUND} == {one.name for one in FINDERS if not one.names}


def test_file_of_built_in_finders_is_as_its_model_says():
    """It is read without being looked at: start-up."""
    assert {*document.load(FILE, FindersFile).finders} == {one.name for one in FINDERS}


@pytest.mark.parametrize("name", FOUND)
def test_finder_finds_and_finds_not(name):
    """What is one is found, in a text too where it may be; what is nearly one is not."""
    good, bad = FOUND[name], NOT_FOUND[name]
    found = hits([*bad, *good, *bad, "", *good])
    assert found[name] == [*good, *good]
    assert name not in hits(bad)


def test_finders_by_the_column_s_name():
    """Bare digits are a telephone number, and a fraction a coordinate, where the name says so."""
    phones = ["020 7946 0119", "(202) 555-0117", "12025550117", "n/a", "12"]
    for name in (
        "phone", "homePhone", "phoneNumber", "Mobile-Number", "phone number", "_tel_", "fax2",
    ):  # fmt: skip
        assert hits(phones, name)["phone_digits"] == phones[:3]
    for name in ("note", "phone_verified_at", "telemetry", "Xphone"):
        assert "phone_digits" not in hits(phones, name)
    places = ["51.5074", "-0.12", "180.0", "181.0", "7", "x"]
    for name in ("lat", "Longitude", "home_lng", "shopLon"):
        assert hits(places, name)["coordinate"] == places[:3]
    assert hits(places, "plate") == {}
    # Short numbers among much other text, of which nothing else would be looked at.
    assert hits(["-0.12", *["nowhere, or not yet"] * 9], "lat") == {"coordinate": ["-0.12"]}


def test_numbers_are_looked_at_as_their_digits():
    """Integers may be card numbers; floats are looked at only where the column's name says so."""
    numbers = [4111111111111111, 7, 5555555555554444]
    assert hits(numbers, kind=pa.int64()) == {"card_digits": [numbers[0], numbers[2]]}
    assert hits([111222333, 1], kind=pa.uint32())["nl_bsn"] == [111222333]
    places = [51.5074, 100.25, 200.5]
    assert hits(places, "lat", kind=pa.float64()) == {"coordinate": places[:2]}
    assert hits([4111111111111111.0, 51.5], "x", kind=pa.float64()) == {}
    assert hits([111222333.0], "x", kind=pa.float64()) == {}
    assert hits([Decimal(4111111111111111)], "x", kind=pa.decimal128(16, 0)) == {}
    assert hits([Decimal("51.5074")], "lat", kind=pa.decimal128(6, 4)) == {
        "coordinate": [Decimal("51.5074")]
    }


@pytest.mark.parametrize(
    "array",
    [
        pa.array([True, False]),
        pa.array([datetime(2020, 1, 1)]),  # noqa: DTZ001  # a column without zone
        pa.array([datetime(2020, 1, 1).date()]),  # noqa: DTZ001  # the same
        pa.array([b"\xffada@example.com"]),
        pa.array([["ada@example.com"]]),
        pa.nulls(3),
        pa.array([], pa.string()),
    ],
    ids=lambda array: str(array.type),
)
def test_other_types_are_left_alone(array):
    """Nothing is looked for in what is no text and no number."""
    assert search(FINDERS, "lat", array) == {}


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
     pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)  # fmt: skip
def test_text_of_any_type_and_slice_is_looked_at_alike(kind):
    """Indices count from the slice's begin, in every layout of Arrow; bytes may be text."""
    texts = ["x@y.org", "", "a@b.org", "4111111111111111", "ü 078-05-1120", "", "a@b.org"]
    array = pa.array(texts)
    if pa.types.is_dictionary(kind):
        array = array.dictionary_encode()
    else:
        array = array.cast(kind) if kind != pa.string_view() else pa.array(texts, kind)
    found = {name: rows.tolist() for name, rows in search(FINDERS, "n", array[1:]).items()}
    assert found == {"email": [1, 5], "card_digits": [2], "us_ssn": [3]}


def test_null_among_a_dictionary_s_values_is_nothing_to_look_at():
    """Indices may point to it, though they are not null themselves."""
    codes = pa.array([2, 0, 1, 3, 0, 2], pa.int8())
    array = pa.DictionaryArray.from_arrays(codes, pa.array([None, "x", "a@b.org", None]))
    assert {name: rows.tolist() for name, rows in search(FINDERS, "n", array).items()} == {
        "email": [0, 5]
    }


def test_built_in_finders_are_there_without_a_schema():
    """`inspect` asks for them so."""
    assert finders_of() == FINDERS


RANDOM = Random(7)  # noqa: S311  # it makes data, no secrets
BEGIN = datetime(1999, 1, 1)  # noqa: DTZ001  # texts are made of it
WORDS = [
    "the",
    "quick",
    "fox",
    "jumps",
    "over",
    "dogs",
    "in",
    "München",
    "3",
    "days",
    "42",
    "again",
]
INNOCENT = {
    "dates": lambda i: str((BEGIN + timedelta(days=i)).date()),
    "timestamps": lambda i: (BEGIN + timedelta(seconds=i * 10007)).isoformat(),
    "timestamps with offset": lambda i: f"{BEGIN + timedelta(hours=i)}+02:00",
    "dates of the day": lambda i: f"{i % 28 + 1:02}/{i % 12 + 1:02}/{1990 + i % 40}",
    "epochs": lambda i: str(1_700_000_000 + i * 977),
    "milliseconds": lambda i: str(1_700_000_000_000 + i * 977),
    "prices": lambda _: f"{RANDOM.random() * 10000:.2f}",
    "prices with thousands": lambda _: f"{RANDOM.random() * 10**7:,.2f} EUR",
    "counters": str,
    "order numbers": lambda _: str(RANDOM.randrange(10**9, 10**10)),
    "order numbers in a row": lambda i: str(100_000_000 + i),
    "long order numbers": lambda i: str(4_000_000_000_000_000 + i),
    "order numbers of 11 digits": lambda _: str(RANDOM.randrange(10**10, 10**11)),
    "order numbers of 12 digits": lambda _: str(RANDOM.randrange(10**11, 10**12)),
    "order numbers of 15 digits": lambda i: str(10**14 + i * 7),
    "named order numbers": lambda _: f"ORD-{RANDOM.randrange(10**15, 10**16)}",
    "dated order numbers": lambda i: f"{RANDOM.randrange(240101, 241231)}-{i % 10000:04}",
    "hex hashes": lambda i: hashlib.sha256(str(i).encode()).hexdigest(),
    "short hashes": lambda i: hashlib.md5(str(i).encode(), usedforsecurity=False).hexdigest()[:8],
    "capital hashes": lambda i: hashlib.sha256(str(i).encode()).hexdigest().upper(),
    "uuids": lambda _: str(uuid.UUID(int=RANDOM.getrandbits(128))),
    "cities": lambda i: ["London", "São Paulo", "Amsterdam", "Saint-Denis 93200", "Köln"][i % 5],
    "postcodes": lambda i: f"{10000 + i}",
    "plain text": lambda _: " ".join(RANDOM.choices(WORDS, k=9)),
    "text with orders": lambda i: f"order {RANDOM.randrange(10**9)} of 2024-05-{i % 28 + 1:02}",
    "ciphertexts": lambda i: b64encode(b"\x01" + RANDOM.randbytes(20 + i % 90)).decode(),
    "versions": lambda i: f"v{i % 9}.{i % 100}.{i}+build.{i * 31}",
    "addresses of hosts": lambda i: f"10.{i % 256}.{RANDOM.randrange(256)}.{RANDOM.randrange(256)}",
    "urls": lambda i: (
        f"https://shop.example.com/p/{RANDOM.randrange(10**15, 10**16)}?n={i}&v=1.2.3"
    ),
    "fractions": lambda _: repr(RANDOM.random() * 100),
    "deltas": lambda _: f"{RANDOM.randrange(-(10**6), 10**6):+}",
    "handles": lambda i: f"@user{i}",
    "sizes": lambda i: f"{i}x{i * 2}@2x",
}


@pytest.mark.parametrize("kind", INNOCENT)
def test_innocent_columns_have_no_findings(kind):
    """No finder has its share of a column of other data."""
    values = [INNOCENT[kind](i) for i in range(4000)]
    found = search(FINDERS, "value", pa.array(values))
    shares = {name: len(rows) / len(values) for name, rows in found.items()}
    assert {one.name for one in FINDERS if shares.get(one.name, -1) >= one.share} == set()


def test_own_finders_stand_behind_the_built_in_ones():
    """The schema's patterns are RE2's; a checksum holds for a match's letters and digits."""
    own = {
        "staff": OwnFinder(pattern=r"\bEMP-\d{6}\b", description="a staff number"),
        "member": OwnFinder(pattern=r"M[\d-]+", description="a member", checksum="luhn", share=0.5),
    }
    finders = finders_of(Schema(name="n", version=1, columns=COLUMNS, finders=own))
    assert finders[:-2] == FINDERS
    assert [(one.name, one.description, one.share) for one in finders[-2:]] == [
        ("staff", "a staff number", 0.0),
        ("member", "a member", 0.5),
    ]
    texts = [
        "EMP-123456",
        "xEMP-123456",
        "is M7992739871-3, or",
        "M7992739871-4",
        "M7992-3 M18",
        "M",
    ]
    assert hits(texts, finders=finders) == {"staff": texts[:1], "member": [texts[2], texts[4]]}
    assert hits([11, 123456], finders=finders, kind=pa.int64()) == {}
    signs = {"sign": OwnFinder(pattern=r"M[\d§-]+", description="a member", checksum="luhn")}
    finders = finders_of(Schema(name="n", version=1, columns=COLUMNS, finders=signs))
    texts = ["M7992§7398§713", "M7992§7398§714"]
    assert hits(texts, finders=finders) == {"sign": texts[:1]}


def test_what_stands_between_matches_is_not_held_against_the_checksum():
    """Though it may have it."""
    own = {"member": OwnFinder(pattern=r"M\d+", description="a member", checksum="luhn")}
    finders = finders_of(Schema(name="n", version=1, columns=COLUMNS, finders=own))
    texts = ["M1, 79927398713 and M2", "M1, and M79927398713"]
    assert hits(texts, finders=finders) == {"member": texts[1:]}


def test_values_of_one_length_need_not_have_one_shape():
    """Their shapes are told apart all the same."""
    texts = ["12345678901", "078-05-1120", "111 22 3333", "219-09-9999", "abc12345678"]
    for order in (texts, texts[::-1]):
        assert hits(order)["us_ssn"] == [one for one in order if one[3] == "-"]


def test_some_finders_alone_may_be_asked():
    """A column that allows a finder leaves it out."""
    rest = [finder for finder in FINDERS if finder.name != "email"]
    assert hits(["a@b.org", "078-05-1120"], finders=rest) == {"us_ssn": ["078-05-1120"]}
    assert hits(["a@b.org"], finders=[]) == {}


BY_SHAPE = [finder for finder in _built_in() if finder.where != "text"]


@pytest.mark.parametrize("finder", BY_SHAPE, ids=lambda finder: finder.name)
@given(data=st.data())
def test_shape_of_every_match_matches_the_pattern_s_shape(finder, data):
    """So nothing is lost by looking at shapes first."""
    pattern = re.compile(finder.pattern, re.ASCII)
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    shape = text.encode().translate(_TABLE).decode()
    assert re.fullmatch(shape_of(finder.pattern), shape)


def naive(finder, value):
    """Look for a finder's match in one value, as its table says."""
    before, behind = (r"\A *", r" *\Z") if finder.where == "cell" else (_NOT_BEFORE, _NOT_BEHIND)
    expression = f"{before}(?P<match>{finder.pattern}){behind}"
    for match in re.finditer(expression, value, re.ASCII):
        characters = np.frombuffer(match["match"].encode(), np.uint8).reshape(1, -1)
        if finder.checksum is None or passes(finder.checksum, characters)[0]:
            return True
    return False


GOOD = [text for texts in (*FOUND.values(), *NOT_FOUND.values()) for text in texts]
PIECES = st.sampled_from([*GOOD, " ", "x", ", ", "-", ".", "é", "7", "@", "+", "\n", "\t"])


@given(st.lists(st.lists(PIECES, max_size=3).map("".join), max_size=8))
def test_batch_is_looked_at_like_a_loop(values):
    """Whole columns have the hits that each value has by itself."""
    found = search(FINDERS, "value", pa.array(values, pa.string()))
    for finder in BY_SHAPE:
        if finder.names is None:
            expected = [index for index, value in enumerate(values) if naive(finder, value)]
            assert found.get(finder.name, np.empty(0)).tolist() == expected, finder.name


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_values_with_a_character_are_those_that_have_it_or_all(kind):
    """Up to a quarter of them are told apart; to know better of more is not worth it."""
    from piienc.checks.text import rows_with

    values = ["x"] * 100
    for row in range(3, 100, 4):
        values[row] = "a@"
        found = rows_with(pa.array(["", *values], kind)[1:], "@").tolist()
        assert found == [index for index, value in enumerate(values) if "@" in value]
    values[0] = "@"
    assert rows_with(pa.array(values, kind), "@").tolist() == [*range(100)]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("more", [0, 40], ids=["many digits", "few digits"])
@pytest.mark.parametrize("digits", [6, 7, 255, 256, 257, 512])
def test_value_of_six_digits_or_more_is_worth_a_look(digits, more, kind):
    """However many they are; no value of five is."""
    from piienc.checks.text import rows_with_digits

    short = ["x" * 255, "12345", "", "1:2/3:4/5:", "y" * 255, "z" * 255]
    values = [*short, "7" * digits, *short, *["x"] * more]
    array = pa.array(["of another slice", *values], kind)
    assert rows_with_digits(array[1:]).tolist() == [6]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (["x" * 50, "123456"], [1]),
        (["123456", "abcdef"], [0]),
        (["x" * 50, "999999"], [1]),
        (["1234567", "abcdef"], [0, 1]),  # most bytes are digits: to know better is not worth it
        (["1234"] * 9, []),
        (["12345 "], []),
        (["", ""], []),
    ],
)
def test_few_values_with_digits_are_told_apart_where_it_is_worth_it(values, rows):
    """All of them are looked at, or those that have six digits."""
    from piienc.checks.text import rows_with_digits

    assert rows_with_digits(pa.array(values)).tolist() == rows


ALPHABETS = st.sampled_from(["0123456789 ax", "0123456789:/", "01 abcdefghxyz", "7", "x"])


@given(
    st.lists(ALPHABETS.flatmap(lambda some: st.text(some, max_size=400)), min_size=1),
    st.integers(0, 300),
)
def test_values_with_digits_are_those_that_a_loop_finds(values, more):
    """Sparse or dense, long or short: none with six digits is passed over."""
    from piienc.checks.text import rows_with_digits

    values = [*values, *["x"] * more]
    counts = [sum(map(str.isdigit, value)) for value in values]
    expected = [i for i, count in enumerate(counts) if count >= 6]
    found = rows_with_digits(pa.array(values)).tolist()
    if 2 * sum(counts) > sum(map(len, values)) and found:
        expected = [*range(len(values))]  # to know better is not worth it
    assert found == expected


def test_finders_are_documented_where_they_stand():
    """No field of the file is without its word at the file's head."""
    text = FILE.read_text("utf-8")
    head = text.partition("\n\n")[0]
    fields = {*re.findall(r"^(\w+) = ", text, re.MULTILINE)} - {"description", "checksum", "source"}
    assert all(re.search(rf"^# {field} ", head, re.MULTILINE) for field in fields)
