"""A verification's report on a terminal and off it: whole outputs, harmless, never too wide."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from reports_made import ALL, CLEAN, EMPTY, FULL, HOSTILE_NAMES, LARGE, LOCKED

from piienc.cli import report as shown_report
from piienc.errors import IncompleteError
from piienc.report.formats import FORMATS

_ESCAPE = re.compile(r"\x1b\[[\d;]*m")
_SUPPORT = Path(__file__).parents[1] / "support"
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from reports_made import ALL
from piienc.cli.report import show
show(ALL[sys.argv[2]])
"""


def _plain(capsys, report):
    """Return what is shown off a terminal, without the blanks at the ends of lines."""
    shown_report.show(report)
    ended = capsys.readouterr()
    assert ended.err == ""
    return "".join(f"{line.rstrip()}\n" for line in ended.out.splitlines())


def _on_terminal(name: str, width: int, **environment: str) -> str:
    """Return what a terminal of that width gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {key: v for key, v in os.environ.items() if key not in {"COLUMNS", "NO_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, _SUPPORT, name],
        stdin=theirs,
        stdout=theirs,
        env=kept | {"TERM": "xterm-256color"} | environment,
    ) as process:
        os.close(theirs)
        found = b""
        while part := _read(ours):
            found += part
    os.close(ours)
    assert process.returncode == 0
    return found.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # so Linux says that the other end is closed
        return b""


def test_clean_report_is_a_verdict_and_a_table(capsys):
    """Off a terminal, it is plain text."""
    assert _plain(capsys, CLEAN) == (
        "PASSED: exports/people.enc.csv: nothing was found in 5,000 rows and 3 columns\n"
        "columns\n"
        "\n"
        "  column   nulls   encrypted   authentic   failures   suspicious\n"
        " ────────────────────────────────────────────────────────────────\n"
        "  id       0       -           -           0          -\n"
        "  email    0       5,000       5,000       0          -\n"
        "  note     2,000   3,000       3,000       0          -\n"
        "\n"
        "what equal values show\n"
        "  email: 4,800 different values in 5,000 cells, the most frequent in 0.1% of them\n"
    )


def test_full_report_has_the_first_rows_and_what_to_do(capsys):
    """Errors, warnings, what equal values show: the gravest first, with hints."""
    text = _plain(capsys, FULL)
    assert text[text.index("errors\n") :] == (
        "errors\n"
        "  email: authentic: not authentic: rows 17, 18, 40 and 3,012 more\n"
        "  gone: columns: the file lacks it\n"
        "  stray: columns: the schema does not name it\n"
        "  id: unique: stands in row 2 already: rows 5, 9 and 10 more\n"
        "  phone: max_length: longer than 80 characters: rows 40, 41\n"
        "  the file: rows: 5,000 rows here, 5,001 rows there\n"
        "  id: type: not an integer: row 3\n"
        "  hint: authentic: compare the file with its original; "
        "see which key wrote it: piienc inspect\n"
        "warnings\n"
        "  phone: personal: 4,983 cells look like phone numbers\n"
        "  email: leak: 7 different values; 82.0% of the cells are alike\n"
        "  hint: personal: mark the column, if it holds personal data: piienc schema mark\n"
        "  hint: leak: seal the column, unless it must be joined or looked up\n"
        "also\n"
        "  the ledger does not know this file\n"
        "what equal values show\n"
        "  email: 7 different values in 5,000 cells, the most frequent in 82.0% of them\n"
    )


def test_report_without_a_key_says_what_was_not_checked(capsys):
    """It stands last, where one looks."""
    assert _plain(capsys, LOCKED).endswith(
        "not checked\n"
        "  note: authentic: key vault is not there\n"
        "  note: value: key vault is not there\n"
    )


def test_report_without_columns_has_no_table(capsys):
    """The verdict is all there is."""
    assert _plain(capsys, EMPTY) == "PASSED: -: nothing was found in 0 rows and 0 columns\n"


def test_report_with_many_findings_shows_twenty_groups(capsys):
    """The rest is a number."""
    text = _plain(capsys, LARGE)
    assert text.count(": pattern: ") == 20
    assert text.endswith("  23 more columns and rules: see the whole report\n")


@pytest.mark.parametrize("name", ALL)
def test_report_holds_no_control_characters_off_a_terminal(capsys, name):
    """Whatever columns and files are called."""
    text = _plain(capsys, ALL[name])
    assert [one for one in text if not one.isprintable() and one != "\n"] == []


def test_hostile_names_stay_text(capsys):
    """No markup of ours, no emoji, and no line that somebody else began."""
    text = _plain(capsys, HOSTILE_NAMES)
    assert "[bold]markup[/bold] :smile:" in text
    assert not re.search("^::error", text, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", ["full", "locked", "hostile"])
def test_report_is_never_wider_than_the_terminal(name, width):
    """Lines are broken between words, and a long name is folded."""
    lines = _ESCAPE.sub("", _on_terminal(name, width)).splitlines()
    assert max(map(len, lines)) <= width


def test_numbers_are_whole_on_a_usual_terminal():
    """With names of 200 characters beside them."""
    text = _ESCAPE.sub("", _on_terminal("hostile", 80))
    table = text[text.index("columns\n") : text.index("errors\n")]
    assert not re.search(r"\d…|[a-z]… ", table.replace("glonglon…", ""))
    assert re.search(r"column +nulls +encrypted +authentic +failures +suspicious", table)


def test_verdict_is_coloured_on_a_terminal_unless_that_is_not_wanted():
    """NO_COLOR is respected."""
    assert _on_terminal("clean", 80).startswith("\x1b[1;32mPASSED: ")
    assert "\x1b[1;31mTAMPERED: " in _on_terminal("full", 80)
    plain = _on_terminal("full", 80, NO_COLOR="1")
    assert "TAMPERED: " in plain
    assert not re.search(r"\x1b\[(?:\d;)*3\d", plain)


def test_summary_of_a_github_step_is_added_to_what_is_there(tmp_path, monkeypatch):
    """Where there is no such step, nothing is written."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    shown_report.add_summary(CLEAN)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    shown_report.add_summary(CLEAN)
    assert summary.read_text("utf-8") == f"before\n{FORMATS['markdown'](CLEAN)}"
    assert list(tmp_path.iterdir()) == [summary]


def test_summary_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    """As any output that is not whole."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "gone" / "summary.md"))
    with pytest.raises(IncompleteError, match=r"summary\.md"):
        shown_report.add_summary(CLEAN)
