"""The report as workflow commands of GitHub, and as a step's summary."""

import re

from markdown_it import MarkdownIt
from msgspec.structs import replace
from reports_made import ALL, CLEAN, EMPTY, FULL, HOSTILE, HOSTILE_NAMES, LARGE, LOCKED

from piienc.report.formats.as_github import github
from piienc.report.formats.as_markdown import MOST_BYTES, markdown
from piienc.report.model import ColumnReport

_COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::([^\r\n]*)")


def test_github_begins_with_the_verdict_and_goes_on_with_the_gravest():
    """One annotation for a column and rule, at the first row's line."""
    at = "file=exports/people.enc.csv"
    assert github(FULL) == (
        f"::error {at},title=piienc verify%3A TAMPERED::3,033 errors and 4,984 warnings in "
        "5,000 rows and 5 columns; "
        "cells are not authentic: changed, or of another key or context\n"
        f"::error {at},line=18,title=email%3A authentic::"
        "rows 17, 18, 40 and 3,012 more: not authentic\n"
        f"::error {at},title=gone%3A columns::the file lacks it\n"
        f"::error {at},title=stray%3A columns::the schema does not name it\n"
        f"::error {at},line=6,title=id%3A unique::"
        "rows 5, 9 and 10 more: stands in row 2 already\n"
        f"::error {at},line=41,title=phone%3A max_length::"
        "rows 40, 41: longer than 80 characters\n"
        f"::error {at},title=the file%3A rows::5,000 rows here, 5,001 rows there\n"
        f"::error {at},line=4,title=id%3A type::row 3: not an integer\n"
        f"::warning {at},title=phone%3A personal::4,983 cells look like phone numbers\n"
        f"::warning {at},title=email%3A leak::"
        "7 different values; 82.0%25 of the cells are alike\n"
        f"::warning {at},title=warning::the ledger does not know this file\n"
    )


def test_github_says_that_nothing_was_found():
    """A notice, so that the run shows what was verified; standard input has no place."""
    assert github(EMPTY) == (
        "::notice title=piienc verify%3A PASSED::nothing was found in 0 rows and 0 columns\n"
    )


def test_github_says_what_was_not_checked():
    """A missing key is an error, and what hangs on it are notices; Parquet has no lines."""
    at = "file=people.parquet.pgp"
    assert github(LOCKED) == (
        f"::error {at},title=piienc verify%3A INCOMPLETE::nothing was found in 5,000 rows and "
        "3 columns; not all could be checked, for lack of the key vault\n"
        f"::notice {at},title=note%3A not checked%3A authentic::key vault is not there\n"
        f"::notice {at},title=note%3A not checked%3A value::key vault is not there\n"
    )


def test_github_stays_within_what_is_shown_of_a_step(report):
    """Ten of each level, and it is told how many are left out."""
    lines = github(report).splitlines()
    levels = [line.partition(" ")[0] for line in lines]
    for level in ("::error", "::warning", "::notice"):
        assert levels.count(level) <= 10


def test_github_tells_how_many_are_left_out():
    """43 columns with errors: nine are shown beside the verdict."""
    lines = github(LARGE).splitlines()
    assert len(lines) == 10
    assert lines[0].endswith("; 34 annotations left out here: see the whole report")
    many = replace(CLEAN, warnings=tuple(f"warning {n}" for n in range(25)))
    assert github(many).count("\n::warning ") == 10
    assert "; 15 annotations left out here" in github(many)


def test_github_commands_cannot_be_forged(report):
    """Every line is a command of ours, whose properties are those that we give."""
    for line in github(report).splitlines():
        command = _COMMAND.fullmatch(line)
        assert command, line
        names = [one.partition("=")[0] for one in command[2].split(",")]
        assert names in (["title"], ["file", "title"], ["file", "line", "title"])


def test_summary_shows_the_names_as_they_are(report):
    """Shown as HTML, the columns' names are text: no tag, link or emphasis comes out of them."""
    shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown(report))
    tags = set(re.findall(r"</?([a-z0-9]+)", shown))
    assert tags <= {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}
    for line in markdown(report).splitlines():
        assert "@" not in line
        assert line.count("|") in (0, 2, 3, 4, 5, 7, 9)


def test_summary_of_hostile_names_has_all_columns():
    """Each name is in a cell of its own, and no table breaks."""
    shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown(HOSTILE_NAMES))
    columns = shown.partition("<h3>Columns</h3>")[2]
    assert columns.count("<tr>") == 1 + len(HOSTILE)
    assert columns.count("<td") == 8 * len(HOSTILE)


def test_summary_of_a_clean_file_is_short():
    """The whole of it."""
    assert markdown(CLEAN) == (
        "## ✅ piienc verify: PASSED\n\n"
        "nothing was found in 5,000 rows and 3 columns.\n\n"
        "| what | value |\n| --- | --- |\n"
        "| file | exports&#47;people.enc.csv, 118,000,000 bytes |\n"
        f"| file's SHA-256 | {'ab' * 32} |\n"
        "| schema | people, version 3, schema.toml |\n"
        f"| schema's SHA-256 | {'cd' * 32} |\n"
        "| expected | encrypted |\n"
        "| key ids | 1111111111, 2222222222 |\n"
        "| verified | 2026-11-24T18&#58;00&#58;00Z, in 1.2 s |\n"
        "| by | piienc 0.1.0 |\n\n"
        "### Columns\n\n"
        "| column | type | key | nulls | encrypted | authentic | failures | suspicious |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| <code>id</code> | integer | - | 0 | - | - | 0 | 0 |\n"
        "| <code>email</code> | string | lookup (searchable) | 0 | 5,000 | 5,000 | 0 | 0 |\n"
        "| <code>note</code> | string | vault (sealed) | 2,000 | 3,000 | 3,000 | 0 | 0 |\n\n"
        "### What equal values show\n\n"
        "| column | distinct | most frequent | share |\n| --- | --- | --- | --- |\n"
        "| <code>email</code> | 4,800 | 3 | 0.1% |\n"
    )


def test_summary_is_cut_at_a_line_below_the_limit():
    """GitHub shows nothing of a summary that is too large."""
    wide = {f"{n}{'*' * 200}": ColumnReport("string", marked=False) for n in range(2_000)}
    text = markdown(replace(CLEAN, columns=wide))
    assert MOST_BYTES - 2_000 < len(text.encode()) <= MOST_BYTES < 2**20
    assert text.endswith("|\n\nThe rest is left out: see the whole report.\n")
    assert all(len(markdown(one).encode()) <= MOST_BYTES for one in ALL.values())
