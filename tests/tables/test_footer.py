"""The footer of a Parquet file is read before Arrow is asked."""

import base64
import io
import subprocess
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.errors import InputError
from piienc.tables.parquet.footer import read_footer
from piienc.tables.parquet.thrift import read_struct

READ = """
import io, random, sys
import pyarrow as pa
from pyarrow import parquet as pq
from piienc.errors import PiiencError
from piienc.tables.table import Output
from piienc.tables.parquet.source import ParquetSource

numbers = pa.array([1, 2]).dictionary_encode()
table = pa.table({"a": ["x", None], "b": pa.array([[1], []]), "c": numbers})
file = io.BytesIO()
pq.write_table(table, file, write_page_index=True, bloom_filter_options={"a": True})
whole, random = file.getvalue(), random.Random(int(sys.argv[1]))
footer = int.from_bytes(whole[-8:-4], "little")
outcomes = {"read": 0, "refused": 0}
for _ in range(300):
    data = bytearray(whole)
    for _ in range(random.randint(1, 3)):
        data[random.randrange(len(data) - 8 - footer, len(data))] ^= 1 << random.randrange(8)
    try:
        source = ParquetSource(io.BytesIO(data), "x.parquet")
        source.layout(Output(source.schema, {"c"}, bloom_filters={"c"}))
        for unit in source.units():
            unit.batch.validate()
        outcomes["read"] += 1
    except PiiencError:
        outcomes["refused"] += 1
print(outcomes["read"], outcomes["refused"])
"""


def _file(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    file.seek(0)
    return file


def _encrypted(table, *, plaintext_footer):
    """Write a file by Parquet's own encryption, under a key that is wrapped in base64."""
    from pyarrow.parquet import encryption as pe

    class Plain(pe.KmsClient):
        def __init__(self, _):
            pe.KmsClient.__init__(self)

        def wrap_key(self, key_bytes, _):
            return base64.b64encode(key_bytes)

        def unwrap_key(self, wrapped_key, _):
            return base64.b64decode(wrapped_key)

    wanted = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"k": ["a"]}, plaintext_footer=plaintext_footer
    )
    properties = pe.CryptoFactory(Plain).file_encryption_properties(
        pe.KmsConnectionConfig(), wanted
    )
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    file.seek(0)
    return file


@pytest.mark.parametrize("plaintext_footer", [True, False])
@pytest.mark.parametrize("rows", [0, 3])
def test_own_encryption_of_parquet_is_refused_by_its_name(rows, plaintext_footer):
    """Arrow would end the whole process at the first question about an encrypted chunk."""
    table = pa.table({"a": pa.array(["x"] * rows, pa.string()), "b": pa.array([1] * rows)})
    file = _encrypted(table, plaintext_footer=plaintext_footer)
    with pytest.raises(InputError, match=r"a\.parquet.*PME"):
        read_footer(file, "a.parquet")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_footer_is_read_or_refused_and_never_ends_the_process(seed):
    """Whatever bits are turned over in a footer, there is an answer."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(seed)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    read, refused = map(int, done.stdout.split())
    assert read + refused == 300
    assert refused > 100


def test_summary_of_a_folder_is_refused_as_one():
    """A `_metadata` file has a footer of other files' rows, and nothing to encrypt."""
    facts = pq.ParquetFile(_file(pa.table({"a": [1]}))).metadata
    facts.set_file_path("part-0.parquet")
    file = io.BytesIO()
    facts.write_metadata_file(file)
    with pytest.raises(InputError, match="summary of other Parquet files"):
        read_footer(file, "_metadata")


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1\0\0\0\0\4\0\0\0PAR1"]
)
def test_what_has_no_footer_is_refused(data):
    """A magic at both ends is not enough."""
    with pytest.raises(InputError, match="not a Parquet file"):
        read_footer(io.BytesIO(data), "a.parquet")


def test_footer_whose_schema_has_no_root_is_refused():
    """Eighteen bytes of a stranger are no bug of ours."""
    footer = b"\x29\x0c\x29\x0c\x00"  # FileMetaData: an empty list of elements, and of row groups
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(InputError, match="not a Parquet file"):
        read_footer(io.BytesIO(data), "a.parquet")


def test_footer_tells_what_pyarrow_tells():
    """Leaves, codecs, statistics and keys are those that pyarrow reads."""
    table = pa.table({"a": ["x", "y"], "b": pa.array([[1], []])}, metadata={"owner": "team"})
    file = _file(table, compression={"a": "ZSTD", "b.list.element": "GZIP"}, write_statistics=["a"])
    footer = read_footer(file, "a.parquet")
    told = pq.ParquetFile(file).metadata
    group = told.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    assert [".".join(leaf.path) for leaf in footer.leaves] == [c.path_in_schema for c in columns]
    assert [leaf.physical for leaf in footer.leaves] == [c.physical_type for c in columns]
    assert [chunk.codec for chunk in footer.chunks] == [c.compression for c in columns]
    assert [chunk.has_statistics for chunk in footer.chunks] == [c.is_stats_set for c in columns]
    assert footer.metadata == told.metadata
    assert footer.most_rows == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\x15",
        b"\x19\xfc\xff\xff\xff\xff\x0f",
        b"\x18\xff\x7f",
        b"\x1e\0",
        b"\x1c" * 5000,
        b"\x16" + b"\xff" * 11,
    ],
    ids=["cut off", "long list", "long text", "no such type", "deep", "long number"],
)
def test_bytes_that_are_no_struct_are_refused(data):
    """No length in the data is believed beyond the data, and no depth without an end."""
    with pytest.raises(ValueError, match=r"data|64 bits"):
        read_struct(data)
