r"""Regular expressions of schemas, profiles and finders, by RE2.

RE2 takes time that grows with the text and never explodes, whatever the expression: a backtracking
engine needs hours for `(a+)+b` on 34 characters, and a stranger chooses the characters. Arrow
brings RE2, and reads text as UTF-8: `.` is any character but a line feed, and `[é]`, `\p{L}` and
`(?i)` know all of Unicode. `\d`, `\w`, `\s` and `\b` know ASCII alone. This is so for all values.
"""

from __future__ import annotations

import re

from piienc.lazy import module

pa, compute = module("pyarrow"), module("pyarrow._compute")

_REMEDIES = {
    "invalid perl operator": (
        "it has no look-ahead, no look-behind, no atomic groups and no comments; "
        "say it without them"
    ),
    "invalid escape sequence": (
        r"it has no references to groups; the end of the text is \z, a character \x{E9}"
    ),
    "bad repetition operator": "it has no possessive quantifiers; write one sign",
    "invalid repetition size": "at most 1000 times, those of nested groups multiplied",
}
_BRACES = re.compile(r"\\.|\{([^{}]*)\}", re.DOTALL)
_MOST_DIGITS = 8  # of a number of repetitions that RE2 takes for one


def mistake_in(expression: str) -> str | None:
    """Tell why RE2 cannot take an expression, with what to do about it; None if it can."""
    for match in _BRACES.finditer(expression):
        if match[1] is None or not _is_other_repetition(match[1]):
            continue
        braces = match[0]
        return f"RE2 takes {braces} for text; write {{0,9}}, up to 1000, or \\{braces} for the text"
    try:
        for each in (expression, whole(expression)):  # the first refuses `a)|(b`
            found_in("", each)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        remedy = _REMEDIES.get(reason.partition(":")[0])
        return f"not a regular expression of RE2: {reason}{f'; {remedy}' if remedy else ''}"
    return None


def _is_other_repetition(braces: str) -> bool:
    """Tell whether what stands in braces is text in RE2, and elsewhere a number of repetitions.

    The difference would be too quiet.
    """
    least, _, most = braces.partition(",")
    digits = least + most
    too_long = max(len(least), len(most)) > _MOST_DIGITS
    return digits.isascii() and digits.isdigit() and (not least or too_long)


def whole(expression: str) -> str:
    """Return an expression that only whole texts match."""
    return rf"\A(?:{expression})\z"


def found_in(text: str, expression: str) -> bool:
    """Tell whether an expression, of which nothing is wrong, has a match in a text.

    Args:
        text: any; unpaired surrogates are taken for U+FFFD.
        expression: see `mistake_in`.
    """
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    options = compute.MatchSubstringOptions(expression)
    matches = compute.call_function("match_substring_regex", [pa.array([valid])], options)
    return bool(matches[0].as_py())
