"""How a CSV file is written, in bytes."""

import pytest

from piienc.core import Dialect
from piienc.errors import ConfigError
from piienc.tables import CsvFormat


def test_usual_format_is_the_usual_dialect():
    """Comma, double quotes, and an empty field that is null."""
    assert CsvFormat().dialect == Dialect()


def test_format_becomes_bytes_of_utf_8():
    """A broken bar is two of them."""
    flags = {"lenient": True, "trailing": True}
    form = CsvFormat("¦", "", nulls=("né",), escape="\\", comment="--", line_end="\r", **flags)
    nulls = ("né".encode(),)
    expected = Dialect("¦".encode(), b"", b"\\", b"--", nulls, b"\r", **flags)
    assert form.dialect == expected


def test_characters_that_exclude_each_other_are_refused():
    """Nobody could tell one from the other."""
    with pytest.raises(ConfigError, match="share a byte"):
        _ = CsvFormat("|", "|").dialect
