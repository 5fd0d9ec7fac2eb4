"""What is told on standard error, by however many threads."""

from __future__ import annotations

import io
import sys

import pytest

from piienc.cli import ui
from piienc.errors import ConfigError


class _Pieces(io.StringIO):
    """Keeps apart what was written at a time."""

    def __init__(self):
        super().__init__()
        self.pieces = []

    def write(self, text):
        """Keep a piece, unless it is empty."""
        self.pieces += [text] if text else []
        return len(text)


@pytest.mark.parametrize(
    "tell", [lambda: ui.say("a line"), lambda: ui.event("left", {"file": "a.csv"})]
)
def test_line_is_written_in_one_piece(tell, monkeypatch):
    """A line and its break written one after the other would let another thread's line between."""
    monkeypatch.setattr(sys, "stderr", _Pieces())
    tell()
    (piece,) = sys.stderr.pieces
    assert piece.count("\n") == 1
    assert piece.endswith("\n")


HOSTILE = "a\x1b[31mb\u202e\r\npiienc: forged"
SHOWN = r"a\x1b[31mb\u202e\r\npiienc: forged"


class _Terminal(io.StringIO):
    def isatty(self):
        """Be one."""
        return True


@pytest.mark.parametrize(
    ("tell", "where"),
    [
        (lambda: ui.say(HOSTILE), "stderr"),
        (lambda: ui.fail(ConfigError(HOSTILE, details=[HOSTILE]), as_json=False), "stderr"),
        (lambda: ui.fail(ConfigError("x", hint=HOSTILE), as_json=False), "stderr"),
        (lambda: ui.ask(HOSTILE), "stderr"),
        (lambda: ui.data(HOSTILE.replace("\n", "")), "stdout"),
        (lambda: ui.paragraph(HOSTILE, style="bold"), "stdout"),
        (lambda: ui.table(HOSTILE, ["x"], [["y" * 60]]), "stdout"),
        (lambda: ui.table("x", [HOSTILE], [["y"]]), "stdout"),
        (lambda: ui.table("x", ["y"], [["z"], [HOSTILE]], fold=True), "stdout"),
        (lambda: ui.table("x", ["y"], [[HOSTILE]], aside=True), "stderr"),
    ],
)
def test_terminal_is_given_no_text_raw(tell, where, monkeypatch):
    """Colours are ours alone."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, _Terminal())
    tell()
    told = getattr(sys, where).getvalue()
    assert SHOWN.replace(r"\n", "") in told.replace(r"\n", "")
    assert "\x1b[31m" not in told
    assert "\u202e" not in told
    assert "\npiienc: forged" not in told


def test_progress_bar_is_given_no_text_raw(monkeypatch):
    """What it is of may be a file's name."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", _Terminal())
    with ui.progress(HOSTILE, quiet=False) as report:
        report(1, 1, 0.5)
    assert SHOWN in sys.stderr.getvalue()
