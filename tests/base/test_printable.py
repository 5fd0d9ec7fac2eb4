"""Foreign text is made printable, and what can be read stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.printable import printable

NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("é 漢字 Ελλάδα עברית العربية", "é 漢字 Ελλάδα עברית العربية"),
        ("❤️ 👍🏽 🇩🇪 👩‍👩‍👧‍👦 🏳️‍🌈", "❤️ 👍🏽 🇩🇪 👩‍👩‍👧‍👦 🏳️‍🌈"),
        ("a\x1b[2Kb\r\n\tc\x07\x7f", r"a\x1b[2Kb\r\n\tc\x07\x7f"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("\u202eabc\u2066\u200f", r"\u202eabc\u2066\u200f"),
        ("a\u200bb\u200dc\ufeff\u00ad", r"a\u200bb\u200dc\ufeff\xad"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
        ("\udcff\ud800", r"\udcff\ud800"),
        ("\u3164\u2800\ufe00", r"\u3164\u2800\ufe00"),
    ],
)
def test_text_shows_all_that_is_in_it(text, expected):
    """Escapes for what moves, hides or reorders; letters of all scripts and emoji as they are."""
    assert printable(text) == expected


def test_layout_may_be_kept():
    """A report has lines of its own."""
    assert printable("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"


@given(st.text(st.characters(codec=None)))
def test_no_text_comes_through_raw(text):
    """Whatever it is: it can be encoded, and changes nothing a second time."""
    shown = printable(text)
    shown.encode()
    joined = shown.replace("\u200d", "")
    assert not NOT_SHOWN & {unicodedata.category(one) for one in joined}
    assert printable(shown) == shown
