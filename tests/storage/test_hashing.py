"""Bytes that are hashed as they pass, also by a thread that reads ahead."""

import hashlib
import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.storage.hashing import ReadAhead


class Slow(io.RawIOBase):
    """A file that gives what it has in pieces of its own, and then fails, if told to."""

    def __init__(self, pieces, error=None):
        self._pieces, self._error = list(pieces), error

    def read(self, size=-1, /):
        """Give the next piece."""
        if self._pieces:
            return self._pieces.pop(0)
        if self._error:
            raise self._error
        return b""


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=50), max_size=20),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=20),
    peeked=st.integers(0, 60),
)
def test_read_ahead_gives_the_bytes_of_the_file_in_pieces_of_any_size(pieces, sizes, peeked):
    """What a user reads, peeks at and hashes is the file."""
    whole = b"".join(pieces)
    with ReadAhead(Slow(pieces)) as reader:
        assert reader.peek(peeked) == whole[:peeked]
        assert reader.count == 0
        got = b""
        for size in sizes:
            data = reader.read(size)
            assert data == whole[len(got) : len(got) + size]
            got += data
        assert reader.count == len(got)
        assert reader.sha256() == hashlib.sha256(whole).hexdigest()
        assert reader.count == len(whole)
        assert reader.read() == b""


def test_read_ahead_raises_the_files_error_in_its_place():
    """What came before the error is still given."""
    with ReadAhead(Slow([b"good"], OSError(5, "bad disk"))) as reader:
        assert reader.read(4) == b"good"
        with pytest.raises(OSError, match="bad disk"):
            reader.read(4)


def test_read_ahead_that_nobody_reads_to_its_end_leaves_no_thread():
    """A run that fails early does not wait, and does not leave anything behind."""
    before = threading.active_count()
    with ReadAhead(Slow([b"x"] * 100_000)) as reader:
        assert reader.read(1) == b"x"
    assert threading.active_count() == before
