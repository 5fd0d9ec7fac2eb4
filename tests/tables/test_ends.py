"""The two ends of a run: formats by content, streams, hashes."""

import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

import piienc.tables
from piienc.errors import IncompleteError, InputError, PolicyError, UsageError
from piienc.storage.hashing import HashingReader, HashingWriter, ReadAhead
from piienc.storage.places import begun, name_of, opened_target
from piienc.tables import (
    CsvFormat,
    check_ends,
    opened_source,
    record_of,
    with_record,
)


def test_exported_names_are_there():
    """`__all__` names what the package gives, sorted."""
    names = piienc.tables.__all__
    assert all(hasattr(piienc.tables, name) for name in names)
    assert list(names) == sorted(names)


def test_name_of_a_stream_is_a_dash():
    """Messages and receipts call an open stream as the command line does."""
    assert name_of(io.BytesIO()) == "-"
    assert name_of(Path("a/b.csv")) == "a/b.csv"


@pytest.fixture
def tables(tmp_path):
    """Give a CSV file and a Parquet file, under names that tell nothing."""
    (tmp_path / "text").write_bytes(b"a\n1\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "columns")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target"), [("text", "b.parquet"), ("columns", "b.csv"), ("columns", "b.pq.gz")]
)
def test_output_whose_name_promises_another_format_is_refused(tables, source, target):
    """Nothing is converted."""
    with (
        begun(tables / source) as file,
        pytest.raises(UsageError, match="different formats"),
    ):
        check_ends(file, tables / target)


@pytest.mark.parametrize(
    ("source", "target"),
    [("text", "b.csv.xz"), ("text", "b"), ("columns", "b.PQ"), ("columns", "b.dat")],
)
def test_output_whose_name_promises_nothing_else_takes_what_the_input_is(tables, source, target):
    """A name that tells no format promises none."""
    with begun(tables / source) as file:
        check_ends(file, tables / target)
        check_ends(file, io.BytesIO())


def test_ends_that_are_one_file_are_refused(tables):
    """The input is never the output."""
    with begun(tables / "text") as file, pytest.raises(PolicyError, match="is the input"):
        check_ends(file, tables / "text")


def test_opened_source_of_csv_gives_names_and_format(tmp_path):
    """Byte order mark and line end are found in the file, the rest is told."""
    path = tmp_path / "x.csv"
    path.write_bytes("\ufeffa;'b;c'\r\n1;2\r\n".encode())
    with opened_source(path, CsvFormat(";", "'")) as (table, reader):
        assert list(table.columns) == ["a", "b;c"]
        assert table.format == CsvFormat(";", "'", "utf-8", "\r\n", byte_order_mark=True)
        assert reader.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
        assert reader.count == path.stat().st_size


def test_opened_source_of_parquet_gives_its_schema(tmp_path):
    """Types and metadata are the file's own."""
    table = pa.table({"a": pa.array([1], pa.int8())}).replace_schema_metadata({"k": "v"})
    pq.write_table(table, tmp_path / "x.parquet")
    with opened_source(tmp_path / "x.parquet", CsvFormat()) as (source, reader):
        assert source.schema.equals(table.schema, check_metadata=True)
        assert source.rows == 1
        digest = hashlib.sha256((tmp_path / "x.parquet").read_bytes()).hexdigest()
        assert reader.sha256() == digest


def test_opened_source_that_is_missing_is_refused(tmp_path):
    """Both formats say so alike."""
    for name in ("x.csv", "x.parquet", "x.csv.gz"):
        with (
            pytest.raises(InputError, match="No such file"),
            opened_source(tmp_path / name, CsvFormat()),
        ):
            pass


def test_opened_target_counts_and_hashes_what_is_written(tmp_path):
    """The hash is that of the finished file."""
    with opened_target(tmp_path / "x", overwrite=False) as writer:
        writer.write(b"abc")
        writer.write(memoryview(b"def"))
        assert (writer.count, writer.sha256()) == (6, hashlib.sha256(b"abcdef").hexdigest())
    assert (tmp_path / "x").read_bytes() == b"abcdef"


def test_opened_target_stream_that_fails_is_incomplete():
    """A pipe or device that takes no more is not a finished output."""

    class Full(io.RawIOBase):
        def write(self, data):  # it takes none
            raise OSError(28, "No space left on device")

    with (
        pytest.raises(IncompleteError, match="cannot write -"),
        opened_target(Full(), overwrite=False) as writer,
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


def test_record_in_the_metadata_is_put_found_and_removed():
    """Only our own entry is touched."""
    schema = pa.schema([("a", pa.string())], {"k": "v"})
    marked = with_record(schema, b"{}")
    assert record_of(schema) is None
    assert record_of(marked) == b"{}"
    assert marked.metadata == {b"k": b"v", b"piienc": b"{}"}
    assert with_record(marked, None).metadata == {b"k": b"v"}
    assert not with_record(schema.remove_metadata(), None).metadata
