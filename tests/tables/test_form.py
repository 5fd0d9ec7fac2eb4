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


def test_format_becomes_bytes_of_the_encoding_where_these_are_read_as_they_are():
    """A broken bar is one of them in Latin-1; a bar may be a part of a character in Shift JIS."""
    form = CsvFormat("¦", encoding="Latin1", nulls=("né",), byte_order_mark=True)
    assert (form.charset, form.mark) == ("iso8859-1", b"")
    assert form.dialect == Dialect(b"\xa6", nulls=(b"n\xe9",))
    assert CsvFormat(",", encoding="cp932").charset == "cp932"
    assert CsvFormat("|", encoding="cp932").charset == "utf-8"
    assert CsvFormat(encoding="utf-16-le", byte_order_mark=True).mark == b"\xef\xbb\xbf"
    assert CsvFormat(encoding="gb18030", byte_order_mark=True).mark == "\ufeff".encode("gb18030")


def test_characters_that_exclude_each_other_are_refused():
    """Nobody could tell one from the other."""
    with pytest.raises(ConfigError, match="share a byte"):
        _ = CsvFormat("|", "|").dialect
