"""What is told on standard error, by however many threads."""

from __future__ import annotations

import io
import sys

import pytest

from piienc.cli import ui


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
