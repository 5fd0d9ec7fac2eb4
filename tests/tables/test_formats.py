"""The formats of tables: recognised by content, promised by names, opened."""

import hashlib
import io

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import piienc.tables
from piienc.errors import PolicyError, UsageError
from piienc.storage import FileSource, FileTarget, StreamTarget
from piienc.tables import (
    CsvFormat,
    check_ends,
    opened_table,
    promised_format,
    record_of,
    with_record,
)


def test_exported_names_are_there():
    """`__all__` names what the package gives, each once."""
    names = piienc.tables.__all__
    assert all(hasattr(piienc.tables, name) for name in names)
    assert len({*names}) == len(names)


def test_names_promise_a_format():
    """By the last suffix, in capitals or not; what is compressed is CSV."""
    names = ("a.pq", "a.PARQUET", "a.parquet.gz", "a.csv", "a.tab", "a")
    found = [promised_format(name) for name in names]
    told = ["parquet", "parquet", "csv", "csv", "csv", None]
    assert [each and each.name for each in found] == told


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
        FileSource(tables / source).opened() as file,
        pytest.raises(UsageError, match="different formats"),
    ):
        check_ends(file, FileTarget(tables / target))


@pytest.mark.parametrize(
    ("source", "target"),
    [("text", "b.csv.xz"), ("text", "b"), ("columns", "b.PQ"), ("columns", "b.dat")],
)
def test_output_whose_name_promises_nothing_else_takes_what_the_input_is(tables, source, target):
    """A name that tells no format promises none."""
    with FileSource(tables / source).opened() as file:
        check_ends(file, FileTarget(tables / target))
        check_ends(file, StreamTarget(io.BytesIO()))


def test_ends_that_are_one_file_are_refused(tables):
    """The input is never the output."""
    path = tables / "text"
    with FileSource(path).opened() as file, pytest.raises(PolicyError, match="is the input"):
        check_ends(file, FileTarget(path))


def test_opened_table_of_csv_gives_names_and_format(tmp_path):
    """Byte order mark and line end are found in the file, the rest is told."""
    path = tmp_path / "x.csv"
    path.write_bytes("\ufeffa;'b;c'\r\n1;2\r\n".encode())
    form = CsvFormat(";", "'")
    with FileSource(path).opened() as file, opened_table(file, form) as table:
        assert list(table.columns) == ["a", "b;c"]
        assert (table.kind, table.typed, table.rows) == ("csv", False, None)
        assert table.format == CsvFormat(";", "'", "utf-8", "\r\n", byte_order_mark=True)
        assert file.reader.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
        assert file.reader.count == path.stat().st_size


def test_opened_table_of_parquet_gives_its_schema(tmp_path):
    """Types and metadata are the file's own."""
    table = pa.table({"a": pa.array([1], pa.int8())}).replace_schema_metadata({"k": "v"})
    pq.write_table(table, tmp_path / "x.parquet")
    path = tmp_path / "x.parquet"
    with FileSource(path).opened() as file, opened_table(file, CsvFormat()) as source:
        assert source.schema.equals(table.schema, check_metadata=True)
        assert source.rows == source.extent == 1
        assert (source.kind, source.typed) == ("parquet", True)
        assert source.arrow_schema == pq.read_metadata(path).metadata[b"ARROW:schema"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert file.finish() == (path.stat().st_size, digest)


def test_record_in_the_metadata_is_put_found_and_removed():
    """Only our own entry is touched."""
    schema = pa.schema([("a", pa.string())], {"k": "v"})
    marked = with_record(schema, b"{}")
    assert record_of(schema) is None
    assert record_of(marked) == b"{}"
    assert marked.metadata == {b"k": b"v", b"piienc": b"{}"}
    assert with_record(marked, None).metadata == {b"k": b"v"}
    assert not with_record(schema.remove_metadata(), None).metadata
