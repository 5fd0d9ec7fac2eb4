"""Random texts: of lengths that matter to the kernels, of characters that matter to the readers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

LENGTHS = (1, 14, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 128, 255, 256, 257)
LONG = (500, 511, 512, 513, 700, 1023, 1024, 1025, 1040, 2047, 2048, 2049, 5000, 20_000)
WORDS = ("Ann", "Brian", "Cyn", "Ørsted", "Łukasz", "東京", "Ωmega", "naïve", "ß", "½", "0", "007")
WORDS += ("-1", "1e9", "null", "NULL", "NA", "nan", "true")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SPECIAL = " \t.;:,|'\"`\\/+=-_@#%&<>()[]{}^~*!?$"
RARE = "\0\x01\x0b\x0c\x1a\x1c\x1f\x7f\x80\x85\xa0\xad\u2028\u2029\u200b\ufeff\ufffd\ufffe"
WIDE = "éüßñçøåÆŁőşğžЖдλΩאع漢字表ポ許功かなカ한글€“”…😀👩‍👩‍👧🇳🇴\U0010ffff"


@cache
def written_in(encoding: str, characters: str) -> str:
    """Return those of some characters that an encoding writes and reads back."""
    return "".join(character for character in characters if _comes_back(character, encoding))


def _comes_back(character: str, encoding: str) -> bool:
    try:
        return character.encode(encoding).decode(encoding) == character
    except UnicodeError:
        return False


class Texts:
    """Random texts of one column: each column has a taste of its own."""

    def __init__(self, random: Random, encoding: str, marks: str, *, long: bool = True) -> None:
        """Choose the column's taste.

        Args:
            random: where it comes from.
            encoding: what must be able to write the texts.
            marks: the delimiter and the quote.
            long: whether it may be that of long texts.
        """
        self._random = random
        marks += "\r\n"
        tastes = {  # the characters, and how many of them
            "words": (" ", (1,)),
            "marks": (marks * 3 + "ab ,;", range(1, 7)),  # what must be quoted and doubled
            "any": (LETTERS + SPECIAL + WIDE + marks, range(1, 41)),
            "lengths": (LETTERS + WIDE[:4], LENGTHS),
            "long": (LETTERS + marks[:2], (*LENGTHS, *LONG)),
            "rare": (RARE + marks + "a", range(1, 6)),
        }
        tastes = tastes if long else {name: tastes[name] for name in ("words", "marks", "rare")}
        self._taste = random.choice(("words", "words", "marks", *tastes))
        characters, self._lengths = tastes[self._taste]
        self._characters = written_in(encoding, characters)
        self._words = [written_in(encoding, word) for word in WORDS]
        self._empty = random.choice((0, 0, 0.1, 0.5))
        self._same = self._another() if random.random() < 0.1 else None

    def one(self) -> str:
        """Return a text, the empty one among others."""
        if self._random.random() < self._empty:
            return ""
        return self._another() if self._same is None else self._same

    def _another(self) -> str:
        random = self._random
        if self._taste == "words":
            return " ".join(random.choices(self._words, k=random.randint(1, 4)))
        return "".join(random.choices(self._characters, k=random.choice(self._lengths)))


def typed_text(random: Random, kind: str) -> str:
    """Return the text of a value of a type of the schema."""
    number = random.choice((0, 1, -1, 7, 255, -(1 << 31), (1 << 63) - 1, random.getrandbits(40)))
    match kind:
        case "integer":
            return str(number)
        case "float":
            return random.choice((repr(random.gauss(0, 1e3)), "1e300", "-0", "nan", "inf", ".5"))
        case "boolean":
            return random.choice(("true", "false", "TRUE"))
        case "date":
            year, month, day = random.randint(1, 9999), random.randint(1, 12), random.randint(1, 28)
            return f"{year:04}-{month:02}-{day:02}"
        case "timestamp":
            zone = random.choice(("", "Z", "+02:00", "-0330"))
            return f"{typed_text(random, 'date')}T{random.randrange(24):02}:59:00.5{zone}"
        case _:
            return f"{number}.{random.randrange(1000):03}"
