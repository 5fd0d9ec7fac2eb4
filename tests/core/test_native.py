"""The compiled core, held against Python's csv, OpenSSL's AEADs, Tink and the plain engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.core.choice import LIBRARY
from piienc.core.interface import ColumnKey, Dialect, Strings, Unreadable, Unwritable
from piienc.core.native import NativeEngine
from piienc.core.plain import PlainEngine
from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from piienc.core.interface import Engine, FoundRecords

PLAIN = PlainEngine()
LOADED = NativeEngine.load(LIBRARY)
SEARCHABLE = ColumnKey("searchable", SecretBytes(bytes(range(64))), b"people.name", b"\x01abcd")
SEALED = ColumnKey("sealed", SecretBytes(bytes(range(32))), b"people.note", b"\x01efgh")
LENGTHS = [*range(70), 1008, 1023, 1024, 1025, 1040, 5000]


@pytest.fixture
def engine() -> NativeEngine:
    assert LOADED is not None
    return LOADED


def column(records: FoundRecords, number: int) -> object:
    """Return a column's values, or the place of what cannot be read."""
    try:
        return records.column(number).to_list()
    except Unreadable as error:
        return error.row, error.column


def found(engine: Engine, data: bytes, dialect: Dialect, columns: int, *, final: bool) -> object:
    """Return all that an engine finds in some data."""
    with engine.find(data, dialect, columns, final=final) as records:
        values = [column(records, number) for number in range(records.columns)]
        return (
            records.count, records.columns, records.size, records.lines, records.fault,
            list(records.starts()), values,
        )  # fmt: skip


def spliced(
    engine: Engine, data: bytes, dialect: Dialect, values: list[bytes | None], dropped: set[int]
) -> object:
    """Return what an engine makes of some data, with new values in all columns that it can."""
    with engine.find(data, dialect, 0, final=True) as records:
        dropped = {number for number in dropped if number < records.columns}
        if len(dropped) == records.columns:
            return None
        changes = {
            number: Strings.of(
                [values[(number + row) % len(values)] for row in range(records.count)]
            )
            for number in range(0, records.columns, 2)
            if number not in dropped
        }
        try:
            written = records.spliced(changes, dropped)
            return written.data, list(written.starts)
        except Unwritable as error:
            return error.row, error.column


ODD = b',;|"\\#\r\nN ab\xff'


@st.composite
def dialects(draw: Callable[..., object]) -> Dialect:
    """Dialects over few bytes, so that these meet often."""
    kinds = {
        "delimiter": st.sampled_from([b",", b",", b";", b"||", b"|,", b"ab"]),
        "quote": st.sampled_from([b'"', b'"', b"", b"'"]),
        "escape": st.sampled_from([b"", b"", b"\\"]),
        "comment": st.sampled_from([b"", b"", b"#", b"##", b"N"]),
        "nulls": st.sampled_from([(b"",), (), (b"", b"N"), (b"\\N",), (b"#", b"")]),
        "line_end": st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b"\r\r\n"]),
        "lenient": st.booleans(),
        "trailing": st.booleans(),
    }
    return draw(st.fixed_dictionaries(kinds).map(_dialect).filter(bool))


def _dialect(parts: dict[str, object]) -> Dialect | None:
    try:
        return Dialect(**parts)
    except ConfigError:
        return None


PIECES = [
    *(b",", b",", b";", b"||", b"|", b'"', b'"', b'""', b"\\", b"#", b"\n", b"\n", b"\r\n"),
    *(b"\r", b"N", b"a", b"ab", b"\xff", b"value of some length", b"',", b"\r\r\n", b'","'),
    *(b'"\n"', b"a,b\n"),
]
DATA = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)
VALUES = st.lists(
    st.none() | st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join), min_size=1, max_size=9
)


@settings(max_examples=2000, deadline=None)
@given(DATA, dialects(), st.integers(0, 4), st.booleans())
def test_finds_what_the_plain_engine_finds(data, dialect, columns, final):
    """Records, values, and what is wrong at which place, in every dialect."""
    assert LOADED is not None
    native, plain = (
        found(engine, data, dialect, columns, final=final) for engine in (LOADED, PLAIN)
    )
    assert native == plain


@settings(max_examples=2000, deadline=None)
@given(DATA, dialects(), VALUES, st.sets(st.integers(0, 3)))
def test_writes_what_the_plain_engine_writes(data, dialect, values, dropped):
    """Bytes, or the place of the value that cannot be written."""
    assert LOADED is not None
    assert spliced(LOADED, data, dialect, values, dropped) == spliced(
        PLAIN, data, dialect, values, dropped
    )


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF\x02\x01\x01" + bytes(57)])
def test_core_that_cannot_be_loaded_gives_way_to_the_plain_engine(tmp_path, content):
    """A wheel of another machine still works, and `piienc` says that it is slow."""
    (tmp_path / "_core.so").write_bytes(content)
    assert NativeEngine.load(tmp_path / "_core.so") is None
    assert NativeEngine.load(tmp_path / "none.so") is None


def test_library_of_something_else_gives_way_to_the_plain_engine():
    """One that has not our doors."""
    import _ctypes

    assert NativeEngine.load(Path(_ctypes.__file__)) is None
