"""Checksums of many numbers of one length at once.

Each takes a matrix, a number to a row and a character to a column, and tells which rows are
right. The standards are named in `schema/data/finders.toml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    Characters = NDArray[np.uint8]  # ASCII digits and capitals
    Digits = NDArray[np.int64]
    Right = NDArray[np.bool_]

_CARDS = (  # first and last beginning, and the lengths that go with it
    (4, 4, (13, 16, 19)),
    (50, 58, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (300, 305, (14,)),
    (36, 36, (14,)),
    (38, 39, (14,)),
    (3528, 3589, (16, 17, 18, 19)),
    (6011, 6011, (16, 17, 18, 19)),
    (62, 63, (16, 17, 18, 19)),
    (644, 659, (16, 17, 18, 19)),
    (50, 50, (17, 18, 19)),
    (56, 58, (17, 18, 19)),
    (67, 67, (16, 17, 18, 19)),
)
_IBANS = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
    DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
    IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
    MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
    SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBANS.split()}
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FISCALE = np.array(  # the values of A to Z at odd places, counted from 1; 0 to 9 as A to J
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
)
_VERHOEFF_STEP = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])
_TEN = 10


def _dihedral(a: int, b: int) -> int:
    """Multiply in the group D5: below 5 are the rotations, from 5 on the reflections."""
    turned = (a - b if a >= 5 else a + b) % 5  # noqa: PLR2004  # of five
    return turned + 5 * ((a >= 5) != (b >= 5))  # noqa: PLR2004  # the same


_DIHEDRAL = np.array([[_dihedral(a, b) for b in range(10)] for a in range(10)])


def passes(checksum: str, characters: Characters) -> Right:
    """Tell which numbers have a checksum.

    Args:
        checksum: its name, as in `schema/finder.py`.
        characters: ASCII, a number to a row; only letters and digits count, and of those that
            stand in one column, all are letters or all digits.

    Returns:
        A flag for each row; all false where a number of so many characters has no such checksum.
    """
    if not len(characters):
        return np.zeros(0, np.bool_)
    letters, lengths, function = _CHECKSUMS[checksum]
    digit = (characters[0] - ord("0")) < _TEN
    letter = (characters[0] & 0xDF) - ord("A") < 26  # noqa: PLR2004  # the letters of ASCII
    counting = characters[:, digit | letter] if letters else characters[:, digit]
    if lengths is not None and counting.shape[1] not in lengths:
        return np.zeros(len(counting), np.bool_)
    return function(counting if letters else counting.astype(np.int64) - ord("0"))


def _luhn(digits: Digits) -> Right:
    doubled = digits[:, -2::-2] * 2
    sums = digits[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)  # noqa: PLR2004  # a digit
    right: Right = (sums % 10 == 0) & (digits.shape[1] > 1)
    return right


def _card(digits: Digits) -> Right:
    mask = np.zeros(len(digits), np.bool_)
    for first, last, lengths in _CARDS:
        if digits.shape[1] in lengths:
            beginning = _number(digits[:, : len(str(first))])
            mask |= (beginning >= first) & (beginning <= last)
    return mask & _luhn(digits)


def _iban(characters: Characters) -> Right:
    length = characters.shape[1]
    countries = [code for code, size in _IBAN_LENGTHS.items() if size == length]
    country = characters[:, 0].astype(np.int64) << 8 | characters[:, 1]
    rest = np.zeros(len(characters), np.int64)
    for column in (*range(4, length), *range(4)):
        values = _values(characters[:, column])
        rest = (rest * np.where(values < _TEN, 10, 100) + values) % 97
    right: Right = (rest == 1) & np.isin(country, [ord(c[0]) << 8 | ord(c[1]) for c in countries])
    return right


def _dni(characters: Characters) -> Right:
    first = characters[:, 0]
    number = characters[:, :-1].astype(np.int64) - ord("0")
    number[:, 0] = np.where(first >= ord("X"), first - ord("X"), number[:, 0])
    right: Right = _ascii(_DNI)[_number(number) % 23] == characters[:, -1]
    return right


def _nir(characters: Characters) -> Right:
    digits = characters.astype(np.int64) - ord("0")
    first, second = characters[:, 5], characters[:, 6]  # Corsica: 2A counts as 19, 2B as 18
    for letter, department in (("A", 19), ("B", 18)):
        here = (first == ord("2")) & (second == ord(letter))
        digits[here, 5:7] = divmod(department, 10)
    right: Right = 97 - _number(digits[:, :13]) % 97 == _number(digits[:, 13:])
    return right & (digits <= 9).all(axis=1)  # noqa: PLR2004  # a digit


def _codice_fiscale(characters: Characters) -> Right:
    values = _values(characters[:, :-1])
    values = np.where(values >= _TEN, values - 10, values)
    sums = _FISCALE[values[:, ::2]].sum(axis=1) + values[:, 1::2].sum(axis=1)
    right: Right = sums % 26 + ord("A") == characters[:, -1]
    return right


def _bsn(digits: Digits) -> Right:
    some: Right = (digits != 0).any(axis=1)
    return some & _divides(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1], 11)


def _pesel(digits: Digits) -> Right:
    right = _divides(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10)
    return right & _is_day(digits[:, 4:6], digits[:, 2:4], months=(0, 20, 40, 60, 80))


def _cpf(digits: Digits) -> Right:
    right: Right = (digits != digits[:, :1]).any(axis=1)
    for last in (9, 10):
        sums = _weighted(digits[:, :last], range(last + 1, 1, -1))
        right &= sums * 10 % 11 % 10 == digits[:, last]
    return right


def _verhoeff(digits: Digits) -> Right:
    state = np.zeros(len(digits), np.int64)
    step = np.arange(10)
    for column in reversed(range(digits.shape[1])):
        state = _DIHEDRAL[state, step[digits[:, column]]]
        step = _VERHOEFF_STEP[step]
    right: Right = state == 0
    return right


def _hetu(characters: Characters) -> Right:
    digits = characters[:, [*range(6), -4, -3, -2]].astype(np.int64) - ord("0")
    right: Right = _ascii(_HETU)[_number(digits) % 31] == characters[:, -1]
    return right & _is_day(digits[:, :2], digits[:, 2:4])


def _personnummer(digits: Digits) -> Right:
    short = digits[:, -10:]
    return _luhn(short) & _is_day(short[:, 4:6], short[:, 2:4], days=(0, 60))


def _fodselsnummer(digits: Digits) -> Right:
    right = _divides(digits[:, :10], [3, 7, 6, 1, 8, 9, 4, 5, 2, 1], 11)
    right &= _divides(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
    return right & _is_day(digits[:, :2], digits[:, 2:4], days=(0, 40), months=(0, 40))


_CHECKSUMS: dict[str, tuple[bool, Collection[int] | None, Callable[..., Right]]] = {
    "card": (False, None, _card),
    "luhn": (False, None, _luhn),
    "iban": (True, {*_IBAN_LENGTHS.values()}, _iban),
    "dni": (True, {9}, _dni),
    "nir": (True, {15}, _nir),  # 13 and the key
    "codice_fiscale": (True, {16}, _codice_fiscale),
    "bsn": (False, {9}, _bsn),
    "pesel": (False, {11}, _pesel),
    "cpf": (False, {11}, _cpf),
    "verhoeff": (False, None, _verhoeff),
    "hetu": (True, {10, 11}, _hetu),  # the century is a sign or a letter
    "personnummer": (False, {10, 12}, _personnummer),
    "fodselsnummer": (False, {11}, _fodselsnummer),
}
"""By name: whether letters count, the lengths that there are, or None for any, and the checksum."""


def _ascii(letters: str) -> Characters:
    return np.frombuffer(letters.encode(), np.uint8)


def _values(characters: Characters) -> Digits:
    """Read digits as themselves, and capitals from A = 10 on."""
    wide = characters.astype(np.int64)
    return wide - np.where(wide >= ord("A"), ord("A") - 10, ord("0"))


def _number(digits: Digits) -> Digits:
    """Read the columns as one decimal number of at most 18 digits."""
    return _weighted(digits, [10**power for power in reversed(range(digits.shape[1]))])


def _weighted(digits: Digits, weights: Sequence[int]) -> Digits:
    sums: Digits = digits @ np.array(weights, np.int64)
    return sums


def _divides(digits: Digits, weights: Sequence[int], divisor: int) -> Right:
    right: Right = _weighted(digits, weights) % divisor == 0
    return right


def _is_day(
    day: Digits, month: Digits, days: Sequence[int] = (0,), months: Sequence[int] = (0,)
) -> Right:
    """Tell what may be a day of a month, when one of some numbers may have been added to each."""
    known_days = [more + one for more in days for one in range(1, 32)]
    known_months = [more + one for more in months for one in range(1, 13)]
    right: Right = np.isin(_number(day), known_days) & np.isin(_number(month), known_months)
    return right
