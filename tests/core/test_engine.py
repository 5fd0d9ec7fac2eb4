"""What engines are given and return: strings as Arrow lays them out, and dialects."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.core import Dialect, Strings
from piienc.errors import ConfigError

KINDS = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]


@given(cells=st.lists(st.none() | st.text(max_size=4), max_size=20))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_strings_are_those_of_arrow(cells, kind):
    """Its buffers are taken as they are, and nulls are where it has them."""
    known = [cell if cell is None else cell.encode() for cell in cells]
    array = pa.array(known if pa.types.is_binary(kind) or "binary" in str(kind) else cells, kind)
    validity, offsets, data = (each and memoryview(each) for each in array.buffers())
    strings = Strings(len(array), offsets or b"\0" * 8, data or b"", validity, "large" in str(kind))
    assert strings.to_list() == known


@given(cells=st.lists(st.none() | st.binary(max_size=4), max_size=20))
def test_strings_that_are_laid_out_are_read_by_arrow(cells):
    """Without a bitmap where none is null."""
    strings = Strings.of(cells)
    assert strings.to_list() == cells
    buffers = [
        each if each is None else pa.py_buffer(bytes(each))
        for each in (strings.validity, strings.offsets, strings.data)
    ]
    assert pa.Array.from_buffers(pa.binary(), len(cells), buffers).to_pylist() == cells
    assert (strings.validity is None) == (None not in cells)


def test_strings_may_begin_anywhere_in_their_data():
    """As a slice of an Arrow array does."""
    offsets = memoryview(Strings.of([b"abc", b"de", None, b"f"]).offsets)[1:]
    assert Strings(3, offsets, b"abcdef", b"\x05").to_list() == [b"de", None, b"f"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"delimiter": b""}, "one to four bytes"),
        ({"delimiter": b"12345"}, "one to four bytes"),
        ({"delimiter": b"\n"}, "line end"),
        ({"delimiter": b"|\r"}, "line end"),
        ({"quote": b"''"}, "one byte"),
        ({"quote": b","}, "share a byte"),
        ({"delimiter": b'|"'}, "share a byte"),
        ({"escape": b"\\\\"}, "one byte"),
        ({"escape": b'"'}, "share a byte"),
        ({"escape": b"\\", "delimiter": b"|\\"}, "share a byte"),
        ({"comment": b"#####"}, "four bytes"),
        ({"comment": b"#,"}, "share a byte"),
        ({"comment": b'"'}, "share a byte"),
        ({"nulls": (b"a,b",)}, "null text"),
        ({"nulls": (b"", b'"')}, "null text"),
        ({"nulls": (b"a\n",)}, "null text"),
        ({"line_end": b"\n\r"}, "CRLF"),
    ],
)
def test_dialect_that_contradicts_itself_is_refused(options, what):
    """Nobody could tell how its files are meant."""
    with pytest.raises(ConfigError, match=what):
        Dialect(**options)


def test_dialects_of_many_programs_are_accepted():
    """A delimiter may be any character of up to four bytes, and a comment may begin with it not."""
    Dialect(b"::", b"'", b"\\", b"//", (b"\\N", b"NULL", b""), b"\r", lenient=True)
    Dialect("¦".encode(), b"", b"", b"--")
    Dialect(b"\x01", b"\x02")
