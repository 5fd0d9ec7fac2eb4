"""The words of reports: verdicts, numbers of rows, and names made harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from reports_made import ALL, CLEAN, FULL, HOSTILE, LARGE, LOCKED

from piienc.report.formats import FORMATS
from piienc.report.groups import FindingGroup, groups, leaks, unchecked
from piienc.report.model import Finding
from piienc.report.words import line_of, percent, reason, rows_of, verdict, visible


@pytest.mark.parametrize(
    ("report", "word", "why"),
    [
        (CLEAN, "PASSED", "nothing was found in 5,000 rows and 3 columns"),
        (
            replace(CLEAN, counts={"leak": 1}),
            "PASSED with warnings",
            "1 warning in 5,000 rows and 3 columns",
        ),
        (
            LOCKED,
            "INCOMPLETE",
            (
                "nothing was found in 5,000 rows and 3 columns; "
                "not all could be checked, for lack of the key vault"
            ),
        ),
        (LARGE, "FAILED", "10,750 errors in 1,000,000 rows and 300 columns"),
        (
            FULL,
            "TAMPERED",
            (
                "3,033 errors and 4,984 warnings in 5,000 rows and 5 columns; "
                "cells are not authentic: changed, or of another key or context"
            ),
        ),
    ],
)
def test_verdict_says_what_the_exit_code_says(report, word, why):
    """A word for each exit code, and one sentence for why."""
    assert (verdict(report), reason(report)) == (word, why)


@pytest.mark.parametrize(
    ("rows", "count", "text"),
    [
        ([17, 18, 40], 3_015, "rows 17, 18, 40 and 3,012 more"),
        ([17, 18, 40, 41], 4, "rows 17, 18, 40 and 1 more"),
        ([3], 1, "row 3"),
        ([3], 2, "rows 3 and 1 more"),
        ([1, 2_000], 2, "rows 1, 2,000"),
        ([None], 1, ""),
        ([], 7, "7 findings"),
    ],
)
def test_rows_of_a_group_are_the_first_and_a_number(rows, count, text):
    """The first three are named, and the rest is counted."""
    findings = tuple(Finding(row, "c", "type", "d") for row in rows)
    assert rows_of(FindingGroup("c", "type", "error", count, findings)) == text


def test_groups_begin_with_the_gravest():
    """What gives values away, then errors by their number, then warnings."""
    assert [(one.column, one.rule, one.count) for one in groups(FULL)] == [
        ("email", "authentic", 3_015),
        ("gone", "columns", 1),
        ("stray", "columns", 1),
        ("id", "unique", 12),
        ("phone", "max_length", 2),
        (None, "rows", 1),
        ("id", "type", 1),
        ("phone", "personal", 4_983),
        ("email", "leak", 1),
    ]


@pytest.mark.parametrize("name", ALL)
def test_groups_lose_no_finding(name):
    """All that was counted is in a group, and all that is listed too."""
    report = ALL[name]
    found = groups(report)
    assert sum(one.count for one in found) == sum(report.counts.values())
    listed = [finding for one in found for finding in one.findings]
    assert sorted(map(repr, listed)) == sorted(map(repr, report.findings))


def test_groups_of_findings_that_are_counted_only_are_there():
    """With no finding listed, the numbers are shown in the rules' own words."""
    found = groups(replace(FULL, findings=()))
    assert sum(one.count for one in found) == sum(FULL.counts.values())
    assert found[0].detail == (
        "it is not so that a ciphertext is authentic under the column's key and context"
    )


def test_leaks_are_of_counted_columns_and_open_questions_of_all():
    """Each with its column."""
    assert [(one.column, one.distinct, one.cells) for one in leaks(FULL)] == [("email", 7, 5_000)]
    assert unchecked(LOCKED) == [
        ("note", "authentic", "key vault is not there"),
        ("note", "value", "key vault is not there"),
    ]


@pytest.mark.parametrize(
    ("name", "wrapped", "line"),
    [
        ("x.csv", False, 18),
        ("x.CSV", False, 18),
        ("x.csv.gz", False, None),
        ("x.parquet", False, None),
        ("x.csv", True, None),
        ("-", False, None),
    ],
)
def test_line_is_told_only_where_the_file_has_lines(name, wrapped, line):
    """A compressed or wrapped file has none that an editor would show."""
    file = replace(CLEAN.file, name=name)
    assert line_of(replace(CLEAN, file=file, wrapped=wrapped), 17) == line
    assert line_of(CLEAN, None) is None


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_percent_says_all_or_nothing_only_where_it_is_so(part, rest):
    """A single failure in a million is not zero."""
    whole = part + rest
    assert (percent(part, whole) == "0%") is (part == 0)
    assert (percent(part, whole) == "100%") is (part == whole and part > 0)


@given(st.text(st.characters()) | st.sampled_from(HOSTILE))
def test_visible_text_is_printable_and_short(text):
    """Whatever a name holds, one line of bounded length comes out, and plain names stay."""
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    assert shown.encode("utf-8").decode("utf-8") == shown
    if text.isprintable() and len(text) <= 200:
        assert shown == text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ALL)
def test_every_form_takes_every_report(form, name):
    """All text ends with a line break and is without control characters and marks of direction."""
    text = FORMATS[form](ALL[name])
    assert text.endswith("\n")
    assert text.encode("utf-8")
    assert [one for one in text if not one.isprintable() and one != "\n"] == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_the_same_for_the_same_report(form):
    """A report is a function of what was found: no clock, no place."""
    assert FORMATS[form](FULL) == FORMATS[form](FULL)
