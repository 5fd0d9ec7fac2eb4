"""What is read and what is written: files and streams, named, looked at, hashed."""

import contextlib
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import IncompleteError, InputError, PolicyError
from piienc.storage import (
    FileSource,
    FileTarget,
    StreamSource,
    StreamTarget,
    refuse_same,
)
from piienc.storage.hashing import HashingReader, HashingWriter, ReadAhead

DATA = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


def test_streams_are_called_by_a_dash():
    """Messages and receipts call them as the command line does."""
    assert StreamSource(io.BytesIO()).name == StreamTarget(io.BytesIO()).name == "-"
    assert FileSource(Path("a/b.csv")).name == FileTarget(Path("a/b.csv")).name == "a/b.csv"


@contextlib.contextmanager
def _from_pipe(data):
    """Give the end of a pipe that a thread writes into."""
    end, other = os.pipe()

    def write():
        with contextlib.suppress(BrokenPipeError), os.fdopen(other, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(end, "rb") as file:
        yield StreamSource(file)
    thread.join()


@contextlib.contextmanager
def _source(kind, path):
    path.write_bytes(DATA)
    if kind == "pipe":
        with _from_pipe(DATA) as source:
            yield source
    elif kind == "redirected":
        with path.open("rb") as file:
            yield StreamSource(file)
    elif kind == "memory":
        yield StreamSource(io.BytesIO(DATA))
    else:
        yield FileSource(path)


KINDS = ["file", "redirected", "pipe", "memory"]


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_source_that_was_looked_at_is_read_whole_and_hashed(tmp_path, kind, ahead):
    """Whether it can be opened once more or not."""
    with _source(kind, tmp_path / "x") as source, source.opened(ahead=ahead) as file:
        assert file.peek(100_000) == DATA[:100_000]
        assert file.head == DATA[: len(file.head)]
        assert file.size == (len(DATA) if kind in {"file", "redirected"} else 0)
        assert file.reader.read() == DATA
        assert file.finish() == (len(DATA), SHA256)


@pytest.mark.parametrize("kind", KINDS)
def test_source_can_be_sought_whatever_it_is(tmp_path, kind):
    """A pipe is copied; its bytes are hashed all the same."""
    with _source(kind, tmp_path / "x") as source, source.opened() as file:
        with file.sought() as whole:
            whole.seek(-10, os.SEEK_END)
            assert whole.read() == DATA[-10:]
            whole.seek(0)
            assert whole.read() == DATA
        assert file.reader.sha256() == SHA256


@pytest.mark.parametrize("kind", KINDS)
def test_source_that_another_program_reads_is_hashed_beside(tmp_path, kind):
    """But for one whose bytes are read once."""
    with _source(kind, tmp_path / "x") as source, source.opened() as file:
        followed = file.followed()
        assert followed is file.followed()
        assert (followed is not None) == (kind in {"file", "redirected"})
        assert file.finish() == (len(DATA), SHA256)


def test_source_that_is_open_gives_itself(tmp_path):
    """So whoever takes a source takes one that was opened early, too."""
    (tmp_path / "x").write_bytes(DATA)
    with FileSource(tmp_path / "x").opened(ahead=True) as file, file.opened() as same:
        assert same is file
    assert file.name == str(tmp_path / "x")


@pytest.mark.parametrize("name", ["missing", "."])
def test_source_that_cannot_be_read_is_refused(tmp_path, name):
    """A folder has no bytes."""
    with pytest.raises(InputError, match="cannot read"), FileSource(tmp_path / name).opened():
        pass


def test_source_tells_the_folder_that_it_is(tmp_path):
    """Its files are worked on one by one."""
    (tmp_path / "x").touch()
    assert FileSource(tmp_path).folder == tmp_path
    assert FileSource(tmp_path / "x").folder is None
    assert StreamSource(io.BytesIO()).folder is None


def test_disk_that_fails_is_told_by_the_name_of_the_source():
    """At the beginning, and later."""

    class Failing(io.RawIOBase):
        def __init__(self, good):
            self.good = good

        def read(self, size=-1):
            self.good -= 1
            if self.good < 0:
                raise OSError(5, "Input/output error")
            return b"a" * min(size, 1 << 20)

    told = "cannot read here: Input/output error"
    with pytest.raises(InputError, match=told), StreamSource(Failing(0), "here").opened():
        pass
    with (
        StreamSource(Failing(1), "here").opened() as file,
        pytest.raises(InputError, match=told),
    ):
        file.reader.sha256()


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_output_that_is_the_input_is_refused(tmp_path, link):
    """Also through a link, and when the input was opened already."""
    (tmp_path / "x").write_bytes(DATA)
    getattr(tmp_path / "y", link)(tmp_path / "x")
    source, target = FileSource(tmp_path / "x"), FileTarget(tmp_path / "y")
    with pytest.raises(PolicyError, match="is the input"):
        refuse_same(source, target)
    with source.opened() as file, pytest.raises(PolicyError, match="is the input"):
        refuse_same(file, target)
    refuse_same(StreamSource(io.BytesIO()), target)
    refuse_same(source, StreamTarget(io.BytesIO()))
    refuse_same(source, FileTarget(tmp_path / "z"))


def test_target_counts_and_hashes_what_is_written(tmp_path):
    """The hash is that of the finished file."""
    with FileTarget(tmp_path / "x").opened(overwrite=False) as writer:
        writer.write(b"abc")
        writer.write(memoryview(b"def"))
        assert (writer.count, writer.sha256()) == (6, hashlib.sha256(b"abcdef").hexdigest())
    assert (tmp_path / "x").read_bytes() == b"abcdef"


def test_target_stream_that_fails_is_incomplete():
    """A pipe or device that takes no more is not a finished output."""

    class Full(io.RawIOBase):
        def write(self, data):  # it takes none
            raise OSError(28, "No space left on device")

    with (
        pytest.raises(IncompleteError, match="cannot write -"),
        StreamTarget(Full()).opened(overwrite=False) as writer,
    ):
        writer.write(b"abc")


@given(data=st.binary(max_size=60), steps=st.lists(st.integers(-40, 40), max_size=9))
def test_what_was_looked_at_is_read_and_counted_once(data, steps):
    """A negative step looks ahead, whether a thread reads ahead or nobody does."""
    for reader in (HashingReader(io.BytesIO(data)), ReadAhead(io.BytesIO(data))):
        at = 0
        for step in steps:
            if step < 0:
                assert reader.peek(-step) == data[at : at - step]
            else:
                assert reader.read(step) == data[at : at + step]
                at = min(at + step, len(data))
            assert reader.count == at
        assert reader.read() == data[at:]
        assert reader.sha256() == hashlib.sha256(data).hexdigest()
        reader.close()


@given(data=st.binary(max_size=200), sizes=st.lists(st.integers(1, 50), max_size=9))
def test_hashing_reader_and_writer_pass_bytes_and_hash_them_all(data, sizes):
    """Whatever was asked for, the reader's hash is that of the whole file."""
    reader, copy = HashingReader(io.BytesIO(data)), io.BytesIO()
    writer = HashingWriter(copy)
    for size in sizes:
        writer.write(reader.read(size))
    assert copy.getvalue() == data[: sum(sizes)]
    assert writer.sha256() == hashlib.sha256(copy.getvalue()).hexdigest()
    assert writer.count == len(copy.getvalue())
    assert reader.sha256() == hashlib.sha256(data).hexdigest()
    assert reader.count == len(data)
