r"""Regular expressions by RE2: what they mean, what is refused, and how long they take."""

import re
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.regex import found_in, mistake_in, whole
from piienc.checks import checks_of, finders_of, search
from piienc.schema import Column
from piienc.schema.finder import OwnFinder
from piienc.schema.model import Schema

TEXTS = st.text(
    st.one_of(
        st.sampled_from("aAbB09_ -.\n\r\t\f\v\0é\u0301Éßẞ\u03c3ςΣ漢😀٣\x85\xa0\u2028\ufeff\u017fK"),
        st.characters(),
    ),
    max_size=6,
)

# Each as RE2 has it, and as Python says the same.
ATOMS = st.one_of(
    st.sampled_from("aAbB0_ -é漢😀٣ß\u03c3\u017f\n").map(lambda one: (one, re.escape(one))),
    st.sampled_from(
        [
            (".", "."),
            (r"\d", "[0-9]"),
            (r"\D", "[^0-9]"),
            (r"\w", "[0-9A-Za-z_]"),
            (r"\W", "[^0-9A-Za-z_]"),
            (r"\s", r"[\t\n\f\r ]"),
            (r"\S", r"[^\t\n\f\r ]"),
            ("[à-üa]", "[à-üa]"),
            ("[^é漢]", "[^é漢]"),
            (r"[^\w.-]", "[^0-9A-Za-z_.-]"),
            (r"\b", r"(?a:\b)"),
            ("^", "^"),
            ("$", r"\Z"),
            (r"\x{E9}", "é"),
            ("(?i:é)", "(?i:é)"),
            ("(?i:k)", "(?i:k)"),
            ("(?i:[a-c\u03c3])", "(?i:[a-c\u03c3])"),
            ("(?s:.)", "(?s:.)"),
            ("", ""),
        ]
    ),
)
QUANTIFIERS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,3}?"])


def _extended(inner):
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: _both("{}{}", *two)),
        st.tuples(inner, inner).map(lambda two: _both("(?:{}|{})", *two)),
        inner.map(lambda one: _both("({})", one)),
        st.tuples(inner, QUANTIFIERS).map(
            lambda pair: tuple(f"(?:{each}){pair[1]}" for each in pair[0])
        ),
    )


def _both(form, *parts):
    return tuple(form.format(*each) for each in zip(*parts, strict=True))


@given(st.recursive(ATOMS, _extended, max_leaves=6), st.lists(TEXTS, max_size=8))
def test_expressions_judge_any_text_as_python_does(expression, texts):
    """Whole values and parts of them, ASCII or not, alone or among others."""
    ours, pythons = expression
    assert mistake_in(ours) is None
    by_rule = checks_of(Column(type="string", pattern=ours), pa.string())
    failing = by_rule[0].failing(pa.array(texts, pa.string())).tolist() if by_rule else []
    assert failing == [
        at for at, text in enumerate(texts) if not re.fullmatch(pythons, text)
    ]  # fmt: skip
    for text in texts:
        assert found_in(text, ours) == bool(re.search(pythons, text))
        assert found_in(text, whole(ours)) == bool(re.fullmatch(pythons, text))


@pytest.mark.parametrize(
    ("expression", "matches", "others"),
    [
        (r"\d+", ["12"], ["١٢", "१"]),
        (r"\w+", ["a_1"], ["é", "漢"]),
        (r"[\p{L}\p{M}]+", ["é", "e\u0301", "漢字", "A"], ["1", "-"]),
        (r"\s", [" ", "\t", "\n"], ["\xa0", "\u2003", "\v", "\x1c"]),
        (".", ["é", "漢", "😀", "\r", "\u2028"], ["\n", "e\u0301", ""]),
        ("(?i)straße", ["STRAẞE", "\u017ftraße"], ["STRASSE"]),
        ("a$", ["a"], ["a\n"]),
        (r"\x{1F600}", ["😀"], ["😁"]),
    ],
)  # fmt: skip
def test_meaning_is_what_the_page_says(expression, matches, others):
    """`docs/schema.md`: classes are ASCII, characters and cases Unicode."""
    values = [*matches, *others]
    assert [value for value in values if found_in(value, whole(expression))] == matches


NONE = "not a regular expression of RE2: "


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("[", NONE + "missing ]: ["),
        ("a)|(b", NONE + "unexpected ): a)|(b"),
        (r"\Qa", NONE + r"missing ): \A(?:\Qa)\z"),
        ("(?!x).*", NONE + "invalid perl operator: (?!; it has no look-ahead, no look-behind, no "
         "atomic groups and no comments; say it without them"),
        ("(?<=a)b", NONE + "invalid perl operator: (?<=; it has no look-ahead, no look-behind, no "
         "atomic groups and no comments; say it without them"),
        (r"(a)\1", NONE + r"invalid escape sequence: \1; it has no references to groups; "
         r"the end of the text is \z, a character \x{E9}"),
        ("a++b", NONE + "bad repetition operator: ++; it has no possessive quantifiers; write one "
         "sign"),
        ("a{1001}", NONE + "invalid repetition size: {1001}; at most 1000 times, those of nested "
         "groups multiplied"),
        ("a{,2}", r"RE2 takes {,2} for text; write {0,9}, up to 1000, or \{,2} for the text"),
        (r"\\a{,2}", r"RE2 takes {,2} for text; write {0,9}, up to 1000, or \{,2} for the text"),
        ("a{1,999999999}",
         (r"RE2 takes {1,999999999} for text; write {0,9}, up to 1000, "
          r"or \{1,999999999} for the text")),
        (r"a\{,2}", None),
        (r"(?<year>\d{4})", None),
    ],
)  # fmt: skip
def test_what_re2_cannot_do_is_refused_with_the_remedy(expression, mistake):
    """Before a value is looked at."""
    assert mistake_in(expression) == mistake


@pytest.mark.parametrize("values", [["a" * 5000, "é"], ["a" * 5000 + "é"], ["a" * 5000]])
def test_expression_that_explodes_elsewhere_ends_at_once(values):
    """One letter that is not of ASCII does not change the engine."""
    begun = time.perf_counter()
    evil = "(a+)+b"
    check = checks_of(Column(type="string", pattern=evil), pa.string())[0]
    assert check.failing(pa.array(values)).tolist() == list(range(len(values)))
    own = OwnFinder(pattern=evil, description="x", checksum="luhn")
    finders = finders_of(Schema(name="x", version=1, columns={}, finders={"own": own}))
    assert search(finders, "x", pa.array(values)) == {}
    assert not found_in(values[0], evil)
    assert time.perf_counter() - begun < 2


def test_checksum_is_asked_of_every_match_of_a_cell():
    """The first one may fail it; what stands between is text of any kind."""
    own = OwnFinder(pattern="[0-9]{4}[ßé]?", description="x", checksum="luhn")
    finders = finders_of(Schema(name="x", version=1, columns={}, finders={"own": own}))
    cells = ["1234é 0000ß", "1234 1235", "\0ÿ 0018\xff", "é", "1230é1234"]
    assert search(finders, "x", pa.array(cells))["own"].tolist() == [0, 2, 4]


def test_surrogate_in_a_name_is_a_character_that_nothing_names():
    """A file's name may have bytes that are no UTF-8."""
    assert found_in("a\udcffb", r"\Aa.b\z")
    assert not found_in("a\udcffb", r"\Aa[?]b\z")


def test_braces_without_an_end_take_no_time():
    """What is looked for in an expression is no trap itself."""
    for expression in ("{" + "1" * 100_000, "{" * 100_000, "{1" * 50_000 + "x"):
        mistake_in(expression)
