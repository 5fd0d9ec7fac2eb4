"""The checksums, held against python-stdnum, a second implementation."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn, verhoeff
from stdnum.br import cpf
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.se import personnummer

from piienc.checks.checksums import _IBAN_LENGTHS, passes

# Numbers that are published as examples or for tests.
KNOWN = {
    "card": [
        "4111111111111111", "5555555555554444", "378282246310005", "6011111111111117",
        "30569309025904", "3530111333300000", "2223003122003222", "4222222222222",
    ],
    "luhn": ["79927398713", "18"],
    "iban": [
        "GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S", "FR1420041010050500013M02606",
    ],
    "dni": ["12345678Z", "X1234567L", "Y1234567X", "Z1234567R"],
    "nir": ["295109912611193", "253072B07300470", "253072A07300443"],
    "codice_fiscale": ["RSSMRA85T10A562S", "MRTMTT91D08F205J"],
    "bsn": ["111222333", "123456782"],
    "pesel": ["44051401359", "02070803628"],
    "cpf": ["39053344705", "11144477735"],
    "verhoeff": ["2363", "234567890124"],
    "hetu": ["131052-308T"],
    "personnummer": ["8112189876", "198112189876", "811228-9874"],
    "fodselsnummer": ["15108695088"],
}  # fmt: skip
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def like(pattern):
    """Draw texts that match a pattern, in ASCII."""
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


def right(checksum, *numbers):
    """Ask about numbers of one length."""
    rows = np.array([list(number.encode()) for number in numbers], np.uint8)
    return passes(checksum, rows).tolist()


@pytest.mark.parametrize("checksum", KNOWN)
def test_known_numbers_are_right_and_no_other_last_digit_is(checksum):
    """A published number is right; with another digit in its last place but one, it is wrong."""
    for number in KNOWN[checksum]:
        assert right(checksum, number) == [True], number
        place = len(number) - 1 - (not number[-1].isdigit())
        others = [number[:place] + d + number[place + 1 :] for d in "0123456789"]
        assert right(checksum, *others) == [other == number for other in others]


@pytest.mark.parametrize("checksum", KNOWN)
@given(number=st.text(LETTERS, min_size=1, max_size=35))
def test_numbers_of_any_length_are_judged_without_an_error(checksum, number):
    """A number that is too short or too long is merely wrong."""
    assert right(checksum, number, number) in ([True, True], [False, False])


def test_no_numbers_are_no_answer():
    """An empty matrix has no rows to judge."""
    assert passes("luhn", np.zeros((0, 5), np.uint8)).tolist() == []


SECOND = {
    "luhn": (st.text("0123456789", min_size=2, max_size=19), luhn.is_valid),
    "verhoeff": (st.text("0123456789", min_size=2, max_size=19), verhoeff.is_valid),
    "bsn": (st.text("0123456789", min_size=9, max_size=9), bsn.is_valid),
    "cpf": (
        st.text("0123456789", min_size=11, max_size=11).filter(lambda text: len({*text}) > 1),
        cpf.is_valid,
    ),
    "nir": (like(r"[12]\d\d(0[1-9]|1[0-2])(\d\d|2[AB])\d{6}\d\d"), nir.is_valid),
    "dni": (
        like(r"(\d{8}|[XYZ]\d{7})[A-Z]"),
        lambda number: dni.is_valid(number) or nie.is_valid(number),
    ),
    "pesel": (like(r"\d\d[02][1-9][012][1-8]\d{5}"), pesel.is_valid),
}


@pytest.mark.parametrize("checksum", SECOND)
@given(data=st.data())
def test_checksum_agrees_with_a_second_implementation(checksum, data):
    """For numbers whose check digits are tried out, so that many are right."""
    numbers, is_valid = SECOND[checksum]
    number = data.draw(numbers)
    last = LETTERS if checksum == "dni" else "0123456789"
    tried = [number[:-1] + one for one in last]
    assert right(checksum, *tried) == [bool(is_valid(one)) for one in tried]


@given(st.sampled_from(sorted(_IBAN_LENGTHS)), st.text("0123456789", min_size=40, max_size=40))
def test_iban_agrees_with_a_second_implementation(country, digits):
    """The check digits that make a number an IBAN are the only ones of 02 to 98."""
    account = digits[: _IBAN_LENGTHS[country] - 4]
    good = iban.calc_check_digits(f"{country}00{account}")
    tried = [f"{country}{check:02}{account}" for check in range(2, 99)]
    assert right("iban", *tried) == [one[2:4] == good for one in tried]
    assert right("iban", f"{country}{good}{account}0") != [True] or good == "00"


@given(like(r"[A-Z]{6}\d\d[A-EHLMPRST][0-2][1-8][A-Z]\d{3}"))
def test_codice_fiscale_agrees_with_a_second_implementation(number):
    """One letter of all is right."""
    good = codicefiscale.calc_check_digit(number)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert right("codice_fiscale", *(number + one for one in letters)) == [
        one == good for one in letters
    ]


@given(like(r"[01][1-9]0[1-9]\d\d[-+A-F]\d{3}"))
def test_hetu_agrees_with_a_second_implementation(number):
    """One character of 31 is right, for individual numbers that are given to people."""
    tried = [number + one for one in "0123456789ABCDEFHJKLMNPRSTUVWXY"]
    theirs = [bool(hetu.is_valid(one, allow_temporary=True)) for one in tried]
    if any(theirs):
        assert right("hetu", *tried) == theirs


@given(like(r"[4-9]\d[01][1-9][0-2][1-8]\d{4}"))
def test_personnummer_agrees_with_a_second_implementation(number):
    """Of those whose month there is, one digit of ten is right."""
    tried = [number[:-1] + one for one in "0123456789"]
    theirs = [bool(personnummer.is_valid(f"{one[:6]}-{one[6:]}")) for one in tried]
    if any(theirs):
        assert right("personnummer", *tried) == theirs


@given(like(r"[0-2][1-8]0[1-9][0-3]\d[0-4]\d\d\d\d"))
def test_fodselsnummer_agrees_with_a_second_implementation(number):
    """Where both check digits can be made, they are the right ones."""
    first = fodselsnummer.calc_check_digit1(number[:9])
    second = fodselsnummer.calc_check_digit2(number[:9] + first)
    made = number[:9] + first + second
    if re.fullmatch(r"\d{11}", made):
        assert right("fodselsnummer", made, number) == [True, made == number]


# ISO/IEC 7812: who issues the numbers that begin so, and how long they are.
ISSUERS = {
    "Visa": ("4", {13, 16, 19}),
    "Mastercard": ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),
    "American Express": ("3[47]", {15}),
    "Diners Club": ("30[0-5]|36|3[89]", {14}),
    "JCB": ("352[89]|35[3-8]", {16, 17, 18, 19}),
    "Discover": ("6011|64[4-9]|65", {16, 17, 18, 19}),
    "UnionPay": ("62", {16, 17, 18, 19}),
    "Maestro": ("50|5[678]|63|67", {16, 17, 18, 19}),
}


@pytest.mark.parametrize("length", range(12, 21))
def test_card_is_whatever_begins_as_its_issuers_numbers_of_that_length(length):
    """Of all numbers of four digits in front, those of an issuer, and no other."""
    begins = [re.compile(begin) for begin, lengths in ISSUERS.values() if length in lengths]
    numbers = [f"{front:04}{'0' * (length - 5)}" for front in range(10_000)]
    numbers = [number + luhn.calc_check_digit(number) for number in numbers]
    expected = [any(begin.match(number) for begin in begins) for number in numbers]
    assert right("card", *numbers) == expected


@pytest.mark.parametrize("number", ["0000000000000000", "1111111111111117", "9999999999999995"])
def test_card_with_right_digit_but_no_issuer_is_none(number):
    """A number begins as those of its issuer do."""
    assert right("luhn", number) == [luhn.is_valid(number)]
    assert right("card", number) == [False]


def test_cards_have_the_lengths_of_their_issuers():
    """A digit more or less makes another number of it."""
    assert right("card", "411111111111116") == [False]  # 15 digits with the right last one
    assert luhn.is_valid("411111111111116")
