"""The checksums, held against python-stdnum, a second implementation."""

import re
import string

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


@pytest.mark.parametrize("sign", string.punctuation + " ")
def test_signs_between_letters_and_digits_do_not_count(sign):
    """Whatever groups a number."""
    number = "GB82 WEST 1234 5698 7654 32".replace(" ", sign)
    assert right("iban", number) == [True]
    assert right("luhn", f"7992{sign}7398{sign}713") == [True]


def test_one_digit_is_no_number_with_a_check_digit():
    """There is nothing that it could check."""
    assert right("luhn", *"0123456789") == [False] * 10


@given(like(r"[12]\d{4}(\d[AB]|2[A-Z])\d{6}"))
def test_nir_knows_two_departments_with_a_letter(number):
    """2A and 2B, and no 3A."""
    tried = [f"{number}{key:02}" for key in range(1, 98)]
    theirs = [nir.is_valid(one) for one in tried]
    assert right("nir", *tried) == theirs


@pytest.mark.parametrize("place", [place for place in range(15) if place != 6])
def test_nir_has_letters_for_corsica_alone(place):
    """Whatever a letter would count for elsewhere, also in the key."""
    numbers = [f"{first}5{rest}" for first in "12" for rest in ("7018017001033", "3012A003004021")]
    numbers = [number[:13] + nir.calc_check_digits(number[:13]) for number in numbers]
    keys = [f"{key:02}" for key in range(1, 98)] + [a + b for a in "0123456789" for b in "ABGZ"]
    for number in numbers:
        changed = [number[:place] + letter + number[place + 1 :] for letter in "ABGZ"]
        if place < 13:
            tried = [one[:13] + key for one in changed for key in keys]
        else:
            tried = [number[:13] + one[13:] for one in changed]
        for one in tried:
            assert right("nir", one) == [False], one
        assert right("nir", number) == [True]


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


@pytest.mark.parametrize("letter", LETTERS[10:])
def test_codice_fiscale_counts_every_letter_at_odd_and_even_places(letter):
    """A letter has two values, one for each kind of place."""
    for number in (f"{letter}SSMRA85T10A562", f"R{letter}SMRA85T10A562"):
        good = codicefiscale.calc_check_digit(number)
        tried = [number + one for one in LETTERS[10:]]
        assert right("codice_fiscale", *tried) == [one[-1] == good for one in tried]


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


def _pesel(day, month):
    number = f"50{month}{day}1234"
    return number + pesel.calc_check_digit(number)


def _hetu(day, month):
    rest = int(f"{day}{month}50123") % 31  # as the Digital and Population Data Services Agency says
    return f"{day}{month}50-123" + "0123456789ABCDEFHJKLMNPRSTUVWXY"[rest]


def _personnummer(day, month):
    number = f"50{month}{day}123"
    return number + luhn.calc_check_digit(number)


def _fodselsnummer(day, month):
    for person in range(100, 999):
        number = f"{day}{month}50{person}"
        number += fodselsnummer.calc_check_digit1(number)
        number += fodselsnummer.calc_check_digit2(number)
        if len(number) == 11 and number.isdigit():
            return number
    raise AssertionError


DATED = {
    "pesel": (_pesel, (0,), (0, 20, 40, 60, 80)),  # the month tells the century, from 1800 to 2299
    "hetu": (_hetu, (0,), (0,)),
    "personnummer": (_personnummer, (0, 60), (0,)),  # a coordination number has the day plus 60
    "fodselsnummer": (_fodselsnummer, (0, 40), (0, 40)),  # a D number, and the health service's
}
"""A number of a day and month with right check digits, and what may be added to each."""


@pytest.mark.parametrize("checksum", DATED)
@pytest.mark.parametrize("month", range(100))
def test_number_with_a_date_has_a_day_and_a_month_that_there_are(checksum, month):
    """All that two digits can say, with check digits by a second implementation."""
    make, days, months = DATED[checksum]
    numbers = [make(f"{day:02}", f"{month:02}") for day in range(100)]
    is_month = any(1 <= month - more <= 12 for more in months)
    expected = [is_month and any(1 <= day - more <= 31 for more in days) for day in range(100)]
    assert right(checksum, *numbers) == expected


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
